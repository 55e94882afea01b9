"""`phift init` recognises how the columns of a file become rows of a fine-tune."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from phift.data.recognition import recognise_chat, recognise_table
from phift.data.sources import identify
from phift.errors import InvalidSpecError

USER, ANSWER = {"role": "user", "content": "Two and two?"}, {"role": "assistant", "content": "Four."}
WEIGHTED = {"role": "assistant", "content": "Four.", "weight": 1}
SAID = {"from": "human", "value": "Two and two?"}, {"from": "gpt", "value": "Four."}


def written(folder: Path, *rows: dict[str, Any]) -> Any:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return identify({"path": "rows.jsonl"}, folder)


@pytest.mark.parametrize(
    ("row", "messages", "what"),
    [
        ({"messages": [USER, ANSWER]}, None, "conversations (`messages`)"),
        ({"messages": [USER, WEIGHTED], "id": 1}, "openai", "openai (`messages`)"),
        (
            {"messages": [{"from": "user", "value": "Two?"}, {"from": "assistant", "value": "2"}]},
            {"turns": "messages", "role": "from", "content": "value"},
            "turns of `messages` (`from` and `value`)",
        ),
        ({"conversations": SAID}, "sharegpt", "sharegpt (`conversations`)"),
        ({"conversations": SAID, "rating": 3}, "sharegpt", "sharegpt (`conversations`; ignores `rating`)"),
        (
            {"instruction": "Add", "input": "", "output": "3"},
            "alpaca",
            "alpaca (`instruction`, `input`, `output`)",
        ),
        (
            {"user_query": "Two?", "bot_reply": "2", "user_id": 7},
            {"user": "{{ user_query }}", "assistant": "{{ bot_reply }}"},
            "`user_query` asks, `bot_reply` answers, by their names; ignores `user_id`",
        ),
        (
            {"id": 1, "system_prompt": "Be short.", "question": "Two?", "response": "2"},
            {"system": "{{ system_prompt }}", "user": "{{ question }}", "assistant": "{{ response }}"},
            "`system_prompt` is the system prompt, `question` asks, `response` answers, by their names; ignores `id`",
        ),
        (
            {"system": None, "prompt": "Two?", "completion": "2"},
            {"system": "{{ system }}", "user": "{{ prompt }}", "assistant": "{{ completion }}"},
            "`system` is the system prompt, `prompt` asks, `completion` answers, by their names",
        ),
        (
            {"system": "Be short.", "instruction": "Add", "input": "1 and 2", "output": "3"},
            "alpaca",
            "alpaca (`instruction`, `input`, `output`; ignores `system`)",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_shapes_of_conversations(tmp_path: Path, row: dict[str, Any], messages: object, what: str) -> None:
    found = recognise_chat(written(tmp_path, row, row))
    assert (found.rows, found.messages, found.what) == (2, messages, what)


def test_the_columns_can_be_named(tmp_path: Path) -> None:
    found = recognise_chat(written(tmp_path, {"a": "Two?", "b": "2"}), columns=("a", "b"))
    assert found.messages == {"user": "{{ a }}", "assistant": "{{ b }}"}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"chosen": "a", "rejected": "b"}, "data-preference"),
        ({"input_ids": [1], "output": "x"}, "data-messages"),
        ({"a": "1", "b": "2"}, "data-columns"),
        ({"messages": [USER]}, "data-role-order"),
        ({"instruction": 1, "input": [], "output": "3"}, "data-type"),
    ],
)
def test_what_fits_nothing(tmp_path: Path, row: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        recognise_chat(written(tmp_path, row))
    assert code in {d.code for d in caught.value.diagnostics}


def test_every_row_must_fit(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        recognise_chat(written(tmp_path, {"messages": [USER, ANSWER]}, {"messages": [USER]}))
    assert caught.value.diagnostics[0].mark is not None
    assert caught.value.diagnostics[0].mark.line == 2


def table(folder: Path, names: list[str], *rows: list[str]) -> Any:
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([names, *rows])
    return identify({"path": "rows.csv"}, folder)


def test_a_table_by_names(tmp_path: Path) -> None:
    found = recognise_table(table(tmp_path, ["id", "Label", "Text"], ["1", "x", "good"], ["2", "y", "bad"]))
    assert found.table is not None
    assert (found.table.texts, found.table.answer, found.rows) == (("Text",), "Label", 2)


def test_a_table_by_content(tmp_path: Path) -> None:
    rows = [[f"a longer remark, number {n}", f"{n}", "angry" if n % 2 else "glad"] for n in range(8)]
    found = recognise_table(table(tmp_path, ["remark", "number", "mood"], *rows))
    assert found.table is not None
    assert (found.table.texts, found.table.answer) == (("remark",), "mood")


def test_an_unclear_table(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        recognise_table(table(tmp_path, ["a", "b"], ["1", "2"], ["3", "4"]))
    assert caught.value.diagnostics[0].remedy == "Name them with --columns TEXT,LABEL."


def test_conversations_are_not_a_table(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        recognise_table(written(tmp_path, {"messages": [USER, ANSWER]}))
    assert "phift init chat" in caught.value.diagnostics[0].remedy
