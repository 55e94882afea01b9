"""The composition root: builds every service of every workspace of an emulator, and passes each what it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from phift.emulator.core.app import Application
from phift.emulator.core.context import Cloud
from phift.emulator.core.operations import Operation
from phift.emulator.core.routing import Route
from phift.emulator.core.workspace import Workspace
from phift.emulator.runtime.serving.supervisor import Supervisor
from phift.emulator.runtime.tracking.server import TrackingServer
from phift.emulator.runtime.training.workers import Workers
from phift.emulator.services.admin import routes as admin
from phift.emulator.services.artifacts import routes as artifacts
from phift.emulator.services.assets import routes as assets
from phift.emulator.services.assets.registration import register_output
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
from phift.emulator.services.jobs.noderun import Platform
from phift.emulator.services.jobs.queue import JobQueue
from phift.emulator.services.mlflow import routes as mlflow
from phift.emulator.services.monitor import routes as monitor
from phift.emulator.services.monitor.autoscale import routes as autoscale
from phift.emulator.services.monitor.autoscale.engine import Autoscaler
from phift.emulator.services.monitor.recorder import Metrics
from phift.emulator.services.monitor.sampler import Sampler
from phift.emulator.services.permissions import routes as permissions
from phift.emulator.services.prices import routes as prices
from phift.emulator.services.registry import routes as registry
from phift.emulator.services.registry import sharing
from phift.emulator.services.runs import routes as runs
from phift.emulator.services.schedules import finishers as schedules_finishers
from phift.emulator.services.schedules import routes as schedules
from phift.emulator.services.schedules.scheduler import Scheduler
from phift.emulator.services.scoring import routes as scoring
from phift.emulator.services.telemetry import routes as telemetry
from phift.emulator.services.workspace import finishers as workspace_finishers
from phift.emulator.services.workspace import routes as workspaces
from phift.emulator.services.workspace.state import open_stored

__all__ = ["FINISHERS", "ROUTES", "compose"]

ROUTES: tuple[Route, ...] = (
    *admin.ROUTES,
    *identity.ROUTES,
    *telemetry.ROUTES,
    *permissions.ROUTES,
    *prices.ROUTES,
    *workspaces.ROUTES,
    *compute.ROUTES,
    *assets.ROUTES,
    *registry.ROUTES,
    *datastores.ROUTES,
    *blob.ROUTES,
    *jobs.ROUTES,
    *schedules.ROUTES,
    *runs.ROUTES,
    *artifacts.ROUTES,
    *mlflow.ROUTES,
    *endpoints.ROUTES,
    *deployments.ROUTES,
    *scoring.ROUTES,
    *monitor.ROUTES,
    *autoscale.ROUTES,
)
"""The routes of every service."""

FINISHERS: Mapping[str, Callable[[Emulator, Operation], Any]] = {
    **compute_finishers.FINISHERS,
    **jobs_finishers.FINISHERS,
    **endpoints_finishers.FINISHERS,
    **deployments_finishers.FINISHERS,
    **schedules_finishers.FINISHERS,
    **workspace_finishers.FINISHERS,
    **sharing.FINISHERS,
}
"""The finishers of every service's long-running operations, by the name that is stored."""


def compose(emulator: Emulator) -> Application:
    """Add the services to the emulator of a home's own workspace, which has not started, and open the workspaces and
    registries that were created in the home; return the application that serves them all."""
    _equip(emulator)
    emulator.on_start.append(Autoscaler(emulator.cloud).start)
    open_stored(emulator)
    return Application(emulator.cloud, ROUTES)


def _build(cloud: Cloud, workspace: Workspace, folder: Path) -> Emulator:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    emulator = Emulator(cloud, workspace, folder)
    _equip(emulator)
    return emulator


def _equip(emulator: Emulator) -> None:
    """Add the services to an emulator."""
    workspace = emulator.workspace
    emulator.build = partial(_build, emulator.cloud)
    emulator.blobs = BlobAccount(
        workspace.storage_account, emulator.store, emulator.folder("blobs"), (workspace.container,)
    )
    emulator.tracking = TrackingServer(emulator.folder("mlflow"))
    register = partial(register_output, emulator)
    emulator.jobs = JobQueue(Platform(emulator, emulator.blobs, emulator.tracking, Workers(emulator.home), register))
    emulator.schedules = Scheduler(emulator)
    emulator.containers = Supervisor(emulator, partial(download, emulator, emulator.blobs))
    emulator.metrics = Metrics(emulator.store)
    datastores.make_system_datastores(emulator)
    for name, finish in FINISHERS.items():
        former = [old for old, new in FORMER_NAMES.items() if new == name]
        emulator.operations.register(name, partial(finish, emulator), former=former)
    emulator.quota.consumers += [
        partial(clusters.quota_in_use, emulator),
        partial(quota.in_use, emulator),
        emulator.jobs.serverless_in_use,
    ]
    # a deployment that serves does not keep an idle emulator from stopping, one that is being created does
    emulator.busy += [lambda: emulator.jobs.busy, lambda: emulator.containers.busy]
    if workspace.kind == "workspaces":  # a registry runs nothing
        sampler = Sampler(emulator)
        emulator.on_start += [
            emulator.jobs.start,
            partial(recover, emulator),
            emulator.schedules.start,
            sampler.start,
        ]
        emulator.on_stop += [
            emulator.schedules.stop,
            emulator.jobs.stop,
            emulator.containers.stop,
            sampler.stop,
        ]
