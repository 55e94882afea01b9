"""Every fenced block of README.md, CONTRIBUTING.md and docs/ is executed, validated or parsed, or says why not."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from enum import StrEnum
from functools import cache
from pathlib import Path

import jsonschema
import pytest
import yaml
from blocks import PAGES, ROOT, Block, blocks, inline_commands, runs
from commands import inline_problem, problems, shown
from fragments import invalid
from output import differs

from phift.explain import explanations

CASES = ROOT / "tests" / "acceptance" / "cases"
PLAN = json.loads((ROOT / "schemas" / "plan.schema.json").read_text(encoding="utf-8"))
DIAGNOSTICS, API = "docs/diagnostics.md", "docs/api.md"
FEWEST = {"executed": 60, "validated": 20, "parsed": 100, "compared": 3}
"""What the pages had at least when this was written."""
MOST_EXEMPT = 12
"""Blocks with a mark of their own that says why nothing checks them."""


class Checked(StrEnum):
    """How a block is checked."""

    EXECUTED = "executed"
    """It runs here (test_pages.py), or in the test of its page."""
    VALIDATED = "validated"
    """phift, or a schema, accepts it."""
    PARSED = "parsed"
    """Its commands and options exist, or its syntax is right."""
    COMPARED = "compared"
    """It is part of the golden output of a case."""
    EXEMPT = "exempt"
    """It says why nothing checks it."""


class UncheckedError(AssertionError):
    """A block that no rule covers, or that is wrong."""


@cache
def _examples() -> dict[str, str]:
    """The examples of docs/diagnostics.md that tests/invariants/test_explained.py does not run, and why."""
    several = explanations().values()
    return {f"{text}\n": one.not_run for one in several for text in (one.bad, one.good)}


@cache
def _rejected() -> set[str]:
    return {f"{one.bad}\n" for one in explanations().values()}


def checked(block: Block, folder: Path, *, running: bool) -> Checked:
    """Checks a block, unless the test of its page does. Raises UncheckedError.

    running: whether the commands of its page run.
    """
    if block.how in {"exempt", "unlike"} and not block.detail:
        raise UncheckedError(f"{block.how} without a reason")
    if block.how == "exempt":
        return Checked.EXEMPT
    if block.page == DIAGNOSTICS:
        return _diagnostic(block, folder)
    if block.how == "output":
        return _golden(block)
    if running and block.how in {"file", "append"}:
        return Checked.EXECUTED
    match block.language:
        case "console" | "sh":
            return Checked.EXECUTED if running and block.how != "parse" else _commands(block)
        case "yaml":
            return _yaml(block, folder)
        case "json":
            return _json(block)
        case "python" if block.page == API:
            return Checked.EXECUTED
        case "python" | "pyi":
            ast.parse(block.text)
            return Checked.PARSED
    raise UncheckedError(
        f"no rule for a block of language {block.language!r}; see tests/docs/blocks.py for the marks of blocks"
    )


def _diagnostic(block: Block, folder: Path) -> Checked:
    """An example of a code; the page is generated, and another test runs the examples that say how."""
    if block.text not in _examples():
        raise UncheckedError("not an example of phift/explain")
    if not _examples()[block.text]:
        return Checked.EXECUTED
    if block.language == "console":
        return Checked.PARSED if block.text in _rejected() else _commands(block)
    return Checked.EXEMPT if invalid(block.text, "", folder) else Checked.VALIDATED


def _commands(block: Block) -> Checked:
    commands = [command for command, _ in shown(block.text, block.language)]
    if not commands:
        raise UncheckedError("no command")
    if wrong := [problem for command in commands for problem in problems(command)]:
        raise UncheckedError("; ".join(wrong))
    return Checked.PARSED


def _yaml(block: Block, folder: Path) -> Checked:
    if block.how == "parse":
        list(yaml.safe_load_all(block.text))
        return Checked.PARSED
    if problem := invalid(block.text, block.detail if block.how == "in" else "", folder):
        raise UncheckedError(problem)
    return Checked.VALIDATED


def _json(block: Block) -> Checked:
    content = json.loads(block.text)
    if block.how != "plan":
        return Checked.PARSED
    jsonschema.Draft202012Validator(PLAN).validate(content)
    return Checked.VALIDATED


def _golden(block: Block) -> Checked:
    case = block.detail.removeprefix("of ").strip()
    path = ROOT / case if case.endswith(".md") else CASES / case / "output.txt"
    if case.endswith(".md") and not runs(path):
        raise UncheckedError(f"the commands of {case} do not run")
    golden = path.read_text(encoding="utf-8")
    if difference := differs(block.text, golden, part=True):
        raise UncheckedError(f"not in {path.relative_to(ROOT)}:\n{difference}")
    return Checked.COMPARED


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_block_is_checked(page: Path, tmp_path: Path) -> None:
    wrong = []
    for block in blocks(page):
        try:
            checked(block, tmp_path, running=runs(page))
        except (UncheckedError, ValueError, SyntaxError, yaml.YAMLError, jsonschema.ValidationError) as error:
            wrong.append(f"{block.place}: {error}")
    wrong += [f"{place}: {problem}" for place, text in inline_commands(page) if (problem := inline_problem(text))]
    assert not wrong, "\n".join(wrong)


def test_no_block_is_overlooked() -> None:
    for page in PAGES:
        fences = re.findall(r"^ *(?:```|~~~)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(fences) == 2 * len(blocks(page)), page


def test_marks_are_known() -> None:
    known = {"", "append", "exempt", "file", "in", "parse", "plan", "output", "exit", "unlike"}
    assert [block.place for page in PAGES for block in blocks(page) if block.how not in known] == []


def test_the_counts(tmp_path: Path, record_property: pytest.RecordProperty) -> None:
    found = Counter(str(checked(block, tmp_path, running=runs(page))) for page in PAGES for block in blocks(page))
    marked = [block.place for page in PAGES for block in blocks(page) if block.how == "exempt"]
    record_property("tried", f"blocks of the pages: {', '.join(f'{n} {how}' for how, n in sorted(found.items()))}")
    assert {how: found[how] for how, least in FEWEST.items() if found[how] < least} == {}
    assert len(marked) <= MOST_EXEMPT, marked
