"""Files of results: only an earlier result of the same kind is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from phift.cli import planfile
from phift.cli.outfile import JSON, PAGE, Kind, require_writable, write_text
from phift.errors import UsageError
from phift.views.json import document

RESULTS = {JSON: document({"format_version": "1.0"}) + "\n", PAGE: "<!doctype html>\n<html></html>\n"}


@pytest.mark.parametrize("kind", RESULTS, ids=lambda kind: kind.name)
def test_an_earlier_result_and_an_empty_file_are_replaced(tmp_path: Path, kind: Kind) -> None:
    for before in ("", "\n", RESULTS[kind], RESULTS[kind].replace("1.0", "0.9")):
        path = tmp_path / "result"
        path.write_text(before)
        write_text(path, RESULTS[kind], kind)
        assert path.read_text() == RESULTS[kind]


@pytest.mark.parametrize("kind", RESULTS, ids=lambda kind: kind.name)
def test_nothing_else_is_overwritten(tmp_path: Path, kind: Kind) -> None:
    others = [text for other, text in RESULTS.items() if other != kind]
    for content in ("version: 1\nname: mine\n", '{"question": "a"}\n', "x", *others):
        path = tmp_path / "phift.yaml"
        path.write_text(content)
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(path)
        for name in ("phift.yaml", "link"):
            with pytest.raises(UsageError, match=f"it exists and is not {kind.name}"):
                require_writable(tmp_path / name, kind=kind)
            with pytest.raises(UsageError, match=f"it exists and is not {kind.name}"):
                write_text(tmp_path / name, RESULTS[kind], kind)
        assert path.read_text() == content


@pytest.mark.parametrize("name", ["plan.html", "plan.md"])
def test_a_plan_is_not_saved_under_the_name_of_a_page(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="saves the plan as JSON") as caught:
        planfile.require_writable(tmp_path / name)
    assert f"--format {name[5:]} > " in caught.value.remedy
