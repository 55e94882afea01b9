"""Long-running operations: they end, fail, are cancelled, and go on after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar, cast

import pytest

from phift.emulator.compose import FINISHERS, compose
from phift.emulator.core.context import Cloud, Context
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.operations import RESULT, Operation
from phift.emulator.core.pace import FAITHFUL, FAST
from phift.emulator.host.home import Home
from phift.emulator.host.server import workspace_of
from phift.emulator.runtime.tracking.server import TrackingServer
from phift.emulator.runtime.training.workers import Workers
from phift.emulator.services.blob.account import BlobAccount
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.former_names import FORMER_NAMES
from phift.emulator.services.jobs.capacity import Capacity
from phift.emulator.services.jobs.noderun import Platform
from phift.emulator.services.jobs.pipelinejob import PipelineRunner
from phift.emulator.services.jobs.record import Job, Run, Status
from phift.emulator.services.jobs.works import Command

C = TypeVar("C", bound=Context)

CLUSTER = {
    "vmSize": "Standard_DS3_v2",
    "vmPriority": "Dedicated",
    "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1},
}
STORED_BY_0_2 = [
    *(f"phift.emulator.handlers.compute:{name}" for name in ("finish_write", "finish_delete")),
    *(f"phift.emulator.handlers.endpoints:{name}" for name in ("finish_write", "finish_delete", "finish_key")),
    *(f"phift.emulator.handlers.deployments:{name}" for name in ("finish_write", "finish_delete")),
    *(f"phift.emulator.handlers.jobs:{name}" for name in ("cancel_finished", "delete_finished")),
]


async def fail(operation: Operation) -> None:
    raise ServiceError(400, "OutOfQuota", "Not enough subscription CPU quota.")


async def break_down(operation: Operation) -> None:
    raise RuntimeError("a bug")


def opened(path: Path, kind: type[C]) -> C:
    home = Home(path)
    identity = home.identity()
    secrets = {"client_id": identity.client_id, "client_secret": identity.client_secret}
    pace = replace(FAST, default=0.0)
    cloud = Cloud(home.path, tenant_id=identity.tenant_id, signing_key=b"k" * 32, pace=pace, **secrets)
    return kind(cloud, workspace_of(identity))


def served_home(path: Path) -> Emulator:
    """With all its services."""
    emulator = opened(path, Emulator)
    compose(emulator)
    return emulator


def open_home(path: Path) -> Context:
    """With finishers of this module alone."""
    emulator = opened(path, Context)

    def succeed(operation: Operation) -> None:
        emulator.store.put("seen", operation.name, body=operation.data)

    emulator.operations.register("succeed", succeed, former=["a.module:of_an_earlier_release"])
    emulator.operations.register("fail", fail)
    emulator.operations.register("break_down", break_down)
    return emulator


def blobs_of(emulator: Context) -> BlobAccount:
    return BlobAccount(emulator.workspace.storage_account, emulator.store, emulator.folder("blobs"), ())


def run(path: Path, story: Callable[[Context], Awaitable[None]]) -> None:
    async def told() -> None:
        emulator = open_home(path)
        await emulator.start()
        await story(emulator)
        await emulator.cloud.stop()

    asyncio.run(told())


async def settled(emulator: Context, operation: Operation) -> Operation:
    for _ in range(200):
        found = emulator.operations.get(operation.name)
        assert found is not None
        if found.status != "Running":
            return found
        await asyncio.sleep(0.005)
    raise AssertionError("it never ended")


def test_documents_by_kind(tmp_path: Path) -> None:
    async def story(emulator: Context) -> None:
        compute = emulator.operations.start("compute", "c", finish="succeed")
        assert compute.document() == {"status": "InProgress"}
        assert "Location" not in compute.headers
        endpoint = emulator.operations.start("onlineEndpoint", "e", finish="succeed", location=RESULT, timeout="PT30M")
        assert endpoint.name.startswith(f"oeidp:{emulator.workspace.workspace_id}:")
        assert endpoint.document()["status"] == "Updating"
        assert endpoint.document()["endTime"] == "0001-01-01T00:00:00+00:00"
        assert "/mfeOperationResults/oeidp:" in endpoint.headers["Location"]
        assert endpoint.headers["x-ms-async-operation-timeout"] == "PT30M"
        assert emulator.operations.running("onlineEndpoint", "E") is not None
        assert (await settled(emulator, compute)).document() == {"status": "Succeeded", "percentComplete": 100.0}
        ended = (await settled(emulator, endpoint)).document()
        assert (ended["status"], ended["percentComplete"]) == ("Succeeded", 0.0)
        assert emulator.operations.running("onlineEndpoint", "e") is None

    run(tmp_path, story)


def test_failures_carry_the_services_code_and_bugs_are_told(tmp_path: Path) -> None:
    async def story(emulator: Context) -> None:
        refused = await settled(emulator, emulator.operations.start("onlineDeployment", ("e", "d"), finish="fail"))
        assert refused.document()["error"]["code"] == "OutOfQuota"
        broken = await settled(emulator, emulator.operations.start("onlineDeployment", ("e", "d"), finish="break_down"))
        assert broken.document()["error"] == {"code": "InternalServerError", "message": "RuntimeError: a bug"}

    run(tmp_path, story)


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    names = []

    async def begin(emulator: Context) -> None:
        operation = emulator.operations.start("compute", "c", finish="succeed", seconds=0.3, data={"n": 1})
        names.append(operation.name)

    async def end(emulator: Context) -> None:
        operation = emulator.operations.get(names[0])
        assert operation is not None
        assert operation.status == "Running"
        assert (await settled(emulator, operation)).status == "Succeeded"
        assert emulator.store.get("seen", names[0]) == {"n": 1}

    run(tmp_path, begin)
    run(tmp_path, end)


def test_an_operation_stored_by_an_earlier_release_is_finished(tmp_path: Path) -> None:
    async def story() -> None:
        emulator = served_home(tmp_path)
        compute = {"provisioningState": "Creating", "properties": CLUSTER}
        emulator.store.put("compute", "c", body={"name": "c", "location": "eastus", "properties": compute})
        operation = emulator.operations.start("compute", "c", finish="compute.written", seconds=60)
        stored = {**asdict(operation), "finish": "phift.emulator.handlers.compute:finish_write", "due": 0.0}
        emulator.store.put("operation", operation.name, body=stored)
        await emulator.cloud.stop()

        emulator = served_home(tmp_path)
        await emulator.start()
        assert (await settled(emulator, operation)).document()["status"] == "Succeeded"
        body = emulator.store.get("compute", "c")
        assert body is not None
        assert body["properties"]["provisioningState"] == "Succeeded"
        await emulator.cloud.stop()

    asyncio.run(story())


def test_finishers_are_known_by_names_that_do_not_change() -> None:
    """Homes hold these names: one may be added, none renamed without an entry of its former name."""
    assert set(FINISHERS) == {
        *("compute.written", "compute.deleted"),
        *("endpoint.written", "endpoint.deleted", "endpoint.key_regenerated"),
        *("deployment.written", "deployment.deleted"),
        *("job.canceled", "job.deleted"),
        *("workspace.written", "workspace.deleted"),
        *("registry.shared", "registry.asset_written"),
        *("schedule.written", "schedule.deleted"),
    }
    assert set(FORMER_NAMES.values()) <= set(FINISHERS)
    assert set(STORED_BY_0_2) <= set(FORMER_NAMES)


class Tracking:
    """A tracking server that takes everything, and tells when it is first asked."""

    def __init__(self) -> None:
        self.asked: Callable[[], None] = lambda: None

    async def make_run(self, *arguments: object) -> None:
        self.asked()

    async def start_run(self, *arguments: object) -> None: ...

    async def log(self, *arguments: object) -> None: ...

    async def end_run(self, *arguments: object) -> None: ...


def runner_of(emulator: Context, job: Job, tracking: Tracking) -> PipelineRunner:
    blobs = blobs_of(emulator)
    platform = Platform(
        emulator, blobs, cast(TrackingServer, tracking), Workers(emulator.home), lambda output, place, job: "1"
    )
    return PipelineRunner(platform, Capacity(emulator.store, emulator.quota), job)


def test_a_job_cancelled_while_it_ends_is_cancelled(tmp_path: Path) -> None:
    async def story(emulator: Context) -> None:
        job = Job("j", {}, {}, {}, "j", None, False, "", works=[], refusal="no component")
        Run("j", root="j", parent="", kind="job", node="", component="", number=1).save(emulator.store)
        job.save(emulator.store)
        tracking = Tracking()
        runner = runner_of(emulator, job, tracking)
        tracking.asked = runner.cancel
        await runner.run()
        assert job.run(emulator.store).status is Status.CANCELED
        assert job.run(emulator.store).error == ""

    run(tmp_path, story)


def test_a_job_cancelled_before_it_begins_runs_nothing(tmp_path: Path) -> None:
    async def story(emulator: Context) -> None:
        job = Job("j", {}, {}, {}, "j", None, False, "", works=[Command(node="n", command="true").document])
        Run("j", root="j", parent="", kind="job", node="", component="", number=1).save(emulator.store)
        job.save(emulator.store)
        runner = runner_of(emulator, job, Tracking())
        runner.cancel()
        await runner.run()
        ended = job.run(emulator.store)
        assert (ended.status, ended.started) == (Status.CANCELED, 0)

    run(tmp_path, story)


def test_cancel_interrupts(tmp_path: Path) -> None:
    async def story(emulator: Context) -> None:
        operation = emulator.operations.start("job", "j", finish="succeed", seconds=60)
        emulator.operations.cancel(operation.name)
        assert (await settled(emulator, operation)).status == "Canceled"
        assert emulator.store.get("seen", operation.name) is None

    run(tmp_path, story)


def test_only_finishers_that_can_be_found_again_are_taken(tmp_path: Path) -> None:
    async def story(emulator: Context) -> None:
        with pytest.raises(LookupError, match="no finisher of operations is named nothing"):
            emulator.operations.start("compute", "c", finish="nothing")
        with pytest.raises(ValueError, match="two finishers of operations are named fail"):
            emulator.operations.register("other", fail, former=["fail"])

    run(tmp_path, story)


def test_the_faithful_pace_sends_no_hint_when_to_ask_again() -> None:
    assert FAITHFUL.retry_after_ms is None
    assert FAITHFUL.seconds("onlineDeployment") > 100 * FAST.seconds("onlineDeployment")
