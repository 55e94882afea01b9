"""The parts and the observation of a training run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phift.address import Address
from phift.kinds.job.limits import NO_LIMITS, Limits, Overdue
from phift.spec.identity import JobIdentity
from phift.state.facts import ParameterFile, Weights
from phift.state.live import Observation

if TYPE_CHECKING:
    from phift.estimate.training import Training

__all__ = ["JobObservation", "JobParts"]


def _unknown() -> None:
    return None


@dataclass(frozen=True)
class JobParts:
    """component, document: the pipeline component's name and REST document. base_model: its id. weights: of a base
    model that is not registered.

    literals: the component's inputs as wire text. data: the address of the data version by input. files: local
    files by input, uploaded with the job. retries:
    maximum number of retries after infrastructure failures. attempt: counted from 1. training: returns what the memory
    and the speed of the job depend on, or None; may take a second. limits: those of the spec. nodes: of the
    fine-tune step. serverless, serverless_steps: VM size of the serverless compute of the
    fine-tune step and of the others, empty for a cluster. identity: that of the steps, None for the default of the
    service. origins: where its parameters come from, in words.
    """

    component: str
    document: Mapping[str, Any] = field(repr=False)
    base_model: str
    literals: Mapping[str, str]
    data: Mapping[str, Address]
    files: Mapping[str, ParameterFile] = field(default_factory=dict)
    retries: int = 0
    attempt: int = 1
    training: Callable[[], Training | None] = field(default=_unknown, repr=False, compare=False)
    limits: Limits = NO_LIMITS
    nodes: int = 1
    serverless: str = ""
    serverless_steps: str = ""
    identity: JobIdentity | None = None
    origins: tuple[str, ...] = ()
    weights: Weights | None = None


@dataclass(frozen=True)
class JobObservation(Observation):
    """attempt: the newest, counted from 1; 0 if none. infrastructure: why a failed one may succeed on a retry; read
    only if the spec allows retries. cancelled: by whom and when, of a cancelled one. overdue: the limit of the spec
    that a running one exceeds. exceeded: field and minutes of the limit after which a cancelled one ended. advice: what
    helps a failed one that ran out of memory."""

    attempt: int = 0
    infrastructure: str = ""
    cancelled: str = ""
    overdue: Overdue | None = None
    exceeded: tuple[str, int] | None = None
    advice: str = ""
