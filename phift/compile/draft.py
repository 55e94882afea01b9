"""The shared state of a compilation: the spec, the facts, and the results so far."""

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
    """What the kinds have compiled so far, in the order of their dependencies."""

    loaded: LoadedSpec
    facts: Facts
    exports: list[object] = field(default_factory=list)
    """Exports of the kinds compiled so far, see phift.state.exports."""
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
        """Return the name of an unnamed resource: its name from before the stack was renamed, otherwise the default."""
        return self.facts.kept_names.get(address, default)

    def tags(self, own: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the tags of the spec merged with those of a block. Names are case-insensitive, as in the service."""
        over = {name.lower() for name in own or {}}
        return {**{k: v for k, v in self.spec.tags.items() if k.lower() not in over}, **(own or {})}

    def error(self, path: str, summary: str, *, code: str, detail: str = "", remedy: str = "") -> None:
        """Add an error at a path of the spec."""
        mark = self.loaded.mark(path)
        self.findings.append(Diagnostic(summary, detail=detail, remedy=remedy, mark=mark, path=path, code=code))

    def export(self, export: object) -> None:
        """Export a value to the kinds compiled later."""
        self.exports.append(export)

    def all(self, export: type[E]) -> list[E]:
        """Return the exports of a type, in order."""
        return [value for value in self.exports if isinstance(value, export)]

    def first(self, export: type[E]) -> E | None:
        """Return the first export of a type, or None."""
        return next(iter(self.all(export)), None)


def drop_none(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that are set. phift does not manage fields that the spec leaves open."""
    return {k: v for k, v in properties.items() if v is not None}
