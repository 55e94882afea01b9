"""Opening, validating and rendering one spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError, UsageError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from phift.azure.sessions import Sessions
    from phift.spec import Rendered
    from phift.workbench.request import Request

__all__ = ["Rendering", "SpecHandle", "Validation", "open_spec", "render", "validate"]


@dataclass(frozen=True, kw_only=True)
class SpecHandle:
    """One stack: a spec file on one target, with the connections to its workspace. Made by `open_spec`.

    Nothing of the file is kept: each function reads it as it is when it is called. Closing the handle, at the end of
    `with` or by `close`, ends its connections.
    """

    path: Path
    target: str
    stack: str
    _request: Request = field(repr=False)
    _sessions: Sessions = field(repr=False, compare=False)

    def close(self) -> None:
        """Closes the connections. The handle can be used again, and then opens others."""
        self._sessions.close()

    def __enter__(self) -> SpecHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@dataclass(frozen=True, kw_only=True)
class Validation:
    """What validating a file found. stacks: those that it makes. diagnostics: errors, or else warnings."""

    path: Path
    stacks: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def valid(self) -> bool:
        """Whether there is no error."""
        return bool(self.stacks)


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """The final spec. text: YAML, the origin of each value as a comment. entries: the same values one by one, as
    (path, value, origin). notes: what is not known yet. Literal secrets are concealed."""

    text: str
    entries: tuple[Rendered, ...]
    notes: tuple[str, ...]


def open_spec(
    path: str | Path,
    *,
    target: str | None = None,
    variables: Mapping[str, str] | None = None,
    variable_files: Sequence[str | Path] = (),
    allow_env: Sequence[str] = (),
    data_root: str | Path | None = None,
    credential: TokenCredential | None = None,
) -> SpecHandle:
    """A handle on one stack; the spec is read and validated, and nothing is connected yet.

    path: relative to the current directory, at each call. target: one of the spec's, by default its default one.
    variables: text by name, read as YAML scalars; they win over variable_files, and select one combination of a matrix.
    allow_env: environment variables that templates may read beside the usual ones. data_root: the folder that data must
    lie in. credential: for the cloud, in place of those that azure.identity finds without asking anybody.

    Raises InvalidSpecError (exit code 1) with everything that is wrong, and UsageError (1) for a data_root that is no
    folder.
    """
    from phift.azure.sessions import Sessions
    from phift.workbench.request import Request, load

    root = None if data_root is None else Path(data_root)
    if root is not None and not root.is_dir():
        raise UsageError(f"data_root {root}: not a folder")
    request = Request(
        path=Path(path),
        target=target,
        variables=dict(variables or {}),
        variable_files=tuple(map(Path, variable_files)),
        allow_env=tuple(allow_env),
        data_root=root,
    )
    loaded = load(request)
    sessions = Sessions(credential, tell=lambda text: None)
    return SpecHandle(
        path=request.path, target=loaded.target.name, stack=loaded.stack, _request=request, _sessions=sessions
    )


def validate(
    path: str | Path,
    *,
    target: str | None = None,
    variables: Mapping[str, str] | None = None,
    variable_files: Sequence[str | Path] = (),
    allow_env: Sequence[str] = (),
) -> Validation:
    """Checks one spec file without a network, every combination of a matrix. Errors are in the result, not raised.

    The arguments are those of `open_spec`.
    """
    from phift.spec import load_all

    try:
        made = load_all(
            Path(path),
            target=target,
            variables=variables,
            variable_files=tuple(map(Path, variable_files)),
            allow_env=tuple(allow_env),
        )
    except InvalidSpecError as error:
        return Validation(path=Path(path), stacks=(), diagnostics=error.diagnostics)
    warnings = tuple(dict.fromkeys(warning for one in made for warning in one.warnings))
    return Validation(path=Path(path), stacks=tuple(one.stack for one in made), diagnostics=warnings)


def render(spec: SpecHandle) -> Rendering:
    """The final spec with the origin of every value, without a network. Raises InvalidSpecError (exit code 1)."""
    from phift import spec as specs
    from phift.defaults import defaults_of
    from phift.workbench.request import load

    loaded = load(spec._request)
    defaults = defaults_of(loaded)
    entries = tuple(specs.render(loaded, defaults.values))
    return Rendering(text=specs.render_yaml(loaded, defaults.values), entries=entries, notes=defaults.notes)
