"""Open, validate and render a spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from phift.diagnostics import Diagnostic
from phift.errors import UsageError
from phift.plan.model import Plan

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from phift.azure.sessions import Sessions
    from phift.phases import Draft
    from phift.spec import Rendered
    from phift.workbench.request import Request

__all__ = ["Rendering", "SpecHandle", "Validation", "open_spec", "render", "validate"]


@dataclass(frozen=True, kw_only=True)
class SpecHandle:
    """One stack: a spec file on one target, with the connections to its workspace. Created by `open_spec`.

    The content of the file is not cached: each call reads it again. Closing the handle, at the end of `with` or with
    `close`, closes its connections.
    """

    path: Path
    target: str
    stack: str
    _request: Request = field(repr=False)
    _sessions: Sessions = field(repr=False, compare=False)
    _drafts: list[Draft] = field(repr=False, compare=False, default_factory=list)
    """The last plan with what it was made from, at most one."""

    def close(self) -> None:
        """Close the connections. The handle remains usable and opens new ones."""
        self._drafts.clear()
        self._sessions.close()

    def _keep(self, draft: Draft) -> Plan:
        self._drafts[:] = [draft]
        return draft.plan

    def _draft_of(self, plan: Plan) -> Draft | None:
        """What this very plan was made from, if nothing was planned since."""
        return next((draft for draft in self._drafts if draft.plan is plan), None)

    def __enter__(self) -> SpecHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@dataclass(frozen=True, kw_only=True)
class Validation:
    """The result of validating a file. stacks: those it defines, if it is valid. diagnostics: errors and warnings."""

    path: Path
    stacks: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def valid(self) -> bool:
        """Whether there are no errors."""
        return bool(self.stacks)


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """The rendered spec. text: YAML, with the origin of each value as a comment. entries: the same values as
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
    """Open a handle on one stack. Reads and validates the spec, but does not connect yet.

    path: relative to the current directory, at each call. target: default is the spec's default target. variables: text
    by name, parsed as YAML scalars; they override variable_files, and select one combination of a matrix. allow_env:
    additional environment variables that templates may read. data_root: the folder that must contain all data.
    credential: for the cloud, instead of those that azure.identity finds without interaction.

    Raises InvalidSpecError (exit code 1) with all diagnostics, and UsageError (1) for a data_root that is not a folder.
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
    data: bool = True,
    data_root: str | Path | None = None,
) -> Validation:
    """Check a spec file without network access, with every combination of a matrix. Errors are returned, not raised.

    data: read and check all rows of local data and the other local files that an apply uploads, and keep the prepared
    rows in phift's cache. The other arguments are those of `open_spec`.
    """
    from phift.phases.validate_specs import validate as validated

    found = next(
        validated(
            [Path(path)],
            target=target,
            variables=variables,
            variable_files=tuple(map(Path, variable_files)),
            allow_env=tuple(allow_env),
            data=data,
            data_root=None if data_root is None else Path(data_root),
        )
    )
    stacks = tuple(found.stacks) if found.valid else ()
    return Validation(path=Path(path), stacks=stacks, diagnostics=found.diagnostics)


def render(spec: SpecHandle) -> Rendering:
    """Return the rendered spec with the origin of every value. No network. Raises InvalidSpecError (exit code 1)."""
    from phift import spec as specs
    from phift.defaults import defaults_of
    from phift.workbench.request import load

    loaded = load(spec._request)
    defaults = defaults_of(loaded)
    entries = tuple(specs.render(loaded, defaults.values))
    return Rendering(text=specs.render_yaml(loaded, defaults.values), entries=entries, notes=defaults.notes)
