"""Checks of deployments: their VM size, and their number on the endpoint."""

from __future__ import annotations

from collections.abc import Iterator

from phift.diagnostics import Diagnostic
from phift.kinds.check import check, has
from phift.kinds.deployment.parts import DeploymentObservation
from phift.kinds.shared.sizes import availability, size_findings
from phift.kinds.subject import Subject
from phift.plan.action import Action
from phift.state.facts import BaseModel

__all__ = ["deployment_count", "size_allowed", "size_offered"]

_MOST = 20
"""Maximum number of deployments of an endpoint (Azure docs)."""


@check(
    "deployment-size-allowed",
    reads="VM size allow-lists for serving",
    source="registry document of the model, phift's catalogue, the spec",
    unknown=("no-list-known",),
    applies=has("deployment"),
)
def size_allowed(subject: Subject) -> Iterator[Diagnostic]:
    """size-not-allowed, size-not-in-spec-list, no-list-known."""
    for deployment in subject.stack.of_kind("deployment"):
        size, parts = str(deployment.properties["instance_type"]), deployment.parts
        model = subject.facts.base_model or BaseModel("", "", parts.model_name, "")
        for finding in size_findings(size, model, "inference", parts.allow, str(deployment.address), subject.facts):
            yield subject.at("deployment.instance_type", finding)


@check(
    "deployment-size-offered",
    reads="sizes that the region offers, and their retirement dates",
    source="VM sizes of the region, phift's catalogue",
    applies=has("deployment"),
)
def size_offered(subject: Subject) -> Iterator[Diagnostic]:
    """size-retired, size-retiring, size-unknown, size-unsupported."""
    for deployment in subject.stack.of_kind("deployment"):
        name, allow = str(deployment.properties["instance_type"]), deployment.parts.allow
        writes = subject.action(deployment).changes_something
        for finding in availability(name, subject.facts, "inference", allow, str(deployment.address), writes=writes):
            yield subject.at("deployment.instance_type", finding)


@check("deployment-count", reads="deployments of the endpoint", source="the workspace", applies=has("deployment"))
def deployment_count(subject: Subject) -> Iterator[Diagnostic]:
    """too-many-deployments."""
    for deployment in subject.stack.of_kind("deployment"):
        seen = subject.observed.get(deployment.address)
        if not isinstance(seen, DeploymentObservation) or subject.action(deployment) is not Action.CREATE:
            continue
        if seen.count >= _MOST:
            yield subject.at(
                "deployment",
                Diagnostic(
                    f"endpoint {deployment.parts.endpoint} has {seen.count} deployments; at most {_MOST} are allowed",
                    detail="The new deployment is created before an old one is deleted.",
                    remedy="Delete some: `az ml online-deployment delete`, or lower rollout.keep_previous.",
                    address=str(deployment.address),
                    code="too-many-deployments",
                ),
            )
