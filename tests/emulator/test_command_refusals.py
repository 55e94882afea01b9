"""Nodes and jobs of types that the emulator does not run: each fails with its name, or is not accepted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import Azure
from tests.emulator.commands import anonymous, pipeline
from tests.emulator.test_command_pipelines import ended
from tests.emulator.test_job_submission import history, submit


@pytest.mark.parametrize(
    ("node", "why"),
    [
        ({"type": "sweep", "trial": {"componentId": "x"}}, "Node odd is not run here: it is of type sweep"),
        ({"type": "if_else", "condition": True}, "it is of type if_else"),
        ({"type": "spark", "code": "x"}, "it is of type spark"),
    ],
)
def test_nodes_of_other_types_fail_the_job_with_their_name(azure: Azure, node: dict[str, Any], why: str) -> None:
    job = f"odd-{node['type']}"
    assert ended(azure, job, pipeline({"odd": node, "good": {"componentId": anonymous(azure, "true")}})) == "Failed"
    assert why in history(azure, job)["error"]["error"]["message"]


def test_parallel_components_and_distribution_fail_the_job_with_their_name(azure: Azure) -> None:
    parallel = anonymous(azure, "", type="parallel")
    assert ended(azure, "odd-1", pipeline({"odd": {"type": "parallel", "componentId": parallel}})) == "Failed"
    assert "is a component of type parallel" in history(azure, "odd-1")["error"]["error"]["message"]
    many = anonymous(azure, "true", distribution={"type": "pytorch", "process_count_per_instance": 2})
    assert ended(azure, "odd-2", pipeline({"odd": {"componentId": many}})) == "Failed"
    assert "pytorch distribution over 2 processes" in history(azure, "odd-2")["error"]["error"]["message"]


@pytest.mark.parametrize("job_type", ["AutoML", "Spark", "FineTuning", "Labeling"])
def test_other_job_types_are_not_implemented(azure: Azure, job_type: str) -> None:
    error = submit(azure, "odd-type", {"properties": {"jobType": job_type}}, 501).json()["error"]
    assert error["message"].startswith(f"{job_type} jobs are not supported by the emulator")
