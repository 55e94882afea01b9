"""Completion, hovers and diagnostics of specs in yaml-language-server, by the table in cases.yaml."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from phift.editor import SCHEMA_FILE, schema_text
from phift.spec.tree import Node
from phift.spec.yaml12 import read
from tests.editor.lsp import Editor, server_missing

ROOT = Path(__file__).parents[2]
CASES: dict[str, list[dict[str, Any]]] = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text("utf-8"))
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
NO_SOURCE = re.compile(r"\n*Source: \[[^\]]*\]\([^)]*\)$")


@pytest.fixture(scope="session")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    if missing := server_missing():
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("editor")
    (folder / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
    server = Editor(folder, (folder / SCHEMA_FILE).as_uri())
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def opened(editor: Editor) -> dict[str, str]:
    """URIs of all documents without a cursor, by their text. The server checks them while other tests run."""
    texts = [whole(case["spec"]) for part in ("wrong", "right") for case in CASES[part]]
    texts += [path.read_text(encoding="utf-8") for path in CONFIGS]
    return {text: editor.open(unlinked(text)) for text in texts}


def whole(text: str) -> str:
    if text.startswith("version:"):
        return text
    head = "version: 1\n" if text.startswith("name:") else "version: 1\nname: demo\n"
    return head + text


def unlinked(text: str) -> str:
    """A spec that names its schema is checked by the schema of the test nevertheless."""
    return text.replace("# yaml-language-server:", "#")


def at_cursor(text: str) -> tuple[str, int, int]:
    """The document, and line and character of its cursor."""
    text = whole(text)
    before, cursor, after = text.partition("|")
    assert cursor
    assert "|" not in after
    return before + after, before.count("\n"), len(before.rpartition("\n")[2])


def documented(item: dict[str, Any]) -> str:
    found = item.get("documentation") or ""
    return found["value"] if isinstance(found, dict) else found


def hovered(markdown: str) -> str:
    """The text of a hover as a reader sees it."""
    return re.sub(r"\\([\\`*_{}\[\]#+!])", r"\1", NO_SOURCE.sub("", markdown)).strip()


@pytest.mark.parametrize("case", CASES["complete"], ids=lambda case: case["what"])
def test_completion(editor: Editor, case: dict[str, Any]) -> None:
    text, line, character = at_cursor(case["spec"])
    found = editor.complete(editor.open(text), line, character)
    for label, documentation in case.get("offers", {}).items():
        assert label in found
        assert documented(found[label]).startswith(documentation)
    assert {label: found[label]["insertText"].rstrip() for label in case.get("inserts", {})} == case.get("inserts", {})
    assert [label for label in case.get("lacks", ()) if label in found] == []
    if "only" in case:
        assert sorted(found) == sorted(case["only"])


@pytest.mark.parametrize("case", CASES["hover"], ids=lambda case: textwrap.shorten(case["spec"], 60))
def test_hover(editor: Editor, case: dict[str, Any]) -> None:
    text, line, character = at_cursor(case["spec"])
    shown = editor.hover(editor.open(text), line, character)
    assert hovered(shown) == case["shows"].strip()


@pytest.mark.parametrize("case", CASES["wrong"], ids=lambda case: case["spec"])
def test_what_is_wrong(editor: Editor, opened: dict[str, str], case: dict[str, Any]) -> None:
    text = whole(case["spec"])
    above = text.count("\n") - case["spec"].count("\n")
    found = editor.diagnostics(opened[text])
    places = [(found["range"]["start"], found["message"]) for found in found]
    shown = {f"{at['line'] + 1 - above}:{at['character'] + 1}": message for at, message in places}
    assert shown == case["finds"]
    assert len(places) == len(shown)


@pytest.mark.parametrize("case", CASES["right"], ids=lambda case: case["what"])
def test_what_is_right(editor: Editor, opened: dict[str, str], case: dict[str, Any]) -> None:
    assert [found["message"] for found in editor.diagnostics(opened[whole(case["spec"])])] == []


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_no_diagnostics_of_examples(editor: Editor, opened: dict[str, str], path: Path) -> None:
    assert [found["message"] for found in editor.diagnostics(opened[path.read_text(encoding="utf-8")])] == []


def test_every_key_of_the_examples_has_a_clean_hover(editor: Editor, opened: dict[str, str]) -> None:
    seen: set[str] = set()
    for path in CONFIGS:
        root, _ = read(path)
        assert root is not None
        for keys, node in keys_below(root):
            if keys in seen or node.name_mark is None:
                continue
            seen.add(keys)
            shown = hovered(
                editor.hover(opened[path.read_text("utf-8")], node.name_mark.line - 1, node.name_mark.column)
            )
            assert shown, keys
            assert not re.search(r"\|\||^#|phift spec", shown), (keys, shown)
    assert len(seen) > 100


OF_THE_AUTHOR = (
    "collections",
    "environment_variables",
    "matrix",
    "prices",
    "schedules",
    "tags",
    "targets",
    "tests",
    "vars",
)
"""Keys whose keys are names."""


def keys_below(node: Node, above: str = "") -> Iterator[tuple[str, Node]]:
    """Every key that phift defines, with its path; names are `*`."""
    named = above.rpartition(".")[2] in OF_THE_AUTHOR
    for key, child in (node.mapping or {}).items():
        keys = f"{above}.{'*' if named else key}".removeprefix(".")
        if not named:
            yield keys, child
        yield from keys_below(child, keys)


def test_the_first_line_of_a_spec_names_the_schema(editor: Editor) -> None:
    """Where no setting does: those of the test are for *.yaml."""
    named = f"# yaml-language-server: $schema={SCHEMA_FILE}\nversion: 1\nname: Demo\n"
    (found,) = editor.diagnostics(editor.open(named, ending="yml"))
    assert found["message"].startswith("Write 2 to 24 lower-case letters")
    assert editor.diagnostics(editor.open("version: 1\nname: Demo\n", ending="yml")) == []


def test_the_server_is_offline_and_fast(editor: Editor) -> None:
    """A median above this makes typing sluggish."""
    assert editor.messages == []
    assert editor.median() < 500
