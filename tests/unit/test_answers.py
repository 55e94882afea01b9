"""Answers of deployments, in pieces and whole."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from requests.structures import CaseInsensitiveDict

from phift.errors import AzureError
from phift.kinds.shared.answers import content_of, pieces_of

EVENTS = {"Content-Type": "text/event-stream; charset=utf-8"}


def answered(headers: dict[str, str], *content: bytes) -> list[str]:
    return list(pieces_of(CaseInsensitiveDict(headers), iter(content)))


def events(*data: object) -> bytes:
    return "".join(f"data: {one if isinstance(one, str) else json.dumps(one)}\n\n" for one in data).encode()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ([{"choices": [{"delta": {"role": "assistant"}}]}, {"choices": [{"delta": {"content": "a"}}]}, "[DONE]"], "a"),
        ([{"choices": [{"text": "a"}]}, {"choices": []}], "a"),
        ([{"answer": "a"}, {"answer": " b"}], "a b"),
        ([{"output": "a"}, {"output": ["b"]}], "ab"),
        ([{"token": {"id": 3, "text": " a"}, "generated_text": None}], " a"),
        (["a", " b", "42", '"c\\n"'], "a b42c\n"),
        ([{"a": 1}], '{"a": 1}'),
    ],
)
def test_the_text_of_events_in_the_formats_of_servers(data: list[object], text: str) -> None:
    assert "".join(answered(EVENTS, events(*data))) == text


def test_events_are_complete_however_their_bytes_are_cut() -> None:
    content = "event: message\r\ndata: é\r\n: a comment\r\ndata: ü\r\nid: 3\r\n\r\ndata: end".encode()
    pieces = [content[n : n + 1] for n in range(len(content))]
    assert answered(EVENTS, *pieces) == answered(EVENTS, content) == ["é\nü", "end"]


def test_a_piece_is_yielded_before_the_next_arrives() -> None:
    def content() -> Iterator[bytes]:
        yield events("one")
        raise AzureError("the connection broke off")

    found = pieces_of(CaseInsensitiveDict(EVENTS), content())
    assert next(found) == "one"
    with pytest.raises(AzureError, match="broke off"):
        next(found)


@pytest.mark.parametrize("data", [{"error": {"message": "no memory"}}, {"error": "no memory"}])
def test_an_error_event_ends_the_answer(data: object) -> None:
    with pytest.raises(AzureError) as caught:
        answered(EVENTS, events("a", data))
    assert caught.value.detail == "no memory"


def test_an_event_of_the_name_error_is_an_error() -> None:
    with pytest.raises(AzureError) as caught:
        answered(EVENTS, b"event: error\ndata: no memory\n\n")
    assert caught.value.detail == "no memory"


def test_a_document_is_one_piece() -> None:
    body = json.dumps({"output": "an answer"}).encode()
    assert answered({"Content-Type": "application/json"}, body[:5], body[5:]) == ["an answer"]
    assert answered({"Content-Type": "text/html", "Content-Length": str(len(body))}, body) == ["an answer"]
    assert answered({"Content-Type": "application/json"}, b"no document") == ["no document"]


def test_chunked_text_is_passed_on_with_its_characters_whole() -> None:
    first, last = "aé".encode()[:2], "aé".encode()[2:]
    assert answered({"Content-Type": "text/plain"}, first, last + b"b", b"\xff") == ["a", "éb", "\ufffd"]


def test_a_whole_answer_is_json_or_text_and_of_an_event_stream_its_text() -> None:
    assert content_of(EVENTS, events({"answer": "a"}, {"answer": " b"})) == "a b"
    assert content_of({}, b'{"output": "a"}') == {"output": "a"}
    assert content_of({"Content-Type": "text/plain"}, b"a \xff") == "a \ufffd"
    with pytest.raises(AzureError):
        content_of(EVENTS, events({"error": "no memory"}))
