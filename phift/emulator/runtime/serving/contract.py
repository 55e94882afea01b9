"""Requests to a chat or text-generation deployment, and its responses: Azure's scoring contract of MLflow models.

Request (Azure docs, model cards of the chat-completion models):
`{"input_data": {"input_string": [...], "parameters": {...}}, "params": {...}}`.
A chat model's input_string is one conversation, `[{"role", "content"}, ...]`, or a list of them; a text model's is a
list of texts. Answer: `{"output": text}`, or `{"output": [text, ...]}` when more than one was asked.
A text model is asked with a table of one column as well, `{"input_data": {"text": [...]}}`, and then answers
`[text, ...]`: Azure's text-generation notebook does so.

Only the standard library is imported here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MAX_NEW_TOKENS", "BadRequest", "Question", "read_question"]

MAX_NEW_TOKENS = 200
"""How many tokens are generated at most when the request does not say."""

Conversation = list[dict[str, str]]

_ROLES = ("system", "user", "assistant")
_MAX_BATCH = 64


class BadRequest(ValueError):
    """The request breaks the contract. field: the path of what is wrong, such as input_data.parameters.top_p."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field


@dataclass(frozen=True)
class Question:
    """A request that was understood.

    inputs: conversations of a chat model, texts of a text model. single: one was asked, so that the output is one text.
    table: it was asked with a column of texts.
    """

    inputs: list[Any]
    single: bool
    parameters: dict[str, Any] = field(default_factory=dict)
    table: bool = False

    def answer(self, texts: list[str]) -> Any:
        """The answer's JSON document. texts: what was generated, one for each input."""
        if self.table:
            return texts
        return {"output": texts[0] if self.single else texts}


def read_question(body: str | bytes, *, chat: bool) -> Question:
    """The question in a request's body. chat: the model takes conversations, not texts. Raises BadRequest."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("body", f"is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadRequest("body", f"must be a JSON object, not {_kind(document)}")
    if unknown := sorted(set(document) - {"input_data", "params"}):
        raise BadRequest(unknown[0], "is not a field of the request; there are input_data and params")
    data = document.get("input_data")
    if not isinstance(data, dict):
        raise BadRequest("input_data", "is missing" if data is None else f"must be an object, not {_kind(data)}")
    unknown = sorted(set(data) - {"input_string", "parameters"})
    column = unknown[0] if len(unknown) == 1 and not chat and "input_string" not in data else ""
    if unknown and not column:
        raise BadRequest(f"input_data.{unknown[0]}", "is not a field; there are input_string and parameters")
    where = f"input_data.{column or 'input_string'}"
    asked = data.get(column or "input_string")
    inputs, single = _conversations(asked) if chat else _texts(where, asked)
    if len(inputs) > _MAX_BATCH:
        raise BadRequest(where, f"holds {len(inputs)} inputs; at most {_MAX_BATCH} are answered")
    # `params` is what MLflow's own scoring server calls the same thing; where both are given the model's own wins
    parameters = _parameters("params", document.get("params")) | _parameters(
        "input_data.parameters", data.get("parameters")
    )
    return Question(inputs, single, parameters, bool(column))


def _conversations(asked: Any) -> tuple[list[Conversation], bool]:
    where = "input_data.input_string"
    if not isinstance(asked, list) or not asked:
        raise BadRequest(where, "must be a list of messages, each with role and content, or a list of such lists")
    if isinstance(asked[0], list):
        return [_conversation(f"{where}[{index}]", each) for index, each in enumerate(asked)], len(asked) == 1
    return [_conversation(where, asked)], True


def _conversation(where: str, messages: Any) -> Conversation:
    if not isinstance(messages, list) or not messages:
        raise BadRequest(where, "must be a list of at least one message")
    return [_message(f"{where}[{index}]", message) for index, message in enumerate(messages)]


def _message(where: str, message: Any) -> dict[str, str]:
    if not isinstance(message, dict):
        raise BadRequest(where, f"must be an object with role and content, not {_kind(message)}")
    role, content = message.get("role"), message.get("content")
    if role not in _ROLES:
        raise BadRequest(f"{where}.role", f"must be one of {', '.join(_ROLES)}, not {role!r}")
    if not isinstance(content, str):
        raise BadRequest(f"{where}.content", f"must be a string, not {_kind(content)}")
    return {"role": role, "content": content}


def _texts(where: str, asked: Any) -> tuple[list[str], bool]:
    texts = [asked] if isinstance(asked, str) else asked
    if not isinstance(texts, list) or not texts:
        raise BadRequest(where, "must be a list of at least one string")
    for index, text in enumerate(texts):
        if not isinstance(text, str) or not text:
            raise BadRequest(f"{where}[{index}]", f"must be a string that is not empty, not {_kind(text)}")
    return texts, len(texts) == 1


def _parameters(where: str, given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BadRequest(where, f"must be an object, not {_kind(given)}")
    for name, value in given.items():
        check = _CHECKS.get(name)
        if check is None:
            raise BadRequest(f"{where}.{name}", f"is not a parameter; there are {', '.join(sorted(_CHECKS))}")
        if why := check(value):
            raise BadRequest(f"{where}.{name}", f"{why}, not {value!r}")
    return dict(given)


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


def _whole(least: int, most: int) -> Any:
    def check(value: Any) -> str:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return "" if fits else f"must be a whole number from {least} to {most}"

    return check


def _number(least: float, most: float, *, above: bool = False) -> Any:
    def check(value: Any) -> str:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = is_number and (least < value if above else least <= value) and value <= most
        return "" if fits else f"must be a number {'above' if above else 'from'} {least:g} to {most:g}"

    return check


_CHECKS = {
    "do_sample": _flag,
    "max_new_tokens": _whole(1, 8192),
    "min_new_tokens": _whole(0, 8192),
    "num_beams": _whole(1, 16),
    "repetition_penalty": _number(0, 10, above=True),
    "return_full_text": _flag,
    "temperature": _number(0, 100),
    "top_k": _whole(0, 100_000),
    "top_p": _number(0, 1, above=True),
}


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
