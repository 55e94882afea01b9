"""What an apply does when the service asks it to wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support import Project

from phift import phases
from phift.apply.events import Event, ResourceFailed, ResourceProgress
from phift.apply.options import ApplyOptions
from phift.errors import AzureError, DeadlineError, DetachedError, ThrottledError


def throttle(project: Project, pattern: str, seconds: float, **more: Any) -> None:
    fault = {"pattern": pattern, "status": 429, "code": "TooManyRequests", "message": "slow down"}
    project.embedded.admin("POST", "/faults", {**fault, "headers": {"Retry-After": str(seconds)}, **more})


@pytest.fixture
def compute(project: Project) -> Iterator[str]:
    """The pattern of the requests for the project's cluster."""
    yield f".*/computes/{project.stack}-gpu[?]"
    project.embedded.admin("DELETE", "/faults")


def failed(project: Project) -> ResourceFailed:
    return next(e for e in project.events if isinstance(e, ResourceFailed) and e.address.kind == "compute")


def test_an_hour_is_more_than_a_create_may_take(project: Project, compute: str) -> None:
    throttle(project, f"^PUT {compute}", 3600, count=0)
    started = time.monotonic()
    assert project.apply().exit_code == 1
    assert time.monotonic() - started < 300
    error = failed(project).error
    assert isinstance(error, ThrottledError)
    assert "asks to wait 1h00m, but the deadline of compute.finetune is in" in error.remedy


def test_an_hour_ends_a_wait_without_a_failure(project: Project, compute: str) -> None:
    throttle(project, f"^GET {compute}", 3600, offset=1, count=0)
    assert project.apply().exit_code == DeadlineError.exit_code
    assert "asks to wait 1h00m" in str(failed(project).error)


def test_a_second_is_waited_to_the_second(project: Project, compute: str) -> None:
    throttle(project, f"^PUT {compute}", 1)
    mark = project.embedded.mark()
    started = time.monotonic()
    project.applied()
    writes = [
        r for r in project.embedded.since(mark) if r["method"] == "PUT" and r["path"].endswith(f"{project.stack}-gpu")
    ]
    assert [r["status"] for r in writes] == [429, 201]
    assert time.monotonic() - started >= 1
    told = [e.message for e in project.events if isinstance(e, ResourceProgress) and e.state == "throttled"]
    assert told == ["throttled; next try in 1s"]


def test_ctrl_c_ends_an_hour(project: Project, compute: str) -> None:
    """With a deadline that allows for it, the hour is begun and told."""
    throttle(project, f"^PUT {compute}", 3600, count=0)
    stop = threading.Event()

    def listen(event: Event) -> None:
        project.events.append(event)
        if isinstance(event, ResourceProgress) and event.state == "throttled":
            stop.set()

    options = ApplyOptions(timeouts={"compute": 7200}, stop=stop)
    result = phases.apply(project.plan(), project.request, project.embedded.connector, listener=listen, options=options)
    assert result.exit_code == DetachedError.exit_code
    assert isinstance(failed(project).error, DetachedError)
    told = [e.message for e in project.events if isinstance(e, ResourceProgress) and e.state == "throttled"]
    assert "throttled; next try in 1h00m" in told


def test_a_storage_account_behind_a_firewall_is_asked_twice(project: Project) -> None:
    """Its error is that of an expired signature: one new signature is tried, and no more."""
    fault = {"pattern": "GET .*blob.core.windows.net/", "status": 403, "code": "AuthorizationFailure", "count": 20}
    project.embedded.admin("POST", "/faults", fault)
    mark = project.embedded.mark()
    try:
        with pytest.raises(AzureError) as failed:
            phases.history(project.request, project.embedded.connector)
    finally:
        project.embedded.admin("DELETE", "/faults")
    assert failed.value.code == "AuthorizationFailure"
    asked = [r for r in project.embedded.since(mark) if "blob.core" in r["host"]]
    assert len(asked) == 2
