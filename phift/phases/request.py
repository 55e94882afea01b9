"""What a command asks for, and the first phase: loading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from phift import spec
from phift.azure.session import Azure
from phift.spec import LoadedSpec

__all__ = ["Connector", "Request", "load"]

Connector = Callable[[LoadedSpec], Azure]
"""From a loaded spec to a session with the workspace of its target. Raises AzureError or EmulatorError."""


@dataclass(frozen=True)
class Request:
    """A spec file, the target (None: the default one), and variables that win over those in the file."""

    path: Path
    target: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    variable_files: tuple[Path, ...] = ()

    @property
    def spec_options(self) -> tuple[str, ...]:
        """What a command line says beside the path to mean the same stack."""
        return (
            *(("--target", self.target) if self.target else ()),
            *(word for name, value in self.variables.items() for word in ("--var", f"{name}={value}")),
            *(word for file in self.variable_files for word in ("--var-file", str(file))),
        )


def load(request: Request, *, every_target: bool = True) -> LoadedSpec:
    """The spec, rendered and validated. every_target: its other targets are validated too.

    Raises InvalidSpecError with everything that is wrong.
    """
    return spec.load(
        request.path,
        target=request.target,
        variables=request.variables,
        variable_files=request.variable_files,
        every_target=every_target,
    )
