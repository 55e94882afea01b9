"""A known response to a request of the libraries, which is then not sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Answer", "Known"]


@dataclass(frozen=True)
class Answer:
    """status; headers; content: the body."""

    status: int
    headers: Mapping[str, str]
    content: bytes


Known = Callable[[str, str, Mapping[str, str]], Answer | None]
"""Takes method, path below the endpoint, and query; returns None if the request must be sent."""
