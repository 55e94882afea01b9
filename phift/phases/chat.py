"""A conversation with the endpoint: each request contains the whole history, as the endpoint does not remember."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from phift.errors import AzureError, UsageError
from phift.kinds.shared.answers import pieces_of
from phift.kinds.shared.scoring import Caller, chat_request
from phift.phases.call_endpoint import advised, opened
from phift.workbench.recipes import table_of
from phift.workbench.request import Connector, Request

__all__ = ["Chat", "open_chat"]

_REJECTED = frozenset({400, 413, 422, 424})
_TOO_LONG = re.compile(
    r"\btokens? long\b|\bcontext (length|window|size)\b|\b(maximum|max)\b.{0,40}\b(length|tokens|positions?)\b"
    r"|\btoo (long|many tokens)\b|\bexceeds?\b.{0,40}\b(length|tokens)\b|\bmax_position_embeddings\b",
    re.IGNORECASE | re.DOTALL,
)
"""How servers of language models report a conversation that does not fit into the model."""


@dataclass
class Chat:
    """A conversation. endpoint, deployment: names; "" for a deployment picked by traffic.

    parameters: of generation, sent with each request. system: the system prompt; "" for none. messages: the exchanges
    so far, alternately of the user and of the assistant.
    """

    _caller: Caller = field(repr=False)
    endpoint: str
    deployment: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    system: str = ""
    messages: list[dict[str, str]] = field(default_factory=list)

    def ask(self, text: str) -> Generator[str, None, None]:
        """Send a message with the history, and yield the answer in pieces as they arrive.

        Once the answer is complete, it becomes part of the history together with the message; an answer that is empty,
        is interrupted or fails does not. Raises AzureError.
        """
        asked = {"role": "user", "content": text}
        body = chat_request([*self._introduction(), *self.messages, asked], self.parameters)
        pieces = []
        try:
            with self._caller.ask_streamed(body, deployment=self.deployment) as answer:
                for piece in pieces_of(answer.headers, answer.pieces):
                    pieces.append(piece)
                    yield piece
        except AzureError as error:
            raise self._advised(error) from None
        if said := "".join(pieces).strip():
            self.messages += [asked, {"role": "assistant", "content": said}]

    def undo(self) -> bool:
        """Drop the last exchange. Return False if there is none."""
        some = bool(self.messages)
        del self.messages[-2:]
        return some

    def reset(self) -> None:
        """Drop the history. The system prompt and the parameters are kept."""
        self.messages.clear()

    def row(self) -> dict[str, Any]:
        """Return the conversation as a row of training data. Raises UsageError without an exchange."""
        if not self.messages:
            raise UsageError("the conversation is empty")
        messages = [*self._introduction(), *self.messages]
        content = json.dumps(messages, ensure_ascii=False, sort_keys=True)
        identity = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()
        return {"prompt": self.messages[0]["content"], "messages": messages, "prompt_id": identity}

    def _introduction(self) -> list[dict[str, str]]:
        return [{"role": "system", "content": self.system}] if self.system else []

    def _advised(self, error: AzureError) -> AzureError:
        """Return the error with a remedy for a conversation."""
        if error.status in _REJECTED and _TOO_LONG.search(f"{error.summary}\n{error.detail}"):
            error.remedy = (
                "The conversation may not fit into the model: /undo drops the last exchange, /reset all of them."
            )
            return error
        if error.status == 400:
            error.remedy = "/set shows the parameters that are sent; /set NAME VALUE changes one, /set NAME removes it."
            return error
        return advised(error)


def open_chat(request: Request, connect: Connector, *, system: str = "", deployment: str = "") -> Chat:
    """Open a conversation with the endpoint of a stack. Sends nothing yet.

    Generation parameters are those of the first test of the spec. Raises UsageError if the endpoint does not exist or
    does not serve a chat model, and AzureError.
    """
    bench, endpoint, caller = opened(request, connect)
    table = table_of(bench.loaded)
    if table is not None:
        raise UsageError(
            f"stack {bench.stack.name} does not serve a chat model, but one for {table.task.replace('_', ' ')}",
            remedy="Send single texts: phift invoke SPEC TEXT",
        )
    tests = bench.loaded.spec.tests
    parameters = dict(next(iter(tests.values())).parameters) if tests else {}
    return Chat(caller, endpoint.name, deployment, parameters, system)
