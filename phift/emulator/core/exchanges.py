"""A log of the shapes of answers, for tests that compare them with the models of Azure's clients.

Off unless PHIFT_EMULATOR_EXCHANGES names a folder. An answer is written when its shape is new, or has a word that its
key did not have before: words, numbers and times stay, all other texts are replaced by one, keys and signatures too.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from starlette.responses import Response

from phift.emulator.core.environment import EXCHANGES
from phift.emulator.core.middleware import Exchange, Next
from phift.emulator.core.routing import Host

__all__ = ["ExchangeLog", "shape"]

_HOSTS = (Host.ARM, Host.DATA_PLANE)
_WORD = re.compile(r"[A-Za-z][A-Za-z_,-]{0,39}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)|P[0-9DTHMS.]+")
_WORDS_OF_A_KEY = 40
_MOST_SHAPES = 20_000
_TEXT = "some text"


class ExchangeLog:
    """The log of one process, and the middleware that fills it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{os.getpid()}.jsonl"
        self._seen: set[int] = set()
        self._words: dict[str, set[str]] = defaultdict(set)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ExchangeLog | None:
        """The log that the environment asks for, or None."""
        folder = environment.get(EXCHANGES)
        return cls(Path(folder)) if folder else None

    async def __call__(self, exchange: Exchange, proceed: Next) -> Response:
        response = await proceed(exchange)
        if exchange.kind in _HOSTS and exchange.found and getattr(response, "body", b"")[:1] in (b"{", b"["):
            self._write(exchange, response)
        return response

    def _write(self, exchange: Exchange, response: Response) -> None:
        route, call = exchange.found or (None, None)
        if route is None or call is None or len(self._seen) >= _MOST_SHAPES:
            return
        try:
            body = json.loads(bytes(response.body))
        except ValueError:
            return  # a log's text that begins with a brace
        entry = {
            "host": route.host.value,
            "method": route.method,
            "path": route.path.replace("{kind}", call.params.get("kind", "{kind}")),
            "api": call.api_version,
            "status": response.status_code,
        }
        key = hash((*entry.values(), _outline(body)))
        if not self._remember(body) and key in self._seen:
            return
        self._seen.add(key)
        with self._path.open("a", encoding="utf-8") as stream:  # rare: a shape is written once
            stream.write(json.dumps({**entry, "body": shape(body)}, separators=(",", ":")) + "\n")

    def _remember(self, body: Any) -> bool:
        """Remember the words of an answer; whether one of them is new to its key."""
        new = False
        for key, word in _words(body, ""):
            known = self._words[key]
            if word not in known and len(known) < _WORDS_OF_A_KEY:
                known.add(word)
                new = True
        return new


def shape(value: Any) -> Any:
    """A JSON value with all texts replaced but words, times and durations."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    if isinstance(value, str) and value and not (_WORD.fullmatch(value) or _TIME.fullmatch(value)):
        return _TEXT
    return value


def _outline(value: Any) -> Any:
    """What two answers of one shape have in common, as something to hash: keys and types."""
    if isinstance(value, dict):
        return tuple((name, _outline(each)) for name, each in sorted(value.items()))
    if isinstance(value, list):
        return frozenset(map(_outline, value))
    return type(value).__name__


def _words(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _words(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from _words(each, key)
    elif isinstance(value, str) and _WORD.fullmatch(value):
        yield key, value
