"""What the passes of one compilation share: the spec, the facts, and what has been made so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.address import Address
from phift.compile.desired import Desired
from phift.compile.facts import Facts
from phift.diagnostics import Diagnostic
from phift.spec import LoadedSpec, Spec

__all__ = ["Draft"]


@dataclass
class Draft:
    loaded: LoadedSpec
    facts: Facts
    resources: list[Desired] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)

    @property
    def spec(self) -> Spec:
        return self.loaded.spec

    @property
    def stack(self) -> str:
        return self.loaded.stack

    @property
    def former(self) -> tuple[str, ...]:
        """Earlier names of the stack, latest first: of the same target and the same combination of the matrix."""
        end = self.stack.removeprefix(self.spec.name)
        return tuple(f"{name}{end}" for name in self.spec.renamed_from)

    def named(self, address: Address, default: str) -> str:
        """The name of what the spec leaves unnamed: the one that it has from an earlier stack, else the default."""
        return self.facts.kept_names.get(address, default)

    def tags(self, own: Mapping[str, str] | None = None) -> dict[str, str]:
        """The spec's tags with a block's own laid over them; names are case-insensitive, as for the service."""
        over = {name.lower() for name in own or {}}
        return {**{k: v for k, v in self.spec.tags.items() if k.lower() not in over}, **(own or {})}

    def find(self, path: str, summary: str, *, code: str, detail: str = "", remedy: str = "") -> None:
        """Adds an error at a place in the spec."""
        mark = self.loaded.mark(path)
        self.findings.append(Diagnostic(summary, detail=detail, remedy=remedy, mark=mark, path=path, code=code))

    def of_kind(self, kind: str) -> list[Desired]:
        """What was made so far of a kind."""
        return [r for r in self.resources if r.address.kind == kind]

    def made(self, kind: str, name: str) -> Desired | None:
        """What was made under that address."""
        address = Address(kind, name)
        return next((r for r in self.resources if r.address == address), None)


def without_nothing(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that say something: phift manages no field that the spec leaves open."""
    return {k: v for k, v in properties.items() if v is not None}
