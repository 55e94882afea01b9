"""The request of a command, and the first phase: loading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from phift import spec
from phift.azure.session import Azure
from phift.concealing import is_secret, shown
from phift.plan.cost import Budget
from phift.spec import MAX_STACKS, LoadedSpec

__all__ = ["Connector", "Request", "load"]

Connector = Callable[[LoadedSpec], Azure]
"""Opens a session with the workspace of the target of a loaded spec. Raises AzureError or EmulatorError."""


def _ignore(text: str) -> None:
    """Ignore the line."""


@dataclass(frozen=True)
class Request:
    """A spec file, the target (None: the default one), and variables that override those of the file.

    allow_env: environment variables that templates can read in addition to the default ones. data_root: the folder that
    must contain the data; None: anywhere. max_stacks: of one run. fetch: whether data at an unpinned address may be
    downloaded. budget: limits of the estimated cost, in addition to those of the spec. tell: called with a line about a
    slow step.
    """

    path: Path
    target: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    variable_files: tuple[Path, ...] = ()
    allow_env: tuple[str, ...] = ()
    data_root: Path | None = None
    max_stacks: int = MAX_STACKS
    fetch: bool = False
    budget: Budget | None = None
    tell: Callable[[str], None] = field(default=_ignore, compare=False, repr=False)

    @property
    def spec_options(self) -> tuple[str, ...]:
        """The options that select the same stack on a command line. Literal secrets are concealed."""
        return (
            *(("--target", self.target) if self.target else ()),
            *(word for name, value in self.shown_variables.items() for word in ("--var", f"{name}={value}")),
            *(word for file in self.variable_files for word in ("--var-file", str(file))),
            *self.grants,
        )

    @property
    def grants(self) -> tuple[str, ...]:
        """The options that only the command line can set, not a spec or a saved plan."""
        return (
            *(word for name in self.allow_env for word in ("--allow-env", name)),
            *(("--data-root", str(self.data_root)) if self.data_root else ()),
            *(("--max-stacks", str(self.max_stacks)) if self.max_stacks != MAX_STACKS else ()),
        )

    @property
    def shown_variables(self) -> dict[str, str]:
        """The variables, with literal secrets concealed."""
        return {n: shown(n, value) if is_secret(n, value) else value for n, value in self.variables.items()}


def load(request: Request, *, every_target: bool = True, home: Path | None = None, mapped: bool = True) -> LoadedSpec:
    """Load, render and validate the spec. every_target: validate its other targets too. home: the folder that must
    contain variable files; by default the repository of the spec. mapped: False ignores the mapping of rows.

    Raises InvalidSpecError with all problems.
    """
    return spec.load(
        request.path,
        target=request.target,
        variables=request.variables,
        variable_files=request.variable_files,
        allow_env=request.allow_env,
        max_stacks=request.max_stacks,
        home=home,
        every_target=every_target,
        mapped=mapped,
    )
