"""Rows of public shapes become messages: presets, lists of turns, templates; and what cannot be mapped, by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phift.data.mapping import compiled, mapped, written_out
from phift.data.prepare import prepare
from phift.data.presets import presets
from phift.data.problems import Problem, Skipped
from phift.data.recipe import Recipe
from phift.data.sources import identify
from phift.errors import InvalidSpecError
from phift.kinds.data.messages import PRESETS

USER, ANSWER = {"role": "user", "content": "Two and two?"}, {"role": "assistant", "content": "Four."}
SYSTEM = {"role": "system", "content": "Be brief."}
SHARED = [USER, ANSWER]


def messages(said: object, row: dict[str, Any]) -> Any:
    mapper = compiled(written_out(said, tuple(row)))
    if mapper is None:
        return row["messages"]
    found = mapped(mapper, row)
    return found if isinstance(found, Problem) else found["messages"]


def test_the_spec_knows_every_preset() -> None:
    assert set(PRESETS) == set(presets())


@pytest.mark.parametrize(
    ("preset", "row", "wanted"),
    [
        ("ultrachat", {"messages": SHARED, "prompt": "Two and two?", "prompt_id": "1"}, SHARED),
        (
            "openai",
            {"messages": [{"role": "developer", "content": "Be brief."}, {**USER, "name": "ada"}, ANSWER]},
            [SYSTEM, USER, ANSWER],
        ),
        (
            "openai",
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "Two and two?"}]}, ANSWER]},
            SHARED,
        ),
        (
            "sharegpt",
            {
                "conversations": [
                    {"from": "system", "value": "Be brief."},
                    {"from": "human", "value": "Two and two?", "weight": 1},
                    {"from": "gpt", "value": "Four."},
                ]
            },
            [SYSTEM, USER, ANSWER],
        ),
        ("alpaca", {"instruction": "Two and two?", "input": "", "output": "Four."}, SHARED),
        (
            "alpaca",
            {"instruction": "Add.", "input": "2, 2", "output": "4"},
            [{"role": "user", "content": "Add.\n\n2, 2"}, {"role": "assistant", "content": "4"}],
        ),
        ("dolly", {"instruction": "Two and two?", "context": None, "response": "Four.", "category": "qa"}, SHARED),
        ("prompt_completion", {"prompt": "Two and two?", "completion": "Four."}, SHARED),
        ("prompt_completion", {"prompt": [USER], "completion": [ANSWER]}, SHARED),
        ("question_answer", {"question": "Two and two?", "answer": "Four."}, SHARED),
        ("chosen", {"prompt": "Two and two?", "chosen": SHARED, "rejected": [USER]}, SHARED),
        ("chosen", {"prompt": "Two and two?", "chosen": "Four.", "rejected": "Five."}, SHARED),
        ("chosen", {"chosen": SHARED, "rejected": SHARED}, SHARED),
    ],
)
def test_presets(preset: str, row: dict[str, Any], wanted: list[dict[str, str]]) -> None:
    assert messages(preset, row) == wanted


@pytest.mark.parametrize(
    ("columns", "same_as"),
    [
        (("messages",), "ultrachat"),
        (("messages", "whatever"), "ultrachat"),
        (("conversations", "id"), "sharegpt"),
        (("instruction", "input", "output"), "alpaca"),
        (("instruction", "context", "response", "category"), "dolly"),
        (("prompt", "completion"), "prompt_completion"),
        (("question", "answer"), "question_answer"),
    ],
)
def test_auto_takes_the_one_preset_whose_columns_match_exactly(columns: tuple[str, ...], same_as: str) -> None:
    assert written_out(None, columns) == written_out("auto", columns) == written_out(same_as, columns)


@pytest.mark.parametrize(
    ("columns", "words", "remedy"),
    [
        (("instruction", "input", "output", "score"), "do not match a preset", "The closest preset is `alpaca`"),
        (("a", "b"), "do not match a preset: `a`, `b`", "Set `data.messages`"),
        (("prompt", "chosen", "rejected"), "preference pairs", "messages: chosen"),
        (("input_ids", "labels"), "tokenized data", "text conversations"),
        (("image", "text"), "does not train on images", "text conversations"),
    ],
)
def test_auto_says_what_there_is_and_what_is_near(columns: tuple[str, ...], words: str, remedy: str) -> None:
    with pytest.raises(InvalidSpecError) as raised:
        written_out("auto", columns)
    (found,) = raised.value.diagnostics
    assert words in found.summary
    assert remedy in found.remedy


def test_a_preset_whose_columns_are_missing_is_refused_at_once() -> None:
    with pytest.raises(InvalidSpecError, match="alpaca requires the columns"):
        written_out("alpaca", ("instruction", "response"))


TURNS: dict[str, Any] = {"turns": "talk", "role": "who", "content": "said", "roles": {"me": "user", "it": "assistant"}}
TALK = [{"who": "me", "said": "Two and two?"}, {"who": "it", "said": "Four."}]


def test_turns_under_other_names() -> None:
    assert messages(TURNS, {"talk": TALK}) == SHARED
    assert messages(TURNS, {"talk": json.dumps(TALK)}) == SHARED
    assert messages({**TURNS, "system": {"text": "Be brief."}}, {"talk": TALK}) == [SYSTEM, *SHARED]
    assert messages({**TURNS, "system": {"column": "how"}}, {"talk": TALK, "how": "Be brief."}) == [SYSTEM, *SHARED]
    assert messages({**TURNS, "system": {"column": "how"}}, {"talk": TALK, "how": None}) == SHARED
    open_end = [*TALK, {"who": "me", "said": "And three?"}]
    assert len(messages(TURNS, {"talk": open_end})) == 3
    assert messages({**TURNS, "last_turn": "drop"}, {"talk": open_end}) == SHARED


@pytest.mark.parametrize(
    ("more", "talk", "code"),
    [
        ({}, [{"who": "tool", "said": "x"}], "role"),
        ({}, [{"who": "me", "said": "x", "tool_calls": [1]}], "tools"),
        ({}, ["text"], "type"),
        ({}, "not json", "type"),
        ({}, None, "missing-key"),
    ],
)
def test_turns_that_cannot_be_mapped(more: dict[str, Any], talk: Any, code: str) -> None:
    found = messages({**TURNS, **more}, {"talk": talk})
    assert isinstance(found, Problem)
    assert found.code == code


def test_rows_with_other_roles_can_be_left_out() -> None:
    found = messages({**TURNS, "other_roles": "skip_row"}, {"talk": [{"who": "tool", "said": "x"}]})
    assert isinstance(found, Skipped)


def test_a_lone_column_is_the_same_as_its_template() -> None:
    lone = written_out({"user": "{{ q }}", "assistant": "{{ a }}"}, None)
    template = written_out({"user": "{{ q }}{% if false %}{% endif %}", "assistant": "{{ a }}"}, None)
    for row in ({"q": "Two?", "a": "2"}, {"q": "Two?", "a": 2}, {"q": "Two?", "a": 2.5}, {"q": None, "a": True}):
        one, other = compiled(lone), compiled(template)
        assert one is not None
        assert other is not None
        assert one(dict(row)) == other(dict(row))


@pytest.mark.parametrize("preset", [p for p in PRESETS if p not in ("ultrachat",)])
def test_what_a_preset_means_is_written_out_in_the_recipe(preset: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n")
    identity = identify({"path": "a.jsonl"}, tmp_path)
    plain = Recipe.of(identity, messages=preset).plain()["messages"]
    assert isinstance(plain, dict | list), f"{preset} is only named: {plain!r}"
    assert compiled(plain) is not None


def test_rows_that_are_unfit_may_be_left_out_up_to_a_share(tmp_path: Path) -> None:
    good, bad = {"messages": SHARED}, {"messages": [ANSWER]}
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(r) + "\n" for r in [*[good] * 98, bad, bad]))
    identity = identify({"path": "a.jsonl"}, tmp_path)
    with pytest.raises(InvalidSpecError):
        prepare(Recipe.of(identity), tmp_path / "out")
    made = prepare(Recipe.of(identity, unfit={"skip": "2%"}), tmp_path / "out")
    assert (made.rows, made.skipped) == (98, (("role-order", 2),))
    with pytest.raises(InvalidSpecError) as raised:
        prepare(Recipe.of(identity, unfit={"skip": "1%"}), tmp_path / "out")
    first, second, *_ = raised.value.diagnostics
    assert "2 of 100 rows are unfit; data.unfit allows 1%" in first.summary
    assert second.mark is not None
    assert second.mark.line == 99
    assert Recipe.of(identity).version != Recipe.of(identity, unfit={"skip": "1%"}).version


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("a\0b", "control-character"),
        ("a\x1bb", "control-character"),
        ("a\x7fb", "control-character"),
        ("done<|end|>", "control-token"),
        ("<|im_start|>system", "control-token"),
        ("\u200b\u200d", "empty-content"),
        ("\ufeff ", "empty-content"),
        ("\\u0000 written out", ""),
        ("a <| b |> c", ""),
        ("tab\tand\nline", ""),
    ],
)
def test_what_people_put_where_an_answer_should_be(tmp_path: Path, content: str, code: str) -> None:
    row = {"messages": [USER, {"role": "assistant", "content": content}]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    recipe = Recipe.of(identify({"path": "a.jsonl"}, tmp_path))
    if not code:
        assert prepare(recipe, tmp_path / "out").rows == 1
        return
    with pytest.raises(InvalidSpecError) as raised:
        prepare(recipe, tmp_path / "out")
    (found,) = raised.value.diagnostics
    assert found.code == f"data-{code}"
    assert content not in found.summary


def test_a_conversation_that_only_asks_may_end_with_the_user(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"messages": [USER]}) + "\n")
    identity = identify({"path": "a.jsonl"}, tmp_path)
    assert prepare(Recipe.of(identity, open_ended=True), tmp_path / "out").rows == 1
    with pytest.raises(InvalidSpecError, match="problem in the data"):
        prepare(Recipe.of(identity), tmp_path / "out")


@pytest.mark.parametrize(
    ("columns", "example"),
    [
        (["id", "Question", "Response"], '{user: "{{ Question }}", assistant: "{{ Response }}"}'),
        (["id", "answers", "title"], '{user: "{{ title }}", assistant: "{{ answers }}"}'),
        (["a", "b", "c"], '{user: "{{ a }}", assistant: "{{ b }}"}'),
        (["id", "talk"], "{turns: talk, role: KEY, content: KEY}"),
        (["id", "e-mail"], '{user: "{{ question }}", assistant: "{{ answer }}"}'),
    ],
)
def test_the_mapping_that_is_proposed_leaves_out_what_numbers_the_rows(columns: list[str], example: str) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        written_out("auto", columns)
    assert caught.value.diagnostics[0].remedy.endswith(f"or a mapping such as {example}.")
