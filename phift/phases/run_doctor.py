"""Doctor: check the assumed and documented facts of Azure that a stack relies on, by read-only requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from phift import __version__
from phift.clock import stamp
from phift.phases.doctor_look import Fact, Look, Result
from phift.phases.doctor_registry import registry
from phift.phases.doctor_workspace import metrics, permissions, regional, storage, tags, versions, workspace
from phift.workbench.request import Connector, Request, load

__all__ = ["Diagnosis", "doctor"]

_PROBES: tuple[Callable[[Look], Iterator[Fact]], ...] = (
    workspace,
    versions,
    regional,
    permissions,
    storage,
    tags,
    metrics,
    registry,
)


@dataclass(frozen=True)
class Diagnosis:
    """The facts, and the redacted recording of the requests."""

    stack: str
    workspace: str
    facts: tuple[Fact, ...]
    recording: Mapping[str, Any] = field(repr=False)

    @property
    def differs(self) -> bool:
        return any(fact.result is Result.DIFFERS for fact in self.facts)


def doctor(request: Request, connect: Connector) -> Diagnosis:
    """Check each fact with GET requests only. Raises InvalidSpecError, and AzureError without a connection."""
    loaded = load(request)
    azure = connect(loaded).read_only()
    azure.document()  # an error here is that of every command
    look = Look(loaded, azure)
    facts = tuple(fact for found in look.side_by_side(lambda probe: tuple(probe(look)), _PROBES) for fact in found)
    recording = {
        "format_version": "1.0",
        "phift": __version__,
        "created": stamp(datetime.now(UTC))[:10],
        "local": azure.local,
        "facts": [{**asdict(fact), "result": fact.result.value} for fact in facts],
        "exchanges": sorted(map(asdict, look.recorder.exchanges), key=_sent),
    }
    place = "Azure ML emulator" if azure.local else azure.workspace.label
    return Diagnosis(loaded.stack, place, facts, recording)


def _sent(exchange: Mapping[str, Any]) -> tuple[str, str, str]:
    """The order of a recording, as requests are sent side by side."""
    return exchange["host"], exchange["path"], exchange["api_version"]
