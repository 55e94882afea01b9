"""Messages, docstrings and pages avoid the words that the writing guide (CONTRIBUTING.md) lists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

CLEANED = (
    "phift/api",
    "phift/apply",
    "phift/azure",
    "phift/catalog",
    "phift/cli",
    "phift/compile",
    "phift/data",
    "phift/emulator",
    "phift/explain",
    "phift/graph",
    "phift/kinds",
    "phift/ledger",
    "phift/phases",
    "phift/plan",
    "phift/preflight",
    "phift/spec",
    "phift/state",
    "phift/views",
    "phift/workbench",
)
"""Folders that follow the guide. Add a folder here after rewriting its texts."""

AVOIDED = {
    r"mend(s|ed|ing)?": "fix",
    r"anew": "again, re-create",
    r"in any case": "case-insensitive",
    r"in (its|their) stead": "instead",
    r"grav(est|ity)": "most severe, severity",
    r"(goes|go|went|going) on": "continue, keep",
    r"told": "reported, shown",
    r"worth telling": "(say what it is)",
    r"as (it is|they are)\b(?! (not|now|being))": "unchanged, as-is",
    r"so (many|much)(?= (?!as\b))": "N, this many",
    r"(?<!there )(is|are|was|were|holds|knows|gives|names) no(?= (?!longer\b|more\b))": "not + verb",
    r"polite(ly)?": "graceful",
    r"carr(y|ies|ied|ying) out": "apply, run",
    r"(take|takes|taken|took|taking) up again": "resume",
    r"cannot be had": "is not available",
    r"beside": "next to",
    r"in the making": "being created",
    r"cut off while": "interrupted",
    r"what is (not )?(ours|theirs)": "owned by this stack",
    r"(stands|lies) (in|on|under|behind|beside)": "is in",
    r"as ever": "(say what it does)",
    r"of no use|of use": "used",
    r"makes no sense": "is invalid",
    r"asks (once )?more": "retries",
    r"made by (no|this|that|another|other|the) (stack|spec)s?": "managed by, created by",
    r"what (it|there) is (in|of) (it|use)": "(name the thing)",
    r"takes? (its|their|the) place": "replace",
    r"makes? (a|an|its|the) (new|next) (one|model|version)": "create, register",
    r"(are|is) free(?= *$)": "available",
    r"lies? outside": "is outside",
    r"has nobody": "(say what is missing)",
    r"in a circle": "circular",
    r"embedded Azure ML": "emulator",
    r"stands on line": "(first defined on line N)",
}
"""A pattern, and what to write instead."""

ALLOWED = {
    ("phift/emulator/host/tls.py", "embedded azure ml"): "files of earlier releases contain it",
    ("phift/emulator/services/workspace/documents.py", "embedded azure ml"): "the description of stored workspaces",
    ("phift/cli/main.py", "goes on"): "the text of the start-up module is not rewritten yet",
    ("phift/data/hub/resolving.py", "as it is"): "a state at a time: `as it is on the hub now`",
}
"""Uses that stay, by file, each with the reason."""

_PATTERN = re.compile("|".join(rf"\b(?:{word})" + r"(?!\w)" for word in AVOIDED), re.IGNORECASE)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and text of every string of a module, docstrings and parts of f-strings included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def avoided(text: str) -> list[str]:
    """Return the avoided words of a text."""
    return [match[0].lower().strip() for match in _PATTERN.finditer(" ".join(text.split()))]


MODULES = [
    *sorted((ROOT / "phift").glob("*.py")),
    *(path for folder in CLEANED for path in sorted((ROOT / folder).rglob("*.py"))),
]
"""The modules that follow the guide."""

PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "configs").glob("*.yaml")),
    *sorted((ROOT / "phift" / "explain").glob("*.yaml")),
]
"""The pages and explanations that follow the guide."""


def unexpected(path: Path, found: list[tuple[int, str]]) -> list[tuple[int, str]]:
    name = path.relative_to(ROOT).as_posix()
    return [(line, word) for line, word in found if (name, word) not in ALLOWED]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_use_the_words_of_the_guide(path: Path) -> None:
    assert unexpected(path, [(line, word) for line, text in texts(path) for word in avoided(text)]) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_use_the_words_of_the_guide(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert unexpected(path, [(n, word) for n, line in enumerate(lines, 1) for word in avoided(line)]) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mend the cause, then apply again.", ["mend"]),
        ("learning_rat is no input of the component", ["is no"]),
        ("it is no longer there", []),
        ("an amended and recommended value", []),
        ("the size, in any\n    case", ["in any case"]),
        ("The request GOES ON in the service", ["goes on"]),
    ],
)
def test_avoided_words_are_found(text: str, words: list[str]) -> None:
    assert avoided(text) == words


def test_every_exception_is_still_needed() -> None:
    used = {
        (path.relative_to(ROOT).as_posix(), word)
        for path in MODULES
        for _, text in texts(path)
        for word in avoided(text)
    }
    used |= {
        (path.relative_to(ROOT).as_posix(), word)
        for path in PAGES
        for word in avoided(path.read_text(encoding="utf-8"))
    }
    assert set(ALLOWED) - used == set()


def test_the_guide_lists_the_words() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [
        word for word in ("mend", "anew", "in any case", "in its stead", "goes on", "told") if word not in guide
    ] == []


def test_what_is_left_out_is_counted_with_its_noun() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {words}"
        for path in sorted((ROOT / "phift").rglob("*.py"))
        for words in re.findall(r"\} more [a-z]+s\b", path.read_text(encoding="utf-8"))
    ]
    assert not found, "one left out is `1 more row`: use kinds.words.plural"
