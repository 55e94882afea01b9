"""A plan tells of quota what the workspace would say to its writes, and asks for it only where it takes some."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from support import Project

from phift.errors import RefusedError
from phift.phases import plan_many

SERVING = """\
endpoint: {auth_mode: key}
deployment: {instance_type: Standard_NC24ads_A100_v4, instance_count: 1}
"""
FAMILY = "standardNCADSA100v4Family"


@pytest.fixture
def family(project: Project) -> Iterator[Project]:
    """The project, and its family's limit as it was afterwards."""
    before = project.embedded.admin("GET", "/quota")["limits"][FAMILY]
    yield project
    project.embedded.admin("PUT", "/quota", {FAMILY: before})


def leave(project: Project, vcpus: int) -> None:
    used = project.embedded.admin("GET", "/quota")["used"].get(FAMILY, 0)
    project.embedded.admin("PUT", "/quota", {FAMILY: used + vcpus})


def test_a_second_deployment_that_does_not_fit_is_refused_in_the_plan(family: Project) -> None:
    family.spec.write_text(family.spec.read_text() + SERVING)
    family.applied()
    mark = family.embedded.mark()
    assert not family.plan().changes_something
    assert not [r for r in family.embedded.since(mark) if r["path"].endswith("/usages")]

    family.edit("deployment: {instance_type: Standard_NC24ads", "deployment: {instance_type: Standard_NC48ads")
    leave(family, 47)
    mark = family.embedded.mark()
    with pytest.raises(RefusedError, match=r"needs 48 vCPUs of Standard NCADSA100v4 Family .*; only 47 available"):
        family.plan()
    assert len([r for r in family.embedded.since(mark) if r["path"].endswith("/usages")]) == 1

    leave(family, 48)
    plan = family.plan()
    assert not [w for w in plan.warnings if w.code.startswith("quota")]
    assert family.apply(plan).exit_code == 0, "the service reserves nothing for this size"


def test_a_cluster_that_does_not_fit_is_refused_in_the_plan(family: Project) -> None:
    leave(family, 23)
    with pytest.raises(RefusedError, match=r"compute\.finetune needs 24 vCPUs") as refused:
        family.plan()
    assert RefusedError.exit_code == 4
    assert [d.code for d in refused.value.diagnostics] == ["quota-exceeded"]
    leave(family, 24)
    family.applied()


def test_stacks_that_fit_alone_and_not_together_are_told(family: Project) -> None:
    first = family.spec.read_text() + SERVING
    family.spec.write_text(first)
    (family.spec.parent / "z.yaml").write_text(first.replace(family.stack, f"{family.stack}-z"))
    requests = [family.request, replace(family.request, path=family.spec.parent / "z.yaml")]

    def told() -> list[list[str]]:
        plans = plan_many(requests, family.embedded.connector).plans
        return [[w.summary for w in p.warnings if str(w.code).startswith("quota")] for p in plans]

    leave(family, 2 * (24 + 24))
    assert told() == [[], []]
    leave(family, 2 * (24 + 24) - 1)
    pool = "Standard NCADSA100v4 Family Cluster Dedicated vCPUs"
    assert told() == [
        [],
        [f"deployment.main needs 24 vCPUs of {pool}, besides 72 for other stacks; only 95 available"],
    ]
