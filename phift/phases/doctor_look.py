"""What the probes of doctor read, and the facts that they yield."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from phift.azure.session import Azure
from phift.errors import AzureError
from phift.kinds.shared.wire import READ
from phift.once import Once
from phift.phases.recording import Recorder
from phift.spec import ComputeRef, LoadedSpec

__all__ = ["Fact", "Look", "Result", "fact", "failure"]

T = TypeVar("T")
R = TypeVar("R")

_ARM = "management.azure.com"
_AT_ONCE = 8
"""Maximum concurrent reads of one probe."""


class Result(StrEnum):
    """Whether a fact holds in a workspace."""

    HOLDS = "holds"
    DIFFERS = "differs"
    UNCHECKED = "not checked"


@dataclass(frozen=True)
class Fact:
    """A fact that a stack relies on. source: where it comes from (documented, recorded, assumed). seen: what was read.
    matters: what phift does with it."""

    name: str
    statement: str
    source: str
    result: Result
    seen: str
    matters: str


class Look:
    """What the probes read: the spec, the workspace, and answers, each once, from any thread."""

    def __init__(self, loaded: LoadedSpec, azure: Azure) -> None:
        self.loaded = loaded
        self.azure = azure
        self.recorder = Recorder()
        self.base = azure.workspace.arm_id
        self._read = Once()

    def arm(
        self, path: str, api: str = READ, *, names: bool = False
    ) -> tuple[dict[str, Any] | None, AzureError | None]:
        return self._read.get((path, api), lambda: self.recorder.get(self.azure.arm, _ARM, path, api, names=names))

    def side_by_side(self, read: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Return the results of concurrent reads, in the order of the items."""
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            return list(pool.map(read, items))

    def below(self, path: str) -> list[dict[str, Any]]:
        """Return a page of a collection of the workspace; empty if it cannot be read."""
        found, _ = self.arm(f"{self.base}/{path}")
        return list((found or {}).get("value") or ())

    def region(self, collection: str) -> tuple[list[dict[str, Any]] | None, AzureError | None]:
        """Return a collection of the region, None if it cannot be read, and then the error."""
        subscription = self.azure.workspace.subscription_id
        path = f"/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices"
        found, error = self.arm(f"{path}/locations/{self.azure.location}/{collection}", names=True)
        return (None if found is None else list(found.get("value") or ())), error

    @property
    def sizes(self) -> tuple[str, ...]:
        """The VM sizes of the spec, those of serverless compute included."""
        spec = self.loaded.spec
        computes = (spec.compute.finetune, spec.compute.other_steps)
        named = [one.serverless if isinstance(one, ComputeRef) else getattr(one, "size", None) for one in computes]
        serving = spec.deployment.instance_type if spec.deployment else None
        return tuple({str(name).lower(): str(name) for name in (*named, serving) if name}.values())


def fact(name: str, statement: str, source: str, holds: bool | None, seen: str, matters: str) -> Fact:
    """Return a fact. holds: None if it could not be checked. For the others, see Fact."""
    result = Result.UNCHECKED if holds is None else Result.HOLDS if holds else Result.DIFFERS
    return Fact(name, statement, source, result, seen, matters)


def failure(error: AzureError | None) -> str:
    """Return how a request failed, without its URL."""
    return "" if error is None else f"HTTP {error.status or '(no answer)'} {error.code or ''}".rstrip()
