"""Faults on request: answers that fail, come late, or never come."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from starlette.responses import Response

from phift.emulator.core.errors import ServiceError

__all__ = ["Fault", "Faults"]


_MAX_DELAY = 3600


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_status(value: Any) -> bool:
    return _is_count(value) and (value == 0 or 200 <= value < 600)


def _is_delay(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MAX_DELAY


def _are_headers(value: Any) -> bool:
    """Of texts that a header can hold."""
    return isinstance(value, dict) and all(
        re.fullmatch(r"[A-Za-z0-9-]+", name) and isinstance(text, str) and re.fullmatch(r"[\x20-\x7e]*", text)
        for name, text in value.items()
    )


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("pattern", "code", "message"), ("a text", _is_text)),
    **dict.fromkeys(("drop", "kill", "after", "stale", "later"), ("true or false", _is_flag)),
    **dict.fromkeys(("offset", "count"), ("a whole number", _is_count)),
    "status": ("an HTTP status", _is_status),
    "delay": (f"seconds, {_MAX_DELAY} at most", _is_delay),
    "inner": ("a list of texts", _are_texts),
    **dict.fromkeys(("details", "info"), ("a list of objects", _are_objects)),
    "headers": ("an object of header values", _are_headers),
}
"""What can be asked of a fault."""


@dataclass
class Fault:
    """One fault. The pattern is a regular expression searched in "METHOD host/path?query", ignoring case.

    offset: matching requests let through first. count: how many then fail (0: all that follow).
    status: HTTP status to answer with; drop: close the connection instead; delay: seconds to wait before either.
    kill: the emulator's process ends as by SIGKILL. after: the request has its effect first and only its answer is lost
    or replaced. stale: the first answer to each URL is given again to the requests that follow, as lists lag writes.
    later: the request is accepted, and the operation it begins ends as Failed, with the error.
    code, message, details, inner, info: the error, see ServiceError. headers: of the answer.
    """

    pattern: str
    status: int = 0
    drop: bool = False
    delay: float = 0.0
    kill: bool = False
    after: bool = False
    stale: bool = False
    later: bool = False
    offset: int = 0
    count: int = 1
    code: str = "InjectedFault"
    message: str = "A fault asked for by an admin request."
    details: list[dict[str, Any]] = field(default_factory=list)
    inner: list[str] = field(default_factory=list)
    info: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    seen: int = 0
    struck: int = 0
    kept: dict[str, Response] = field(default_factory=dict, repr=False)

    @property
    def final(self) -> bool:
        """Whether the fault answers by itself instead of only delaying."""
        return self.drop or self.kill or bool(self.status)

    @property
    def words(self) -> dict[str, Any]:
        """The error of an operation that begins with the request."""
        return {"code": self.code, "message": self.message, "details": self.details, "inner": self.inner}

    @property
    def error(self) -> ServiceError:
        """What the request is answered with."""
        return ServiceError(self.status, **self.words, info=self.info, headers=self.headers)

    def as_first_answered(self, url: str, response: Response) -> Response:
        """The response kept for a URL: the first one, unchanged."""
        return self.kept.setdefault(url, response) if response.status_code == 200 else response

    async def wait(self) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)


class Faults:
    """The faults in force, in the order they were asked for."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, body: dict[str, Any]) -> Fault:
        """A fault from its JSON; raises ServiceError 400 for a field that is unknown or of another kind, and for a
        pattern that is not a regular expression."""
        if unknown := sorted(set(body) - set(_FIELDS)):
            raise ServiceError(400, "RequestInvalid", f"Unknown field of a fault: {', '.join(unknown)}")
        for name, value in body.items():
            wanted, right = _FIELDS[name]
            if not right(value):
                raise ServiceError(400, "RequestInvalid", f"Not a fault: {name} must be {wanted}, not {value!r}.")
        try:
            re.compile(body["pattern"])
            fault = Fault(**body)
        except (KeyError, OverflowError, RecursionError, re.error) as error:
            raise ServiceError(400, "RequestInvalid", f"Not a fault: {error}") from error
        if not (fault.final or fault.delay or fault.stale or fault.later):
            raise ServiceError(400, "RequestInvalid", "A fault needs status, drop, kill, delay, stale or later.")
        self._faults.append(fault)
        return fault

    def strike(self, method: str, host: str, path: str, query: str) -> Fault | None:
        """The fault that this request meets, counted, or None."""
        if not self._faults:
            return None
        text = f"{method} {host}{path}" + (f"?{query}" if query else "")
        for fault in self._faults:
            if not re.search(fault.pattern, text, re.IGNORECASE):
                continue
            fault.seen += 1
            if fault.seen <= fault.offset or (fault.count and fault.struck >= fault.count):
                continue
            fault.struck += 1
            return fault
        return None

    def list(self) -> list[dict[str, Any]]:
        shown = [each.name for each in fields(Fault) if each.name != "kept"]
        return [{name: getattr(fault, name) for name in shown} for fault in self._faults]

    def clear(self) -> None:
        self._faults.clear()
