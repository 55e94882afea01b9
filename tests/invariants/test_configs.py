"""Every example in configs/, as a user would go through it: make it, make it again, take it down, make it once more."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest
from support import REPOSITORY, Embedded, Project, writes

from phift import phases
from phift.apply.events import ResourceFailed, ResourceSkipped
from phift.errors import RefusedError
from phift.plan.action import Action
from phift.plan.model import Plan, PlannedResource

READ = "2024-10-01"
CONFIGS = sorted((REPOSITORY / "configs").glob("*.yaml"))


pytestmark = pytest.mark.usefixtures("seed_hub")


@pytest.fixture
def example(request: pytest.FixtureRequest, tmp_path: Path, embedded: Embedded) -> Project:
    folder = tmp_path / "configs"
    shutil.copytree(REPOSITORY / "configs", folder)
    spec = folder / f"{request.param}.yaml"
    # Nothing is trained here, so nothing can be asked of the answers but that they come.
    spec.write_text(
        re.sub(r"^ +expect: .*\n", "", spec.read_text(encoding="utf-8"), flags=re.MULTILINE), encoding="utf-8"
    )
    name = phases.load(phases.Request(spec, "local")).stack
    return Project(folder, name, embedded, spec)


def test_there_are_examples() -> None:
    assert len(CONFIGS) >= 5


@pytest.mark.parametrize("example", [path.stem for path in CONFIGS], indirect=True)
def test_make_keep_destroy_and_make_again(example: Project) -> None:
    first = example.plan()
    assert {r.action for r in first.resources if not _is_reference(r)} <= {Action.CREATE, Action.RUN, Action.SHIFT}
    example.applied()

    before = example.embedded.mark()
    again = example.plan()
    assert not again.changes_something, again.to_dict()
    drift = phases.drift(example.request, example.embedded.connector)
    assert (drift.outside, drift.unapplied, drift.failed) == ((), (), ())
    assert writes(example.embedded.since(before)) == []

    scaled = _scaled_by_somebody(example, first)
    drift = phases.drift(example.request, example.embedded.connector)
    assert [str(r.address) for r in drift.outside] == [scaled]
    example.applied()
    assert phases.drift(example.request, example.embedded.connector).outside == ()

    removal = example.destroy()
    billed = [r for r in first.resources if r.address.kind in {"compute", "endpoint", "autoscale"}]
    assert (removal.exit_code, removal.destroyed) == (0, len(billed))
    for resource in example.plan().resources:
        learned = resource.address.kind in {"data", "job", "model", "code", "environment"}
        assert (resource.action is Action.REUSE or _is_reference(resource)) is learned, resource
    example.applied()
    assert len(example.jobs()) == sum(r.address.kind == "job" for r in first.resources)
    model = next(r for r in first.resources if r.address.kind == "model")
    if model.action is Action.CREATE:
        assert example.models(model.identity.partition(" ")[0]) == ["1"]
    assert not example.plan().changes_something


def _is_reference(resource: PlannedResource) -> bool:
    """Whether it is only looked at: an existing model."""
    return resource.action is Action.NO_OP and resource.address.kind == "model"


def _scaled_by_somebody(example: Project, plan: Plan) -> str:
    """Somebody scales the deployment, or the cluster if nothing serves or if an autoscaler scales the deployment.
    Returns the address."""
    azure = example.embedded.azure()
    names = {r.address.kind: r.identity for r in plan.resources}
    if "deployment" not in names or "autoscale" in names:
        path = f"{azure.workspace.arm_id}/computes/{names['compute']}"
        azure.arm.patch(path, READ, {"properties": {"properties": {"scaleSettings": {"maxNodeCount": 7}}}})
        return "compute.finetune"
    path = f"{azure.workspace.arm_id}/onlineEndpoints/{names['endpoint']}/deployments/{names['deployment']}"
    azure.arm.patch(path, READ, {"sku": {"name": "Default", "capacity": 2}})
    deadline = time.monotonic() + 60
    while azure.arm.get(path, READ)["properties"]["provisioningState"] != "Succeeded":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return "deployment.main"


def test_a_model_that_fails_its_test_gets_no_traffic(tmp_path: Path, embedded: Embedded) -> None:
    folder = tmp_path / "configs"
    shutil.copytree(REPOSITORY / "configs", folder)
    spec = folder / "quickstart.yaml"
    text = spec.read_text(encoding="utf-8")
    assert "min_exact_match: 0.9" in text
    spec.write_text(
        text.replace("name: quickstart ", "name: untrained ").replace("name: gpu-cluster", "name: untrained")
    )
    project = Project(folder, "untrained", embedded, spec)
    result = project.apply()
    assert result.exit_code == 7
    assert [str(e.address) for e in project.events if isinstance(e, ResourceFailed)] == ["test.held_out"]
    assert [str(e.address) for e in project.events if isinstance(e, ResourceSkipped)] == ["traffic.main"]
    project.destroy()


def test_without_weights_the_plan_is_refused(tmp_path: Path, embedded: Embedded) -> None:
    shutil.copytree(REPOSITORY / "configs", tmp_path / "configs")
    spec = tmp_path / "configs" / "phi4.yaml"
    text = spec.read_text(encoding="utf-8")
    assert "name: Phi-4, " in text
    spec.write_text(text.replace('name: Phi-4, version: "8"', 'name: Llama-2-7b-chat, version: "27"'))
    with pytest.raises(RefusedError) as refused:
        Project(tmp_path / "configs", "phi4-facts", embedded, spec).plan()
    assert "weights-missing" in [d.code for d in refused.value.diagnostics]
