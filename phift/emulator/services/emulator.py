"""A workspace of a running emulator as the services see it: its context, and the state of each service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from phift.emulator.core import routing
from phift.emulator.core.context import Cloud, Context
from phift.emulator.core.workspace import Workspace
from phift.emulator.runtime.serving.supervisor import Supervisor
from phift.emulator.runtime.tracking.server import TrackingServer
from phift.emulator.services.blob.account import BlobAccount
from phift.emulator.services.jobs.queue import JobQueue
from phift.emulator.services.monitor.recorder import Metrics

if TYPE_CHECKING:
    from phift.emulator.services.schedules.scheduler import Scheduler

__all__ = ["Call", "Emulator", "emulators"]


class Emulator(Context):
    """One workspace, or registry, of a running emulator. compose.py sets the attributes that are declared here."""

    blobs: BlobAccount
    """The workspace's storage account."""
    tracking: TrackingServer
    jobs: JobQueue
    containers: Supervisor
    """The containers of online deployments."""
    metrics: Metrics
    """What is counted of requests to online endpoints."""
    schedules: Scheduler
    build: Callable[[Workspace, Path], Emulator]
    """Makes the emulator of another workspace or registry, with all its services, in a folder; it is not started."""


def emulators(cloud: Cloud) -> list[Emulator]:
    """Those of all workspaces and registries of a home, that of its own workspace first."""
    return [each for each in cloud.contexts if isinstance(each, Emulator)]


Call: TypeAlias = routing.Call[Emulator]
