"""Answers beside their ground truth, and what a stack is now: nothing cut in silence, nothing too wide."""

import pytest

from phift.kinds.words import exact_matches
from phift.phases import Status, StatusRow
from phift.views.base import Style
from phift.views.human.conversation import conversation, printable
from phift.views.human.status import render

LONG = " ".join(f"word{n}" for n in range(60))
SAME = {"prompt": "Where is Lima?", "answer": "In Peru.", "ground_truth": "In Peru. ", "seconds": 0.2}
OTHER = {"prompt": LONG, "answer": LONG, "ground_truth": "Short.", "seconds": 61.0}
LOST = {"prompt": "Anybody?", "answer": "", "ground_truth": "Yes.", "seconds": 30.0, "error": "no answer in time"}


@pytest.mark.parametrize("width", [40, 80, 120])
def test_every_word_is_there_and_no_line_is_too_wide(width: int) -> None:
    lines = conversation([SAME, OTHER, LOST], style=Style(width=width))
    assert max(map(len, lines)) <= width
    said = " ".join(lines)
    assert all(said.count(f"word{n} ") + said.count(f"word{n}\n") >= 1 for n in range(59))
    for word in ("ground truth (the same)", "ground truth (differs)", "no answer: no answer in time", "1m01s"):
        assert word in said


def test_what_is_left_out_is_counted() -> None:
    lines = conversation([{**OTHER, "prompt": "?"}], style=Style(width=80), lines=3)
    assert any("more lines)" in line for line in lines)
    assert sum("word" in line for line in lines) == 2


def test_exact_matches_count_what_has_a_ground_truth() -> None:
    assert exact_matches([SAME, OTHER, {"answer": "x", "ground_truth": ""}]) == (1, 2)


def test_an_answer_cannot_steer_the_terminal() -> None:
    assert "\033" not in printable("a\033[2Jb\r\nc")
    assert printable("one\n\ttwo é") == "one\n    two é"


STATUS = Status(
    "s",
    "rg/ws",
    (
        StatusRow(
            "data.train", "s-train:1", "Succeeded", {"rows": "590", "uri": "azureml://x/paths/phift/data/a.jsonl"}
        ),
        StatusRow("endpoint.main", "s-1", "Succeeded", {"scoring_uri": "https://s-1/score", "traffic": {"d-1": 90}}),
        StatusRow(
            "deployment.main", "d-1", "Failed", {"model": "/x/models/m/versions/3", "instances": 2, "owner": "t"}
        ),
        StatusRow("deployment.d-2", "d-2", "missing"),
    ),
    commands=("curl " + "x" * 200,),
)


def test_status_tells_what_people_ask_and_never_wraps_a_command() -> None:
    lines = [line.strip() for line in render(STATUS).splitlines()]
    for said in (
        "590 rows, phift/data/a.jsonl",
        "https://s-1/score",
        "m:3, 2 instances, 90 % of the traffic",
        "owner: t",
    ):
        assert said in lines
    assert lines[-1] == STATUS.commands[0]
    assert "azureml://" not in render(STATUS)
