"""Findings and errors, as people read them."""

from pathlib import Path

from phift.data.hub.errors import HubError
from phift.diagnostics import Diagnostic, Mark, Severity
from phift.errors import (
    ConflictError,
    DetachedError,
    InvalidSpecError,
    JobFailedError,
    PhiftError,
    RefusedError,
    UnreachableError,
)
from phift.views import json
from phift.views.base import Style
from phift.views.human import diagnostics, errors


def test_the_line_is_quoted_with_carets_under_its_word(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("version: 1\nfinetune:\n  learning_rat: 0.1\n")
    found = Diagnostic("unknown key", detail="why", remedy="Did you mean it?", mark=Mark(str(file), 3, 3), code="c")
    assert diagnostics.one(found) == (
        f"error[c]: unknown key\n --> {file}:3:3\n  |\n3 |   learning_rat: 0.1\n  |   ^^^^^^^^^^^^\n"
        "  = why\n  = Did you mean it?"
    )


def test_all_of_a_file_come_in_order_and_are_counted() -> None:
    found = [
        Diagnostic("third", mark=Mark("b.yaml", 1), code="c"),
        Diagnostic("second", mark=Mark("a.yaml", 9), code="c"),
        Diagnostic("first", Severity.WARNING, mark=Mark("a.yaml", 2), code="c"),
        Diagnostic("nowhere", code="c"),
    ]
    said = diagnostics.render(found)
    assert [said.index(word) for word in ("third", "first", "second", "nowhere")] == sorted(
        said.index(word) for word in ("third", "first", "second", "nowhere")
    )
    assert said.splitlines()[-1] == "3 errors, 1 warning."


def test_rows_of_data_are_never_quoted(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text('{"messages": "private words"}\n')
    said = diagnostics.one(Diagnostic("bad row", mark=Mark(str(file), 1, 1), code="c"))
    assert "private" not in said
    assert f"{file}:1:1" in said


def test_a_place_that_is_not_there_any_more_is_still_named(tmp_path: Path) -> None:
    for line in (0, 99):
        (tmp_path / "s.yaml").write_text("a: 1\n")
        said = diagnostics.one(Diagnostic("x", mark=Mark(str(tmp_path / "s.yaml"), line), code="c"))
        assert "s.yaml" in said
    assert "gone.yaml:3" in diagnostics.one(Diagnostic("x", mark=Mark("gone.yaml", 3), code="c"))


def test_long_lines_are_cut_around_the_place(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("a: {" + "b: 1, " * 60 + "wrong: 2}\n")
    column = file.read_text().index("wrong") + 1
    lines = diagnostics.one(Diagnostic("x", mark=Mark(str(file), 1, column), code="c")).splitlines()
    source, carets = lines[3], lines[4]
    assert max(len(source), len(carets)) <= 80
    assert source[carets.index("^") : carets.rindex("^") + 1] == "wrong"


def test_errors_with_diagnostics_show_all_of_them() -> None:
    two = [Diagnostic("one", code="c"), Diagnostic("two", code="c")]
    for error in (InvalidSpecError(two), RefusedError(two)):
        assert errors.render(error).splitlines()[-1] == "2 errors."


def test_an_error_says_what_where_why_and_what_to_do() -> None:
    said = errors.render(PhiftError("no", detail="because", remedy="do", address="job.finetune"))
    assert said == "error: no\n --> job.finetune\n  = because\n  = do"


def test_a_list_ends_with_where_more_is_said() -> None:
    one, other = Diagnostic("a", code="size-unknown"), Diagnostic("b", Severity.WARNING, code="needs")
    assert diagnostics.render([one, one], explain=True).endswith(
        "2 errors. For details, run: phift explain size-unknown"
    )
    assert diagnostics.render([one, other], explain=True).endswith(
        "1 error, 1 warning. For details, run: phift explain CODE"
    )
    assert diagnostics.render([one]).endswith("1 error.")
    narrow = diagnostics.render([one], style=Style(width=40), explain=True)
    assert narrow.endswith("1 error.\nFor details, run: phift explain size-unknown")


def test_counts_of_what_is_not_listed_are_no_reason_to_explain() -> None:
    found = [Diagnostic("a", code="needs"), Diagnostic("one more error", code="more")]
    assert diagnostics.hint(found) == "For details, run: phift explain needs"
    assert diagnostics.hint(found[1:]) == ""


def test_errors_show_their_own_code_and_not_that_of_the_service() -> None:
    gated = HubError("org/data is gated", code="hub-gated")
    assert errors.render(gated).startswith("error[hub-gated]: org/data is gated")
    assert json.error(gated)["code"] == "hub-gated"
    assert errors.render(ConflictError("busy", code="Conflict")).startswith("error: busy")
    assert "code" not in json.error(PhiftError("no"))


def test_a_failure_among_others_has_no_hint() -> None:
    refused = RefusedError([Diagnostic("a", code="needs")])
    assert errors.failure("job.finetune", refused).endswith("1 error.")
    assert errors.render(refused, explain=True).endswith("1 error. For details, run: phift explain needs")


def test_a_failed_job_shows_its_step_and_the_tail_of_its_log() -> None:
    log = "\n".join(f"line {n}" for n in range(100))
    said = errors.failure("job.finetune", JobFailedError("the job failed", step="finetune", log=log))
    assert "step finetune" in said
    assert "| line 99" in said
    assert "line 79" not in said
    assert "--> job.finetune" in said


def test_the_service_s_no_names_the_request_and_its_code() -> None:
    said = errors.render(ConflictError("busy", status=409, code="Conflict", method="PUT", url="https://h/p"))
    assert "PUT https://h/p" in said
    assert "HTTP 409 Conflict" in said
    assert "no response" in errors.render(UnreachableError("gone", method="GET", url="https://h/p"))


def test_detached_is_no_error() -> None:
    assert errors.render(DetachedError("left")).startswith("detached: left")


def test_an_unexpected_error_is_one_line_and_a_hint() -> None:
    said = errors.unexpected(KeyError("name\nsecond"), style=Style())
    assert said.startswith("error: KeyError: ")
    assert "PHIFT_DEBUG=1" in said
    assert len(said.splitlines()) == 2
