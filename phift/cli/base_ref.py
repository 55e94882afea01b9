"""How a rendered spec differs from that of a git ref: the same variables and target, the ref's spec and lock file."""

from __future__ import annotations

import difflib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from phift import spec as specs
from phift.defaults import defaults_of
from phift.errors import InvalidSpecError, UsageError
from phift.files import STATE_BYTES, read_regular, repository_of
from phift.git import git
from phift.lock import LOCK_FILE, lock_path

if TYPE_CHECKING:
    from phift.phases import Request

__all__ = ["rendered_diff"]


def rendered_diff(request: Request, ref: str) -> str:
    """A unified diff from the spec as it was at `ref` to the one in the work tree; empty when both mean the same.

    A spec that is not there at the ref counts as empty, and one that this phift cannot read is told so in the diff.
    Raises UsageError when the spec is in no git work tree, or the ref is none.
    """
    folder = request.path.resolve().parent
    if _git(folder, "rev-parse", "--is-inside-work-tree") is None:
        raise UsageError(f"--base {ref}: {request.path} is in no git repository")
    if ref.startswith("-") or _git(folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}") is None:
        raise UsageError(f"--base {ref}: git knows no such commit", remedy="Fetch it: git fetch origin REF")
    now = _rendered(request, request.path)
    with tempfile.TemporaryDirectory(prefix="phift-base-") as scratch:
        place = Path(scratch)
        before = _at(folder, ref, request.path.name, place)
        if _at(folder, ref, LOCK_FILE, place) is None and (lock := lock_path(request.path)).exists():
            # Nothing was pinned then: without pins every default would look like a change.
            (place / LOCK_FILE).write_bytes(read_regular(lock, STATE_BYTES))
        then = _rendered(request, before) if before else ""
    return "\n".join(difflib.unified_diff(then.splitlines(), now.splitlines(), f"{ref}", "this plan", lineterm=""))


def _at(folder: Path, ref: str, name: str, place: Path) -> Path | None:
    """The file as it was at the ref, put into `place`; None where it was not there."""
    content = _git(folder, "show", f"{ref}:./{name}")
    if content is None:
        return None
    path = place / name
    path.write_bytes(content)
    return path


def _rendered(request: Request, path: Path) -> str:
    """The final spec without the origins of its values, whose line numbers move with every edit."""
    try:
        loaded = specs.load(
            path,
            target=request.target,
            variables=request.variables,
            variable_files=request.variable_files,
            allow_env=request.allow_env,
            max_stacks=request.max_stacks,
            home=repository_of(request.path.parent),
            every_target=False,
        )
        values = defaults_of(loaded).values
    except InvalidSpecError as error:
        return f"# cannot be rendered: {error.diagnostics[0].summary}" if error.diagnostics else "# cannot be rendered"
    return specs.render_yaml(loaded, values, origins=False)


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints; None when it says no. Raises UsageError without git."""
    try:
        return git(folder, *arguments)
    except OSError as error:
        raise UsageError("--base needs git, which is not installed") from error
