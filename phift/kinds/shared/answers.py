"""Answers of deployments: documents in several formats, event streams of scoring code, and chunked text.

Deployments of the fine-tune pipeline send a whole JSON document. Scoring code of the user's own may send an event
stream, in the format of OpenAI (`{"choices": [{"delta": {"content": ...}}]}`), of prompt flow (`{"answer": ...}`), or
plain text.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from phift.errors import AzureError

__all__ = ["answer_of", "content_of", "pieces_of"]

_EVENTS = "text/event-stream"
_END = "[DONE]"
"""The data of the last event in OpenAI's format."""


def answer_of(body: Any) -> str:
    """Return the text of an answer in any of Azure's formats: {"output": text}, a list of it, or OpenAI's."""
    if isinstance(body, Mapping):
        if "output" in body:
            output = body["output"]
            return answer_of(output) if isinstance(output, list) else str(output)
        if choices := body.get("choices"):
            return str((choices[0].get("message") or {}).get("content") or choices[0].get("text") or "")
    if isinstance(body, list) and body:
        return answer_of(body[0])
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def content_of(headers: Mapping[str, str], content: bytes) -> Any:
    """Return the JSON or text of a whole answer; of an event stream, its text. headers: as of `pieces_of`.

    Raises AzureError for an error within a stream.
    """
    if _kind(headers) == _EVENTS:
        return "".join(pieces_of(headers, [content]))
    text = content.decode("utf-8", errors="replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def pieces_of(headers: Mapping[str, str], content: Iterable[bytes]) -> Iterator[str]:
    """Yield the text of an answer as it arrives; a single piece if the deployment does not stream.

    headers: of the response, case-insensitive names. Raises AzureError for an error within the stream.
    """
    kind = _kind(headers)
    if kind == _EVENTS:
        yield from _of_events(_lines(content))
    elif kind.endswith("json") or headers.get("Content-Length"):
        yield answer_of(content_of(headers, b"".join(content)))
    else:
        yield from _text(content)


def _kind(headers: Mapping[str, str]) -> str:
    return str(headers.get("Content-Type") or "").partition(";")[0].strip().lower()


def _text(content: Iterable[bytes]) -> Iterator[str]:
    """Decode UTF-8 whose characters may be split between two pieces."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for piece in content:
        if text := decoder.decode(piece):
            yield text
    if text := decoder.decode(b"", final=True):
        yield text


def _lines(content: Iterable[bytes]) -> Iterator[str]:
    rest = ""
    for piece in _text(content):
        *whole, rest = (rest + piece).split("\n")
        yield from (line.removesuffix("\r") for line in whole)
    yield rest.removesuffix("\r")


def _of_events(lines: Iterable[str]) -> Iterator[str]:
    """Yield the text of each event. The last event need not end with an empty line."""
    data: list[str] = []
    name = ""
    for line in _ended(lines):
        field, _, value = line.partition(":")
        if field == "data":
            data.append(value.removeprefix(" "))
        elif field == "event":
            name = value.strip()
        elif not line:
            if data and (text := "\n".join(data)) != _END:
                yield _piece(text, failed=name == "error")
            data, name = [], ""


def _ended(lines: Iterable[str]) -> Iterator[str]:
    yield from lines
    yield ""


def _piece(data: str, *, failed: bool) -> str:
    """Return the text of one event. Raises AzureError for one that reports an error."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = data
    problem = found.get("error") if isinstance(found, Mapping) else None
    if failed or problem:
        raise AzureError("the deployment reported an error while it answered", detail=_message(problem or found))
    if isinstance(found, Mapping):
        return _of_document(found, data)
    return found if isinstance(found, str) else data


def _message(problem: Any) -> str:
    inner = problem.get("message") if isinstance(problem, Mapping) else None
    return str(inner or (problem if isinstance(problem, str) else json.dumps(problem, ensure_ascii=False)))


def _of_document(found: Mapping[str, Any], data: str) -> str:
    """Return the text of a JSON event: the increment of OpenAI's format, `output`, a token, or its only text."""
    if "choices" in found:
        first: Mapping[str, Any] = next(iter(found["choices"] or ()), {})
        part = first.get("delta") or first.get("message") or first
        return str(part.get("content") or part.get("text") or "")
    token = found.get("token")
    if isinstance(token, Mapping):
        return str(token.get("text") or "")
    texts = [value for value in found.values() if isinstance(value, str)]
    if "output" in found or len(texts) != 1:
        return answer_of(found)
    return texts[0]
