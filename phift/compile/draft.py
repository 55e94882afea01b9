"""What the passes of one compilation share: the spec, the facts, and what has been made so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from phift.address import Address
from phift.diagnostics import Diagnostic
from phift.spec import LoadedSpec, Spec
from phift.state.facts import Facts

__all__ = ["Draft", "drop_none"]

E = TypeVar("E")


@dataclass
class Draft:
    loaded: LoadedSpec
    facts: Facts
    exports: list[object] = field(default_factory=list)
    """What the kinds so far tell those after them, see phift.state.exports."""
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

    def error(self, path: str, summary: str, *, code: str, detail: str = "", remedy: str = "") -> None:
        """Adds an error at a place in the spec."""
        mark = self.loaded.mark(path)
        self.findings.append(Diagnostic(summary, detail=detail, remedy=remedy, mark=mark, path=path, code=code))

    def export(self, export: object) -> None:
        """Tells the kinds after this one of a resource."""
        self.exports.append(export)

    def all(self, export: type[E]) -> list[E]:
        """What is exported of a type, in order."""
        return [one for one in self.exports if isinstance(one, export)]

    def first(self, export: type[E]) -> E | None:
        """The first that is exported of a type, or None."""
        return next(iter(self.all(export)), None)


def drop_none(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that say something: phift manages no field that the spec leaves open."""
    return {k: v for k, v in properties.items() if v is not None}
