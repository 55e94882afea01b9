"""Behaviours that no recording shows: what is assumed of each, and the other way it could be.

Every one can be switched, so that a client can be tried against both: `PUT /assumed {"busy_is_conflict": false}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from phift.emulator.store import Store

__all__ = ["ASSUMED", "Assumption", "holds", "switch"]

_KIND = "assumed"


@dataclass(frozen=True)
class Assumption:
    """what: the behaviour as it is by default. otherwise: as it is when switched off. why: what it rests on."""

    what: str
    otherwise: str
    why: str


ASSUMED: Mapping[str, Assumption] = MappingProxyType(
    {
        "busy_is_conflict": Assumption(
            "a write to an endpoint or deployment that another operation works on answers 409 Conflict",
            "it answers 400 in the envelope of online endpoints",
            "documented for endpoints on Kubernetes only",
        ),
        "cluster_size_is_fixed": Assumption(
            "a PUT with another size, tier or subnet for a live cluster is refused with 400",
            "it is accepted, answers as asked, and the cluster keeps what it had",
            "field reports of a size that came back after a detach",
        ),
        "pipeline_put_again_is_compared": Assumption(
            "a second PUT of a pipeline job with equal content passes and merges tags",
            "it is refused as JobPropertyImmutable, whatever it says",
            "recorded 2026-03 as passing; field reports from before say that it is refused",
        ),
        "cancel_of_ended_job_is_200": Assumption(
            "cancelling a job that has ended answers 200",
            "it answers 202 with a result that is ready at once",
            "clients accept both",
        ),
        "failed_endpoint_is_put_again": Assumption(
            "a PUT of an endpoint whose creation failed creates it anew",
            "it is refused until the endpoint is deleted",
            "the refusal of deployments on such an endpoint says to recreate it",
        ),
        "endpoint_update_is_200": Assumption(
            "a PUT of an endpoint that is there answers 200",
            "it answers 201, as for deployments and clusters",
            "the norm of the resource manager; recorded for deployments and clusters as 201",
        ),
        "unknown_members_are_refused": Assumption(
            "bodies of assets, datastores, endpoints and deployments with a member that their type has not are refused",
            "the member is ignored",
            "recorded 2026-03 for jobs, which always refuse it; clusters are another service's and ignore it",
        ),
        "reuse_looks_at_content": Assumption(
            "a step is reused only when what lies at the URIs of its inputs is what lay there",
            "the URIs alone count, whatever lies there now",
            "documented for data assets, which are immutable; for bare URIs nothing is said",
        ),
    }
)


def holds(store: Store, name: str) -> bool:
    """Whether a behaviour is as it is by default."""
    if name not in ASSUMED:
        raise KeyError(name)
    return (store.get(_KIND, name) or {}).get("holds", True) is True


def switch(store: Store, name: str, value: bool) -> None:
    """Switches a behaviour; kept until a reset."""
    if name not in ASSUMED:
        raise KeyError(name)
    store.put(_KIND, name, body={"holds": value})
