"""The compute exists or can be made, is what the spec says, and is not broken."""

from __future__ import annotations

from collections.abc import Iterator

from phift.compile.desired import Desired
from phift.diagnostics import Diagnostic
from phift.preflight.subject import Subject
from phift.resources.base import Live

__all__ = ["compute_state"]


def compute_state(subject: Subject) -> Iterator[Diagnostic]:
    """compute-missing, compute-type, compute-failed, compute-size."""
    for desired in subject.stack.of_kind("compute"):
        path = f"compute.{desired.address.name}"
        for finding in _findings(desired, subject.live(desired)):
            yield subject.at(path, finding)


def _findings(desired: Desired, live: Live | None) -> Iterator[Diagnostic]:
    address = str(desired.address)
    if live is None:
        if not desired.owned:
            yield Diagnostic(
                f"there is no compute {desired.name} in the workspace",
                detail="The spec refers to it, so phift does not make it.",
                remedy="Create it, correct its name, or describe it inline (name, size, ...) and phift makes it.",
                address=address,
                code="compute-missing",
            )
        return
    kind = str(live.facts.get("type") or "")
    if kind and kind.lower() != "amlcompute":
        yield Diagnostic(
            f"compute {desired.name} is a {kind}, and fine-tuning needs an AmlCompute cluster",
            remedy="Name a cluster, or another name for a new one.",
            address=address,
            code="compute-type",
        )
        return
    if live.state == "Failed" and not live.ours:
        yield Diagnostic(
            f"compute {desired.name} is in state Failed",
            detail=str(live.facts.get("errors") or "The service gives no reason."),
            remedy="Delete it or have it mended by its owner; phift replaces only what it made itself.",
            address=address,
            code="compute-failed",
        )
    wanted, there = desired.properties.get("size"), live.properties.get("size")
    if desired.owned and not live.ours and wanted and str(wanted).lower() != str(there).lower():
        yield Diagnostic(
            f"compute {desired.name} exists with size {there}, the spec wants {wanted}",
            detail="It was not made by this stack, so phift uses it as it is or not at all.",
            remedy=f"Write `size: {there}`, or give the cluster another name.",
            address=address,
            code="compute-size",
        )
