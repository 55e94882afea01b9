"""A conversation as a value, and the file that it is saved to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from requests.structures import CaseInsensitiveDict

from phift.azure.transport import Streamed
from phift.cli.datafiles import add_row
from phift.data.messages import problems_of
from phift.errors import AzureError, UsageError
from phift.kinds.shared.scoring import Caller
from phift.phases import Chat


def chat(*answers: str | AzureError) -> tuple[Chat, list[dict[str, Any]]]:
    """Return a chat whose requests are answered in order, and the requests."""
    asked: list[dict[str, Any]] = []
    waiting = list(answers)

    @contextmanager
    def ask(body: dict[str, Any], *, deployment: str = "") -> Iterator[Streamed]:
        asked.append(body["input_data"])
        answer = waiting.pop(0)
        if isinstance(answer, AzureError):
            raise answer
        yield Streamed(CaseInsensitiveDict({"Content-Type": "text/plain"}), iter([answer.encode()]))

    return Chat(cast(Caller, SimpleNamespace(ask_streamed=ask)), "main", system="Be brief."), asked


def roles(asked: dict[str, Any]) -> list[str]:
    return [f"{message['role']}: {message['content']}" for message in asked["input_string"]]


def test_each_request_has_the_history_of_complete_answers() -> None:
    one, asked = chat("first", AzureError("no", status=424), " ", "second", "third")
    assert list(one.ask("a")) == ["first"]
    with pytest.raises(AzureError):
        list(one.ask("b"))
    list(one.ask("c"))
    cancelled = one.ask("d")
    assert next(cancelled) == "second"
    cancelled.close()
    one.parameters["top_k"] = 3
    list(one.ask("e"))
    assert roles(asked[-1]) == ["system: Be brief.", "user: a", "assistant: first", "user: e"]
    assert asked[-1]["parameters"] == {"top_k": 3}
    assert one.undo()
    assert [message["content"] for message in one.messages] == ["a", "first"]
    one.reset()
    assert not one.undo()
    assert one.system == "Be brief."


@pytest.mark.parametrize(
    "said",
    [
        "input_data.input_string: is 15006 tokens long; the model takes fewer than 512",
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096: exceeds the maximum length",
        "The prompt is too long",
    ],
)
def test_a_conversation_that_does_not_fit_is_explained(said: str) -> None:
    one, _ = chat(AzureError("rejected", status=424, detail=said))
    with pytest.raises(AzureError) as caught:
        list(one.ask("a"))
    assert "/undo drops the last exchange" in caught.value.remedy


@pytest.mark.parametrize(("status", "said"), [(400, "top_k: must be a number"), (424, "out of memory"), (0, "refused")])
def test_other_errors_are_not_taken_for_it(status: int, said: str) -> None:
    one, _ = chat(AzureError(said, status=status))
    with pytest.raises(AzureError) as caught:
        list(one.ask("a"))
    assert "/undo" not in caught.value.remedy


def test_it_is_saved_as_training_data(tmp_path: Path) -> None:
    one, _ = chat("first\u2028line", "second")
    with pytest.raises(UsageError, match="empty"):
        one.row()
    list(one.ask("a"))
    path = tmp_path / "said.jsonl"
    path.write_text('{"kept": 1}', encoding="utf-8")
    add_row(path, one.row())
    list(one.ask("b"))
    add_row(path, one.row())
    kept, *rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert kept == {"kept": 1}
    assert [problems_of(row) for row in rows] == [[], []]
    assert [len(row["messages"]) for row in rows] == [3, 5]
    assert rows[0]["prompt"] == rows[1]["prompt"] == "a"
    assert rows[0]["prompt_id"] != rows[1]["prompt_id"]


def test_it_is_saved_to_regular_jsonl_files_only(tmp_path: Path) -> None:
    one, _ = chat("first")
    list(one.ask("a"))
    precious = tmp_path / "precious.jsonl"
    precious.write_text("precious", encoding="utf-8")
    (tmp_path / "link.jsonl").symlink_to(precious)
    (tmp_path / "folder.jsonl").mkdir()
    unfit = ["spec.yaml", "link.jsonl", "folder.jsonl", "nowhere/said.jsonl", "/dev/said.jsonl", "a\0.jsonl"]
    for name in unfit:
        with pytest.raises(UsageError, match="cannot"):
            add_row(tmp_path / name, one.row())
    assert precious.read_text(encoding="utf-8") == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.jsonl", "link.jsonl", "precious.jsonl"]
