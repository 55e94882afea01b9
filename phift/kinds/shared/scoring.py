"""Requests to an endpoint: the contract of chat-completion models on Azure ML, and the key or token of the caller."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from phift.azure.session import Azure
from phift.azure.transport import Streamed
from phift.data.recipe import Recipe
from phift.data.table import Table
from phift.kinds.shared.answers import content_of
from phift.kinds.shared.wire import READ

__all__ = ["Caller", "Question", "chat_request", "conversations", "question", "questions"]


def chat_request(messages: Sequence[Mapping[str, str]], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request body of a chat-completion model: `input_data.input_string` and `input_data.parameters`."""
    return {"input_data": {"input_string": list(messages), "parameters": dict(parameters)}, "params": {}}


@dataclass(frozen=True)
class Caller:
    """An endpoint for a caller. The credential is fetched once and never shown."""

    azure: Azure
    uri: str
    credential: str

    @classmethod
    def of(cls, azure: Azure, path: str) -> Caller:
        """Return the caller of the endpoint at an ARM path. Raises AzureError."""
        raw = azure.arm.get(path, READ)
        return cls(azure, str(raw["properties"].get("scoringUri") or ""), _credential(azure, path, raw))

    def __repr__(self) -> str:
        return f"Caller({self.uri})"

    def ask(self, body: Any, *, deployment: str = "", timeout: float | None = None) -> Any:
        """Send a request and return the JSON or text of the answer. deployment: name; default: by traffic. timeout:
        seconds. Of an event stream, which scoring code can send, the text is returned.

        Raises AzureError with the status, code and message of the answer.
        """
        headers = _routed(deployment)
        answer = self.azure.score(self.uri, body, credential=self.credential, headers=headers, timeout=timeout)
        return content_of(answer.headers, answer.content)

    def ask_streamed(self, body: Any, *, deployment: str = "") -> AbstractContextManager[Streamed]:
        """Send a request and return its answer as a context, as soon as it starts. Raises like `ask`."""
        return self.azure.score_streamed(self.uri, body, credential=self.credential, headers=_routed(deployment))


def _routed(deployment: str) -> dict[str, str]:
    return {"azureml-model-deployment": deployment} if deployment else {}


def _credential(azure: Azure, path: str, raw: Mapping[str, Any]) -> str:
    match str(raw["properties"].get("authMode") or "").lower():
        case "key":
            return str(azure.arm.post(f"{path}/listKeys", READ).body["primaryKey"])
        case "amltoken":
            return str(azure.arm.post(f"{path}/token", READ).body["accessToken"])
        case _:
            return azure.ml_token()


@dataclass(frozen=True)
class Question:
    """A request. prompt, truth: for display; truth "" if unknown. body: of the request."""

    prompt: str
    truth: str
    body: Mapping[str, Any]


def question(text: str, table: Table | None, parameters: Mapping[str, Any]) -> Question:
    """Return the request with one text. table: of the model's task; None for a chat model."""
    if table is None:
        return Question(text, "", chat_request([{"role": "user", "content": text}], parameters))
    return Question(text, "", _table_request([text], table, parameters))


def questions(recipe: Recipe, rows: int, parameters: Mapping[str, Any]) -> list[Question]:
    """Return the first rows of a recipe as requests, the same on every run. Raises the errors of `prepared`."""
    table = recipe.table
    if table is None:
        return [_of_conversation(messages, parameters) for messages in conversations(recipe, rows)]
    found = []
    for row in _prepared_rows(recipe, rows):
        texts = [str(row[column]) for column in table.texts]
        truth = str(row[table.answer]) if table.answer else ""
        found.append(Question("\n".join(texts), truth, _table_request(texts, table, parameters)))
    return found


def _of_conversation(messages: list[dict[str, str]], parameters: Mapping[str, Any]) -> Question:
    """Return the conversation without its last answer, which is the ground truth."""
    truth = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
    asked = messages[:-1] if truth else messages
    return Question(asked[-1]["content"], truth, chat_request(asked, parameters))


def _table_request(texts: Sequence[str], table: Table, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request of an MLflow model: a table of one row for a classifier, else a list of one text."""
    if table.classifies:
        columns = list(table.texts[: len(texts)])
        data = {"columns": columns, "index": [0], "data": [list(texts)]}
        return {"input_data": data, "params": dict(parameters)}
    return {"input_data": {"input_string": list(texts), "parameters": dict(parameters)}, "params": {}}


def conversations(recipe: Recipe, rows: int) -> list[list[dict[str, str]]]:
    """Return the first rows of a recipe as conversations, the same on every run. Raises the errors of `prepared`."""
    return [row["messages"] for row in _prepared_rows(recipe, rows)]


def _prepared_rows(recipe: Recipe, rows: int) -> list[dict[str, Any]]:
    from phift.data.cache import prepared

    with prepared(recipe).path.open(encoding="utf-8") as lines:
        return [json.loads(line) for _, line in zip(range(rows), lines, strict=False)]
