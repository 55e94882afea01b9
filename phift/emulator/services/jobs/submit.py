"""Submission of a job by the emulator itself or on behalf of a request: checked, stored and queued."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.emulator.core.documents import timestamp
from phift.emulator.core.errors import ServiceError
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.jobs.record import Job, Run, find_run
from phift.emulator.services.jobs.runs import plan_runs
from phift.emulator.services.jobs.submission import check_name, read_submission

__all__ = ["submit_job"]


def submit_job(emulator: Emulator, name: str, body: Mapping[str, Any], api_version: str) -> Job:
    """Check, store and queue a new job; it starts as soon as its turn comes.

    name: of the job, which no other job or run has. body: of a PUT, with its `properties`. api_version: of the request.
    Raises ServiceError 400 for a name or body that the service rejects, 404 for what the body refers to and does not
    exist, and 501 for a type of job that is not emulated.
    """
    check_name(name)
    store = emulator.store
    if find_run(store, name) is not None:
        raise ServiceError(400, "UserError", f"A run with the id {name} already exists in the workspace.")
    submission = read_submission(emulator, body)
    sent = submission.properties
    job = Job(
        name=name,
        submitted=sent,
        tags=submission.tags,
        properties=dict(sent.get("properties") or {}),
        display_name=str(sent.get("displayName") or name),
        description=sent.get("description"),
        archived=bool(sent.get("isArchived")),
        created=timestamp(emulator.clock.now()),
        works=[work.document for work in submission.works],
        refusal=submission.refusal,
    )
    run = Run(name, root=name, parent="", kind="job", node="", component="", number=1, created=job.created)
    with store.transaction():
        job.save(store)
        run.save(store)
        if job.job_type == "Pipeline":
            plan_runs(store, job, list(submission.works))
    emulator.jobs.submitted(job)
    return job
