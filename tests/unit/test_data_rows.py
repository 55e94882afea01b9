"""Rows of the ultrachat schema: what is accepted, what is refused and in which words."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phift.data import messages as rules
from phift.data.messages import encoded, problems_of

USER = {"role": "user", "content": "Hello?"}
ASSISTANT = {"role": "assistant", "content": "Yes."}
SYSTEM = {"role": "system", "content": "Be brief."}


def row(*messages: object, **columns: object) -> dict[str, Any]:
    return {"prompt": "Hello?", "messages": list(messages), "prompt_id": "1", **columns}


@pytest.mark.parametrize(
    "messages",
    [(USER, ASSISTANT), (SYSTEM, USER, ASSISTANT), (USER, ASSISTANT, USER, ASSISTANT)],
)
def test_sound_conversations(messages: tuple[dict[str, str], ...]) -> None:
    assert problems_of(row(*messages)) == []


@pytest.mark.parametrize(
    ("wrong", "code", "words"),
    [
        ("text", "type", "a row must be an object, not text"),
        ([1], "type", "a row must be an object, not a list"),
        (None, "type", "not null"),
        ({"prompt": "a", "text": "b"}, "missing-key", "`messages` is missing; columns: `prompt`, `text`"),
        ({}, "missing-key", "columns: none"),
        (row(USER, ASSISTANT, prompt=3), "type", "`prompt` must be text, not a number"),
        (row(USER, ASSISTANT, prompt_id=True), "type", "`prompt_id` must be text, not a boolean"),
        ({"messages": "[]"}, "type", "`messages` must be a list, not text"),
        ({"messages": {}}, "type", "`messages` must be a list, not an object"),
        (row(), "no-messages", "`messages` is empty"),
        (row(USER, "Yes."), "type", "message 2 must be an object, not text"),
        (row(USER, {"content": "Yes."}), "missing-key", "message 2 has no `role`"),
        (row(USER, {"role": "bot", "content": "Yes."}), "role", "message 2 has role `bot`"),
        (row(USER, {"role": ["user"], "content": "Yes."}), "role", "message 2 has role a list"),
        (row(USER, {"role": "Assistant", "content": "Yes."}), "role", "message 2 has role `Assistant`"),
        (row(USER, {"role": "assistant"}), "missing-key", "message 2 has no `content`"),
        (row(USER, {"role": "assistant", "content": 5}), "type", "the content of message 2 must be text"),
        (row({"role": "user", "content": ""}, ASSISTANT), "empty-content", "message 1 (user) has empty content"),
        (row(USER, {"role": "assistant", "content": " \n\t"}), "empty-content", "message 2 (assistant)"),
        (row(ASSISTANT, USER), "role-order", "message 1 has role `assistant`, expected `system` or `user`"),
        (row(USER, USER, ASSISTANT), "role-order", "message 2 has role `user`, expected `assistant`"),
        (row(USER, SYSTEM, ASSISTANT), "role-order", "message 2 has role `system`, expected `assistant`"),
        (row(SYSTEM, SYSTEM, USER, ASSISTANT), "role-order", "message 2 has role `system`, expected `user`"),
        (row(SYSTEM, ASSISTANT), "role-order", "message 2 has role `assistant`, expected `user`"),
        (row(USER, ASSISTANT, ASSISTANT), "role-order", "message 3 has role `assistant`, expected `user`"),
        (row(USER), "role-order", "the conversation ends with `user`, not with `assistant`"),
        (row(SYSTEM), "role-order", "the conversation ends with `system`"),
        (row(USER, {**ASSISTANT, "tool_calls": []}), "extra-key", "message 2 has additional keys: `tool_calls`"),
    ],
)
def test_unsound_row_has_one_finding(wrong: object, code: str, words: str) -> None:
    (problem,) = problems_of(wrong)
    assert problem.code == code
    assert words in problem.summary


def test_all_findings_of_a_row_at_once() -> None:
    wrong = row({"role": "user", "content": ""}, {"role": "bot", "content": 5}, prompt=1)
    assert [problem.code for problem in problems_of(wrong)] == ["type", "empty-content", "role", "type"]


def test_a_null_key_of_a_message_is_no_finding() -> None:
    assert problems_of(row(USER, {**ASSISTANT, "name": None})) == []


def test_encoding_fixes_order_and_drops_further_columns() -> None:
    given_row = {"score": 1, "messages": [{"content": "a", "role": "user"}, ASSISTANT], "prompt_id": "7", "prompt": "a"}
    assert encoded(given_row) == (
        b'{"prompt":"a","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"Yes."}],'
        b'"prompt_id":"7"}\n'
    )


def test_missing_prompt_and_identity_are_filled() -> None:
    filled = json.loads(encoded({"messages": [SYSTEM, USER, ASSISTANT]}))
    assert filled["prompt"] == "Hello?"
    assert filled["prompt_id"] == hashlib.sha256(b"Hello?").hexdigest()


def test_half_a_surrogate_pair_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        encoded(row({"role": "user", "content": "\ud800"}, ASSISTANT))
    with pytest.raises(ValueError, match="surrogate"):
        encoded({"messages": [{"role": "user", "content": "\ud800"}, ASSISTANT]})


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(question=TEXT, answer=TEXT)
def test_encoding_is_plain_json_on_one_line(question: str, answer: str) -> None:
    said = row({"role": "user", "content": question}, {"role": "assistant", "content": answer}, prompt=question)
    line = encoded(said).decode()
    assert json.loads(line) == said
    assert len(line.splitlines()) == 1
    plain = json.dumps(
        {key: said[key] for key in ("prompt", "messages", "prompt_id")}, ensure_ascii=False, separators=(",", ":")
    )
    for mark in "\x85\u2028\u2029":
        plain = plain.replace(mark, f"\\u{ord(mark):04x}")
    assert line == plain + "\n"


CONTENT = st.one_of(
    st.sampled_from(
        ["", " ", "\u200b", "\ufeff", "\u3000", "\u1680", "\x85", "a", "\x7f", "数", "\xad", 5, None, ["a"], b"a"]
    ),
    st.text(max_size=2),
)
MESSAGE = st.one_of(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant", "User", None, ["user"]]), "content": CONTENT},
        optional={"name": st.just("a")},
    ),
    st.sampled_from(["text", None, {}, {"role": "user"}, ["role", "content"]]),
)


@given(st.lists(MESSAGE, min_size=1, max_size=5))
def test_what_is_sound_at_a_glance_is_sound_when_looked_at_closely(
    messages: list[Any],
) -> None:
    if rules._plainly_sound(messages):
        assert list(rules._in_conversation(messages, False)) == []


@pytest.mark.parametrize("messages", [[USER, ASSISTANT] * 3, [SYSTEM, USER, ASSISTANT]])
def test_most_rows_are_sound_at_a_glance(messages: list[Any]) -> None:
    assert rules._plainly_sound(messages)
    assert not rules._plainly_sound(messages[:-1])
    assert not rules._plainly_sound([*messages, SYSTEM])
