"""Diagnostic codes: every one that the source can give is explained, and nothing else is."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from codes import Calls, UnknownCodeError, codes_in

from phift.cli.run import run
from phift.explain import AREAS, explanations
from phift.explain.page import page
from phift.views.base import Style
from phift.views.human import explain as view

ROOT = Path(__file__).parents[2]
EXPLAINED = explanations()
GOLDEN = sorted((ROOT / "tests" / "acceptance" / "cases").glob("*/output.txt"))
SHOWN = re.compile(r"^(?:error|warning)\[(.*?)\]: ", re.MULTILINE)


def test_every_code_of_the_source_is_explained() -> None:
    missing = {code: places for code, places in codes_in().items() if code not in EXPLAINED}
    assert not missing, "explain them in phift/explain/*.yaml"


def test_only_codes_of_the_source_are_explained() -> None:
    assert set(EXPLAINED) - set(codes_in()) == set()


def test_codes_are_kebab_case() -> None:
    assert [code for code in codes_in() if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)] == []


def test_a_code_has_one_meaning() -> None:
    titles = [one.title for one in EXPLAINED.values()]
    assert len(set(titles)) == len(titles)
    texts = [(ROOT / "phift" / "explain" / f"{area}.yaml").read_text(encoding="utf-8") for area in AREAS]
    written = re.findall(r"^  ([a-z0-9-]+):$", "\n".join(texts), re.MULTILINE)
    assert sorted(written) == sorted(EXPLAINED), "a code stands in two files"


@pytest.mark.parametrize("code", EXPLAINED)
def test_each_says_what_why_and_how_to_fix_it(code: str) -> None:
    one = EXPLAINED[code]
    assert all((one.title, one.means, one.why, one.bad, one.fix, one.good))
    assert len(one.title) <= 80
    assert not one.title.endswith(".")
    assert all(text.rstrip().endswith((".", ".)")) for text in (one.means, one.why)), "sentences"
    assert bool(one.run) != bool(one.not_run), "either the tests run the example, or it says why they do not"


def test_the_page_is_what_the_texts_say() -> None:
    written = (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    assert written == page(), "run: python -m phift.explain > docs/diagnostics.md"


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parent.name)
def test_golden_outputs_show_codes_that_are_explained(path: Path) -> None:
    assert set(SHOWN.findall(path.read_text(encoding="utf-8"))) <= set(EXPLAINED)


def test_golden_outputs_show_codes() -> None:
    shown = {code for path in GOLDEN for code in SHOWN.findall(path.read_text(encoding="utf-8"))}
    assert len(shown) >= 30


def read(source: str) -> dict[str, list[str]]:
    return Calls({"phift/x.py": ast.parse(source)}).found


def test_a_diagnostic_without_a_code_is_noticed() -> None:
    with pytest.raises(UnknownCodeError, match=r"x\.py:1: Diagnostic without a code"):
        read("Diagnostic('wrong')")
    with pytest.raises(UnknownCodeError, match="computed"):
        read("Diagnostic('wrong', code=computed())")


def test_composed_codes_are_resolved() -> None:
    source = "def _bad(kind, code='c'):\n    return Diagnostic('x', code=f'data-{kind}')\n_bad('a')\n_bad('b')\n"
    assert set(read(source)) == {"data-a", "data-b"}
    assert set(read("Diagnostic('x', code='a' if y else 'b')")) == {"a", "b"}
    assert set(read("C = 'a'\nDiagnostic('x', code=C)")) == {"a"}


def test_an_explanation_fits_80_columns() -> None:
    for one in EXPLAINED.values():
        said = view.render(one, style=Style(width=80))
        prose = [line for line in said.splitlines() if not line.startswith("    ")]
        assert max(map(len, prose)) <= 80
    assert max(map(len, view.listing(EXPLAINED.values()).splitlines())) <= 80


def test_explain_prints_one_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "size-not-allowed"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("size-not-allowed: ")
    assert "\nWhy: " in said
    assert "\nFix: " in said


def test_explain_lists_all_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == 0
    said = capsys.readouterr().out
    assert all(f"  {code} " in said for code in EXPLAINED)


def test_explain_suggests_the_nearest_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "size-not-alowed"]) == 1
    assert "Did you mean size-not-allowed?" in capsys.readouterr().err
    assert run(["explain", "?"]) == 1
    assert "List all codes" in capsys.readouterr().err


def test_explain_as_json_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "--format", "json"]) == 0
    codes = json.loads(capsys.readouterr().out)["codes"]
    assert [one["code"] for one in codes] == list(EXPLAINED)
    assert run(["explain", "needs", "--format", "json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["codes"]
    assert (one["title"], one["fixed"]) == (EXPLAINED["needs"].title, EXPLAINED["needs"].good)


def test_validating_loads_no_explanations() -> None:
    script = (
        "import sys\nfrom phift.cli.run import run\nrun(['validate', 'configs/quickstart.yaml', '--target', 'local'])\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.startswith("phift.explain")]
