"""Options of an apply."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ApplyOptions"]


@dataclass(frozen=True, kw_only=True)
class ApplyOptions:
    """parallelism: maximum concurrent units. wait: False submits jobs and detaches. timeouts: maximum seconds of a
    wait, by kind. stop: when set, waits detach and no new work starts. strict: reject warnings about rows, which are
    known only once the rows are prepared, before anything is created.
    """

    parallelism: int = 10
    wait: bool = True
    timeouts: Mapping[str, float] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    strict: bool = False
