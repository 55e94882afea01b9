"""A pytest plugin: a limit of time for each test, no waits for what is done at once, a line with each outcome.

Environment: JUDGE_REPORT, the file of the lines; JUDGE_SECONDS, the limit.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Generator
from typing import Any

import pytest

_SECONDS = int(os.environ["JUDGE_SECONDS"])
_MOST_TEXT = 4000


def pytest_configure(config: pytest.Config) -> None:
    import test_utilities.utils

    # lists do not lag here
    test_utilities.utils.sleep_if_live = lambda seconds: time.sleep(0.01)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    return (yield from _limited())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    return (yield from _limited())


def _limited() -> Generator[None, Any, Any]:
    """The time is limited where an error is one of the test, which it is not between its phases."""

    def too_late(*_: Any) -> None:
        raise TimeoutError(f"not done after {_SECONDS} s")

    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(_SECONDS)
    try:
        return (yield)
    finally:
        signal.alarm(0)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        _write(report.nodeid, "collect", report.outcome, str(report.longrepr), 0.0)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ or (report.when != "call" and report.passed):
        return
    text = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr or "")
    crash = getattr(report.longrepr, "reprcrash", None)
    _write(report.nodeid, str(report.when), report.outcome, crash.message if crash else text, report.duration)


def _write(test: str, when: str, outcome: str, text: str, seconds: float) -> None:
    entry = {"test": test, "when": when, "outcome": outcome, "text": text[:_MOST_TEXT], "seconds": round(seconds, 1)}
    with open(os.environ["JUDGE_REPORT"], "a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry) + "\n")
