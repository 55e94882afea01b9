"""The harness itself: a wrong output fails, a right one passes, and what differs between runs is redacted."""

from pathlib import Path

import pytest
from harness import CASES, Case, Mismatch, check, discover, redact


def _case(folder: Path, script: str, golden: str | None, settings: str = "") -> Case:
    folder.mkdir()
    (folder / "script").write_text(script)
    if golden is not None:
        (folder / "output.txt").write_text(golden)
    if settings:
        (folder / "case.toml").write_text(settings)
    return Case.load(folder)


RIGHT = "$ phift --version\nphift 0.2.0\n"


def test_the_right_output_passes(tmp_path: Path) -> None:
    check(_case(tmp_path / "case", "phift --version\n", RIGHT), tmp_path / "scratch")


@pytest.mark.parametrize(
    "golden",
    ["", RIGHT.replace("0.2.0", "9.9.9"), RIGHT + "more\n", RIGHT.replace("$ phift --version\n", "")],
    ids=["empty", "other", "less than it", "no heading"],
)
def test_a_wrong_output_fails_and_shows_the_difference(tmp_path: Path, golden: str) -> None:
    with pytest.raises(Mismatch, match=r"(?sm)not the golden output.*^[+-]"):
        check(_case(tmp_path / "case", "phift --version\n", golden), tmp_path / "scratch")


def test_a_missing_output_fails(tmp_path: Path) -> None:
    with pytest.raises(Mismatch, match=r"output\.txt is missing"):
        check(_case(tmp_path / "case", "phift --version\n", None), tmp_path / "scratch")


def test_update_writes_what_then_passes(tmp_path: Path) -> None:
    case = _case(tmp_path / "case", "phift --version\n", "wrong\n")
    check(case, tmp_path / "first", update=True)
    assert case.golden.read_text() == RIGHT
    check(case, tmp_path / "second")


def test_a_failing_command_shows_its_exit_code_and_both_streams_in_order(tmp_path: Path) -> None:
    script = "echo one; phift nonsense; echo two >&2; echo three\n"
    case = _case(tmp_path / "case", script, None)
    check(case, tmp_path / "scratch", update=True)
    lines = [line for line in case.golden.read_text().splitlines() if line]
    assert lines[:2] == ["one", "$ phift nonsense"]
    assert lines[-3:] == ["[exit 1]", "two", "three"]


def test_a_script_that_hangs_is_ended(tmp_path: Path) -> None:
    case = _case(tmp_path / "case", "echo begun\nsleep 60\n", "", "timeout = 0.5\n")
    with pytest.raises(Mismatch, match=r"(?s)still running after.*begun"):
        check(case, tmp_path / "scratch")


def test_an_unknown_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="time_out"):
        _case(tmp_path / "case", "true\n", "", "time_out = 3\n")


def test_redaction_keeps_what_is_the_same_the_same(tmp_path: Path) -> None:
    case = Case(tmp_path, redactions=((r"loss \d\.\d+", "loss [loss]"),))
    text = redact(
        f"{tmp_path}/project/a.yaml took 1m02s, [3.2s elapsed] at 2026-03-01T10:00:00Z on 127.0.0.1:4711\n"
        "quickstart-5b1c2d3e4f50 quickstart-0123456789ab quickstart-5b1c2d3e4f50 loss 0.4123 12345678\n"
        "0b5f6c1e-1111-2222-3333-444455556666   \n",
        case,
        tmp_path,
    )
    assert text == (
        "[project]/a.yaml took [duration], [[duration] elapsed] at [time] on 127.0.0.1:[port]\n"
        "quickstart-[hex1] quickstart-[hex2] quickstart-[hex1] loss [loss] 12345678\n"
        "[guid1]\n"
    )


def test_every_case_is_whole() -> None:
    assert discover(), f"no cases in {CASES}"
    assert [c.folder.name for c in discover() if not c.golden.exists()] == []
    assert [p.name for p in CASES.iterdir() if not (p / "script").exists()] == []
