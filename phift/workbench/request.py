"""What a command asks for, and the first phase: loading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from phift import spec
from phift.azure.session import Azure
from phift.concealing import is_secret, shown
from phift.spec import MAX_STACKS, LoadedSpec

__all__ = ["Connector", "Request", "load"]

Connector = Callable[[LoadedSpec], Azure]
"""From a loaded spec to a session with the workspace of its target. Raises AzureError or EmulatorError."""


def _untold(text: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Request:
    """A spec file, the target (None: the default one), and variables that win over those in the file.

    allow_env: environment variables that templates may read beside those that every spec may. data_root: the folder
    that data must lie in; None: it may lie anywhere. max_stacks: of one run. fetch: data at an address
    that the lock file does not pin may be downloaded. tell: takes a line about what takes long.
    """

    path: Path
    target: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    variable_files: tuple[Path, ...] = ()
    allow_env: tuple[str, ...] = ()
    data_root: Path | None = None
    max_stacks: int = MAX_STACKS
    fetch: bool = False
    tell: Callable[[str], None] = field(default=_untold, compare=False, repr=False)

    @property
    def spec_options(self) -> tuple[str, ...]:
        """What a command line says beside the path to mean the same stack. A literal secret is shown concealed."""
        return (
            *(("--target", self.target) if self.target else ()),
            *(word for name, value in self.shown_variables.items() for word in ("--var", f"{name}={value}")),
            *(word for file in self.variable_files for word in ("--var-file", str(file))),
            *self.grants,
        )

    @property
    def grants(self) -> tuple[str, ...]:
        """Of that, what only the command line can give and no file: neither a spec nor a saved plan."""
        return (
            *(word for name in self.allow_env for word in ("--allow-env", name)),
            *(("--data-root", str(self.data_root)) if self.data_root else ()),
            *(("--max-stacks", str(self.max_stacks)) if self.max_stacks != MAX_STACKS else ()),
        )

    @property
    def shown_variables(self) -> dict[str, str]:
        """The variables, literal secrets concealed."""
        return {n: shown(n, value) if is_secret(n, value) else value for n, value in self.variables.items()}


def load(request: Request, *, every_target: bool = True, home: Path | None = None, mapped: bool = True) -> LoadedSpec:
    """The spec, rendered and validated. every_target: its other targets are validated too. home: the folder that files
    of variables must lie in; by default the spec's repository. mapped: False leaves out how rows become messages.

    Raises InvalidSpecError with everything that is wrong.
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
