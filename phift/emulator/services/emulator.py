"""A running emulator as the services see it: the shared context, and the state of each service."""

from __future__ import annotations

from typing import TypeAlias

from phift.emulator.core import routing
from phift.emulator.core.context import Context
from phift.emulator.runtime.serving.supervisor import Supervisor
from phift.emulator.runtime.tracking.server import TrackingServer
from phift.emulator.services.blob.account import BlobAccount
from phift.emulator.services.jobs.queue import JobQueue

__all__ = ["Call", "Emulator"]


class Emulator(Context):
    """One running emulator. compose.py sets the attributes that are declared here."""

    blobs: BlobAccount
    """The workspace's storage account."""
    tracking: TrackingServer
    jobs: JobQueue
    containers: Supervisor
    """The containers of online deployments."""


Call: TypeAlias = routing.Call[Emulator]
