"""Checks of deployments: their VM size is one that the model accepts."""

from __future__ import annotations

from collections.abc import Iterator

from phift.diagnostics import Diagnostic
from phift.kinds.check import check, has
from phift.kinds.shared.sizes import size_findings
from phift.kinds.subject import Subject
from phift.state.facts import BaseModel

__all__ = ["size_allowed"]


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
        for finding in size_findings(size, model, "inference", parts.allow, str(deployment.address)):
            yield subject.at("deployment.instance_type", finding)
