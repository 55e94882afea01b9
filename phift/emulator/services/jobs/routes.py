"""Jobs of the resource manager: submit, read, list, cancel, delete. Job documents never carry an ETag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from phift.emulator.core.assumed import holds
from phift.emulator.core.documents import reply
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.listing import has_all, in_view, page
from phift.emulator.core.operations import RESULT, Operation
from phift.emulator.core.pace import listed
from phift.emulator.core.routing import WS, Host, Route
from phift.emulator.core.validation import check_members
from phift.emulator.services.emulator import Call
from phift.emulator.services.jobs.documents import child_document, job_document, trial_document
from phift.emulator.services.jobs.record import SCHEDULE_ID, Job, all_jobs, find_job, find_run
from phift.emulator.services.jobs.rules import check_unchanged, find_or_404, merge_metadata
from phift.emulator.services.jobs.submission import JOB_TYPES, check_name
from phift.emulator.services.jobs.submit import submit_job

__all__ = ["ROUTES"]

_PAGE = 50  # (assumed: page_sizes)
_CANCEL_TIMEOUT = "PT1H"


async def put_job(call: Call) -> Response:
    """A new job is checked, stored and queued; of an existing one only its metadata may change (recorded 2026-03)."""
    name = call.params["name"]
    check_name(name)
    body = await call.object()
    sent = body.get("properties")
    if isinstance(sent, dict) and sent.get("jobType") in JOB_TYPES:
        check_members(call, body, f"{sent['jobType']}JobResource")
    emulator = call.emulator
    if (existing := find_job(emulator.store, name)) is not None:
        return _put_again(call, existing, body)
    job = submit_job(emulator, name, body, call.api_version)
    location = f"https://management.azure.com{emulator.workspace.arm_id}/jobs/{quote(name)}"
    headers = {"Location": f"{location}?api-version={call.api_version}"}
    document = job_document(emulator, job, job.run(emulator.store), call.api_version, first=True)
    return reply(document, 201, headers)


def _put_again(call: Call, job: Job, body: Mapping[str, Any]) -> Response:
    sent = body.get("properties")
    if not isinstance(sent, dict):
        raise ServiceError(400, "RequestInvalid", "The request needs an object 'properties'.", target="properties")
    check_unchanged(call.emulator, job, sent)
    merge_metadata(job, sent)
    job.save(call.emulator.store)
    return reply(job_document(call.emulator, job, job.run(call.emulator.store), call.api_version))


async def get_job(call: Call) -> Response:
    store = call.emulator.store
    if find_job(store, call.params["name"]) is None and (run := find_run(store, call.params["name"])):
        if run.kind == "trial" and (sweep := find_job(store, run.root)) and sweep.job_type == "Sweep":
            return reply(trial_document(call.emulator, sweep, run, call.api_version))
        return reply(child_document(call.emulator, run))
    job = find_or_404(call.emulator, call.params["name"])
    return reply(job_document(call.emulator, job, job.run(store), call.api_version))


async def list_jobs(call: Call) -> Response:
    """Newest first. Filters: listViewType, jobType, tag and properties (`name` or `name=value`), scheduled, scheduleId.
    Pages of 50."""
    store, kind = call.emulator.store, call.query("jobType").lower()
    jobs = (
        job
        for job in reversed(all_jobs(store))
        if in_view(call, job.archived)
        and kind in ("", job.job_type.lower())
        and has_all(job.tags, call.query("tag"))
        and has_all(job.properties, call.query("properties"))
        and _of_schedule(job, call.query("scheduled").lower(), call.query("scheduleId").lower())
    )
    documents = (job_document(call.emulator, job, job.run(store), call.api_version) for job in jobs)
    return page(call, listed(call.emulator.pace, documents, call.emulator.clock), size=_PAGE)


def _of_schedule(job: Job, scheduled: str, schedule: str) -> bool:
    """Whether a list of jobs with (or without) schedules, or of one schedule, shows it; "" where none is asked for."""
    own = job.properties.get(SCHEDULE_ID, "").lower()
    return schedule in ("", own) and scheduled in ("", str(bool(own)).lower())


async def cancel_job(call: Call) -> Response:
    """202 and a result to poll; 200 when the job has ended already (recorded 2023-10; assumed:
    cancel_of_ended_job_is_200). A node, step or trial is canceled as a job is."""
    emulator = call.emulator
    name = call.params["name"]
    run = find_run(emulator.store, name) or find_or_404(emulator, name).run(emulator.store)
    if not run.status.ended:
        emulator.jobs.cancel(run)
    elif holds(emulator.store, "cancel_of_ended_job_is_200"):
        return Response(status_code=200)
    operation = emulator.operations.start(
        "job",
        name,
        finish="job.canceled",
        location=RESULT,
        timeout=_CANCEL_TIMEOUT,
        name=f"jc:{emulator.workspace.workspace_id}:{name}",
        api_version=call.api_version,
    )
    return _accepted(operation)


def _accepted(operation: Operation) -> Response:
    headers = {key: value for key, value in operation.headers.items() if key != "Azure-AsyncOperation"}
    return reply(None, 202, headers)


async def delete_job(call: Call) -> Response:
    """202 and a result to poll; 204 for what is not there. A job that has not ended is refused (assumed:
    running_job_is_not_deleted)."""
    emulator = call.emulator
    job = find_job(emulator.store, call.params["name"])
    if job is None:
        return Response(status_code=204)
    run = job.run(emulator.store)
    if not run.status.ended and holds(emulator.store, "running_job_is_not_deleted"):
        raise ServiceError(
            400, "UserError", f"Job {job.name} has not ended. Cancel it before it is deleted.", inner=("BadArgument",)
        )
    if not run.status.ended:
        emulator.jobs.cancel(run)
    operation = emulator.operations.start(
        "job", job.name, finish="job.deleted", location=RESULT, timeout=_CANCEL_TIMEOUT, api_version=call.api_version
    )
    return _accepted(operation)


_JOB = WS + "/jobs/{name}"

ROUTES = (
    Route(Host.ARM, "PUT", _JOB, put_job),
    Route(Host.ARM, "GET", _JOB, get_job),
    Route(Host.ARM, "GET", WS + "/jobs", list_jobs),
    Route(Host.ARM, "POST", _JOB + "/cancel", cancel_job),
    Route(Host.ARM, "DELETE", _JOB, delete_job),
)
