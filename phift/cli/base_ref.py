"""The diff between the rendered spec and its version at a Git ref, with the same variables and target."""

from __future__ import annotations

import difflib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from phift import spec as specs
from phift.defaults import defaults_of
from phift.errors import InvalidSpecError, UsageError
from phift.files import STATE_BYTES, read_regular, repository_of
from phift.git import git
from phift.lock import LOCK_FILE, lock_path
from phift.spec.default import defines_spec

if TYPE_CHECKING:
    from phift.phases import Request

__all__ = ["removed_specs", "rendered_diff"]

_MOST_REMOVED = 200
"""Removed files that are read."""


def rendered_diff(request: Request, ref: str) -> str:
    """Return a unified diff from the spec at `ref` to the one in the work tree; empty if they render to the same spec.

    A spec that does not exist at the ref counts as empty; the diff states if this version of phift cannot read it.
    Raises UsageError if the spec is not in a Git work tree or the ref does not exist.
    """
    folder = request.path.resolve().parent
    if _git(folder, "rev-parse", "--is-inside-work-tree") is None:
        raise UsageError(f"--base {ref}: {request.path} is not in a Git repository")
    if ref.startswith("-") or _git(folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}") is None:
        raise UsageError(f"--base {ref}: unknown Git ref", remedy="Fetch it: git fetch origin REF")
    now = _rendered(request, request.path)
    with tempfile.TemporaryDirectory(prefix="phift-base-") as scratch:
        place = Path(scratch)
        before = _at(folder, ref, request.path.name, place)
        if _at(folder, ref, LOCK_FILE, place) is None and (lock := lock_path(request.path)).exists():
            # The ref has no lock file: without pins, every default would show up as a change.
            (place / LOCK_FILE).write_bytes(read_regular(lock, STATE_BYTES))
        then = _rendered(request, before) if before else ""
    return "\n".join(difflib.unified_diff(then.splitlines(), now.splitlines(), f"{ref}", "this plan", lineterm=""))


def removed_specs(folder: Path, ref: str) -> tuple[str, ...]:
    """Return the paths of the specs of a repository that exist at `ref` only, relative to its root, sorted. A renamed
    one still exists."""
    listed = _git(
        folder,
        "diff",
        "--name-only",
        "-z",
        "--diff-filter=D",
        "--find-renames",
        "--end-of-options",
        ref,
        "--",
        ":/*.yaml",
        ":/*.yml",
    )
    names = sorted(os.fsdecode(name) for name in (listed or b"").split(b"\0") if name)
    return tuple(name for name in names[:_MOST_REMOVED] if defines_spec(_git(folder, "show", f"{ref}:{name}") or b""))


def _at(folder: Path, ref: str, name: str, place: Path) -> Path | None:
    """Write the file's content at the ref into `place`; return None if it did not exist there."""
    content = _git(folder, "show", f"{ref}:./{name}")
    if content is None:
        return None
    path = place / name
    path.write_bytes(content)
    return path


def _rendered(request: Request, path: Path) -> str:
    """Return the rendered spec without the origins of its values: their line numbers change with every edit."""
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
    """Return the output of Git, or None if it fails. Raises UsageError if Git is not installed."""
    try:
        return git(folder, *arguments)
    except OSError as error:
        raise UsageError("--base requires Git, which is not installed") from error
