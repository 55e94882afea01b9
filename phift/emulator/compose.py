"""The composition root: builds every service of one emulator, and passes each what it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from phift.emulator.core.app import Application
from phift.emulator.core.operations import Operation
from phift.emulator.core.routing import Route
from phift.emulator.runtime.serving.supervisor import Supervisor
from phift.emulator.runtime.tracking.server import TrackingServer
from phift.emulator.services.admin import routes as admin
from phift.emulator.services.artifacts import routes as artifacts
from phift.emulator.services.assets import routes as assets
from phift.emulator.services.blob import routes as blob
from phift.emulator.services.blob.account import BlobAccount
from phift.emulator.services.compute import finishers as compute_finishers
from phift.emulator.services.compute import routes as compute
from phift.emulator.services.compute import state as clusters
from phift.emulator.services.datastores import routes as datastores
from phift.emulator.services.deployments import finishers as deployments_finishers
from phift.emulator.services.deployments import quota
from phift.emulator.services.deployments import routes as deployments
from phift.emulator.services.deployments.prepare import download
from phift.emulator.services.deployments.state import recover
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.endpoints import finishers as endpoints_finishers
from phift.emulator.services.endpoints import routes as endpoints
from phift.emulator.services.former_names import FORMER_NAMES
from phift.emulator.services.identity import routes as identity
from phift.emulator.services.jobs import finishers as jobs_finishers
from phift.emulator.services.jobs import routes as jobs
from phift.emulator.services.jobs.queue import JobQueue
from phift.emulator.services.mlflow import routes as mlflow
from phift.emulator.services.registry import routes as registry
from phift.emulator.services.runs import routes as runs
from phift.emulator.services.scoring import routes as scoring
from phift.emulator.services.telemetry import routes as telemetry
from phift.emulator.services.workspace import routes as workspaces

__all__ = ["FINISHERS", "ROUTES", "compose"]

ROUTES: tuple[Route, ...] = (
    *admin.ROUTES,
    *identity.ROUTES,
    *telemetry.ROUTES,
    *workspaces.ROUTES,
    *compute.ROUTES,
    *assets.ROUTES,
    *registry.ROUTES,
    *datastores.ROUTES,
    *blob.ROUTES,
    *jobs.ROUTES,
    *runs.ROUTES,
    *artifacts.ROUTES,
    *mlflow.ROUTES,
    *endpoints.ROUTES,
    *deployments.ROUTES,
    *scoring.ROUTES,
)
"""The routes of every service."""

FINISHERS: Mapping[str, Callable[[Emulator, Operation], Any]] = {
    **compute_finishers.FINISHERS,
    **jobs_finishers.FINISHERS,
    **endpoints_finishers.FINISHERS,
    **deployments_finishers.FINISHERS,
}
"""The finishers of every service's long-running operations, by the name that is stored."""


def compose(emulator: Emulator) -> Application:
    """Adds the services to an emulator that has not started; returns the application that serves it."""
    workspace = emulator.workspace
    emulator.blobs = BlobAccount(
        workspace.storage_account, emulator.store, emulator.folder("blobs"), (workspace.container,)
    )
    emulator.tracking = TrackingServer(emulator.folder("mlflow"))
    emulator.jobs = JobQueue(emulator, emulator.blobs, emulator.tracking)
    emulator.containers = Supervisor(emulator, partial(download, emulator, emulator.blobs))
    datastores.make_system_datastores(emulator)
    for name, finish in FINISHERS.items():
        former = [old for old, new in FORMER_NAMES.items() if new == name]
        emulator.operations.register(name, partial(finish, emulator), former=former)
    emulator.quota.consumers += [partial(clusters.quota_in_use, emulator), partial(quota.in_use, emulator)]
    # a deployment that serves does not keep an idle emulator from stopping, one that is being created does
    emulator.busy += [lambda: emulator.jobs.busy, lambda: emulator.containers.busy]
    emulator.on_start += [emulator.jobs.start, partial(recover, emulator)]
    emulator.on_stop += [emulator.jobs.stop, emulator.containers.stop]
    return Application(emulator, ROUTES)
