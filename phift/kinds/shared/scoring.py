"""Requests to an endpoint: the contract of chat-completion models on Azure ML, and the key or token of the caller."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phift.azure.session import Azure
from phift.data.recipe import Recipe
from phift.kinds.shared.wire import READ

__all__ = ["Caller", "answer_of", "chat_request", "conversations"]


def chat_request(messages: Sequence[Mapping[str, str]], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request body of a chat-completion model: `input_data.input_string` and `input_data.parameters`."""
    return {"input_data": {"input_string": list(messages), "parameters": dict(parameters)}, "params": {}}


def answer_of(body: Any) -> str:
    """Return the text of an answer in any of Azure's formats: {"output": text}, a list of it, or OpenAI's."""
    if isinstance(body, Mapping):
        if "output" in body:
            return str(body["output"])
        if choices := body.get("choices"):
            return str((choices[0].get("message") or {}).get("content") or choices[0].get("text") or "")
    if isinstance(body, list) and body:
        return answer_of(body[0])
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


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
        seconds.

        Raises AzureError with the status, code and message of the answer.
        """
        headers = {"azureml-model-deployment": deployment} if deployment else {}
        return self.azure.score(self.uri, body, credential=self.credential, headers=headers, timeout=timeout)


def _credential(azure: Azure, path: str, raw: Mapping[str, Any]) -> str:
    match str(raw["properties"].get("authMode") or "").lower():
        case "key":
            return str(azure.arm.post(f"{path}/listKeys", READ).body["primaryKey"])
        case "amltoken":
            return str(azure.arm.post(f"{path}/token", READ).body["accessToken"])
        case _:
            return azure.ml_token()


def conversations(recipe: Recipe, rows: int) -> list[list[dict[str, str]]]:
    """Return the first rows of a recipe as conversations, the same on every run. Raises the errors of `prepared`."""
    from phift.data.cache import prepared

    found = []
    with prepared(recipe).path.open(encoding="utf-8") as lines:
        for _, line in zip(range(rows), lines, strict=False):
            found.append(json.loads(line)["messages"])
    return found
