"""Which failures of a job finetune.retries is for."""

from __future__ import annotations

import pytest

from phift.kinds.job.infrastructure import passing, table


@pytest.mark.parametrize(
    ("state", "code", "message", "reason"),
    [
        ("NotResponding", "", "", "its node was lost"),
        ("Failed", "SystemError", "anything", "the service failed"),
        ("Failed", "ServiceError", "InternalServerError", "the service failed"),
        ("Failed", "UserError", "AzureMLCompute job failed. PreemptionError: Nodes got pre-empted", "pre-empted"),
        ("Failed", "UserError", "CUDA out of memory", ""),
        ("Failed", "", "", ""),
    ],
)
def test_what_passes_by_itself(state: str, code: str, message: str, reason: str) -> None:
    found = passing(state, code, message)
    assert reason in found
    assert bool(found) == bool(reason)


def test_no_entry_fits_everything() -> None:
    assert all(entry.state or entry.code or entry.message for entry in table())
