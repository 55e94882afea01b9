"""The logs of the steps of a training."""

from __future__ import annotations

from collections.abc import Iterator

from phift.azure.session import Azure
from phift.errors import NotFoundError
from phift.kinds.job import run_history
from phift.kinds.shared.runs import run_details
from phift.kinds.shared.wire import READ
from phift.state.states import RunState

__all__ = ["new_lines", "state_of"]


def state_of(azure: Azure, job: str) -> str:
    """Return the current state of the job at an ARM path."""
    return str(azure.arm.get(job, READ)["properties"].get("status"))


def new_lines(azure: Azure, job: str, shown: dict[str, int]) -> Iterator[str]:
    """Yield the new lines of all steps in order. shown: number of lines shown by run id; updated."""
    for step in run_history.steps(azure, job):
        try:
            text = run_history.log_of(azure, run_details(azure, step.run_id))
        except NotFoundError:
            continue
        lines = text.splitlines()
        whole = lines if text.endswith("\n") or RunState.ended(step.state) else lines[:-1]
        if step.run_id not in shown and whole:
            yield f"==> {step.name} <=="
        yield from whole[shown.get(step.run_id, 0) :]
        shown[step.run_id] = max(shown.get(step.run_id, 0), len(whole))
