"""How an apply is to be carried out."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ApplyOptions"]


@dataclass(frozen=True, kw_only=True)
class ApplyOptions:
    """parallelism: units at a time. wait: False submits jobs and detaches. timeouts: seconds a wait may take, by kind.

    stop: when set, waits detach and nothing new starts.
    """

    parallelism: int = 10
    wait: bool = True
    timeouts: Mapping[str, float] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
