"""A response to a request of the libraries that need not be made."""

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
"""From method, path under the endpoint, and query; None where the hub has to be asked."""
