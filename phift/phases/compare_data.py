"""Compare the data of two specs, of a spec at two commits, or of two data versions."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from phift.azure.session import Azure
from phift.compile.naming import data_name
from phift.data.cache import kept_version, prepared
from phift.data.compare import Difference, compare
from phift.data.recipe import Recipe
from phift.data.sources import format_named
from phift.display import Displayed
from phift.errors import NotFoundError, UsageError
from phift.git import checkout_of, export, git
from phift.kinds.shared.wire import READ
from phift.phases.inspect_data import SpecData
from phift.spec import DatastoreRef
from phift.workbench.request import Connector, Request, load

__all__ = ["DataDiff", "SplitDiff", "data_diff", "data_since", "rows_of_version"]

_VERSION = re.compile(r"[0-9a-f]{12}")
_SUFFIXES = (".yaml", ".yml", ".lock")


@dataclass(frozen=True)
class SplitDiff:
    """The differences of a split. before, after: the data versions; "" if that side does not have the split."""

    split: str
    before: str
    after: str
    difference: Difference | None

    @property
    def equal(self) -> bool:
        return self.before == self.after or (self.difference is not None and self.difference.equal)


@dataclass(frozen=True)
class DataDiff(Displayed):
    """The differences between two sides. before, after: as given on the command line."""

    before: str
    after: str
    splits: tuple[SplitDiff, ...]

    @property
    def equal(self) -> bool:
        """Whether both sides have equal rows in the same order in all splits."""
        return all(one.equal for one in self.splits)


@dataclass(frozen=True)
class _Side:
    """A side of the comparison: a version, or the recipes of a spec by split."""

    text: str
    version: str = ""
    spec: SpecData | None = None

    def recipes(self, split: str) -> dict[str, Recipe]:
        if self.spec is None:
            return {}
        names = [self.spec.named(split)] if split else self.spec.splits
        return {name: self.spec.recipe(name) for name in names}


def data_diff(request: Request, before: str, after: str, connect: Connector, *, split: str = "") -> DataDiff:
    """Compare the data of two sides.

    before, after: a spec, `REF:SPEC` or `SPEC@REF` for a spec at a commit, branch or tag, or a data version (12 hex
    digits). request: target and variables for both; its path is not used.

    A version is read from the prepared rows on this machine, or from the workspace of the spec on the other side, as
    its split `split` (by default train). Otherwise no workspace is needed.

    Raises UsageError for an invalid side, InvalidSpecError, HubError and AzureError.
    """
    with ExitStack() as stack:
        sides = [_side(request, text, connect, stack) for text in (before, after)]
        if any(side.version for side in sides):
            return DataDiff(before, after, (_with_version(sides[0], sides[1], split, connect, stack),))
        old, new = (side.recipes(split) for side in sides)
        return DataDiff(before, after, tuple(_of_recipes(old, new)))


def data_since(request: Request, ref: str, connect: Connector) -> DataDiff | None:
    """Compare the data of a spec with its data at a Git ref; None without data, and unless all of it is in local files:
    other rows would have to be downloaded.

    Raises the errors of `data_diff`.
    """
    data = load(request, every_target=False).spec.data
    sources = list(data.splits.values()) if data else []
    if not sources or not all(source.path and "://" not in source.path for source in sources):
        return None
    return data_diff(request, f"{ref}:{request.path}", str(request.path), connect)


def _of_recipes(old: Mapping[str, Recipe], new: Mapping[str, Recipe]) -> Iterator[SplitDiff]:
    for name in dict.fromkeys((*old, *new)):
        versions = [side[name].version if name in side else "" for side in (old, new)]
        both = name in old and name in new
        found = compare(prepared(old[name]).path, prepared(new[name]).path) if both else None
        yield SplitDiff(name, versions[0], versions[1], found)


def _with_version(before: _Side, after: _Side, split: str, connect: Connector, stack: ExitStack) -> SplitDiff:
    spec = before.spec or after.spec
    name = split or (spec.named("") if spec else "data")
    paths, versions = [], []
    for side in (before, after):
        if side.version:
            paths.append(_rows_of(side.version, spec, name, connect, stack))
            versions.append(side.version)
        else:
            recipe = side.recipes(name)[name]
            paths.append(prepared(recipe).path)
            versions.append(recipe.version)
    return SplitDiff(name, versions[0], versions[1], compare(*paths))


def _side(request: Request, text: str, connect: Connector, stack: ExitStack) -> _Side:
    if not text or "\0" in text:
        raise UsageError("an empty name is neither a spec nor a data version")
    if os.path.lexists(text):
        return _Side(text, spec=SpecData.of(replace(request, path=Path(text)), connect))
    if _VERSION.fullmatch(text):
        return _Side(text, version=text)
    for ref, path in _splits(text):
        if (found := _at(Path(path), ref, stack)) is not None:
            root = found.tree if request.data_root else None
            copied = replace(request, path=found.spec, data_root=root)
            return _Side(text, spec=SpecData.of(copied, connect, home=found.top))
    for ref, path in _splits(text):
        if os.path.isfile(path):
            raise UsageError(
                f"{path} not found at the Git revision {ref}",
                remedy="Check the name; in a shallow clone, fetch the revision first: git fetch origin REF.",
            )
    raise UsageError(
        f"{text} is not a spec, a spec at a Git revision, or a data version",
        remedy="Write SPEC, REF:SPEC, SPEC@REF, or the 12 hex digits of a version.",
    )


def _splits(text: str) -> Iterator[tuple[str, str]]:
    """Yield the possible splits into a ref and a path. Both can contain an @."""
    ref, colon, path = text.partition(":")
    if colon and ref and path:
        yield ref, path
    path, at, ref = text.rpartition("@")
    if at and ref and path:
        yield ref, path


@dataclass(frozen=True)
class _Copied:
    """The files of a repository at a ref. top: its work tree. tree: the copy. spec: the file in the copy."""

    top: Path
    tree: Path
    spec: Path


def _at(path: Path, ref: str, stack: ExitStack) -> _Copied | None:
    """Return a copy of the repository at the ref, with the spec; None if the spec does not exist there."""
    here = next(folder for folder in (path.absolute().parent, *path.absolute().parents) if folder.is_dir())
    checkout = checkout_of(here)
    if checkout is None or ref.startswith("-"):
        return None
    commit = git(checkout.top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if not commit:
        return None
    whole = Path(os.path.realpath(path.absolute().parent), path.name)
    inside = whole.relative_to(checkout.top) if whole.is_relative_to(checkout.top) else path
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="phift-ref-")))
    tree = scratch / "tree"
    tree.mkdir()
    if not export(checkout.top, commit.decode().strip(), tree, _of_a_spec):
        raise UsageError(f"git cannot read the files of {ref}", remedy="Fetch them: git fetch origin REF")
    # As in Git, a path after REF: can also be relative to the root of the repository.
    for place in (tree / inside, tree / path):
        if place.is_file() and place.resolve().is_relative_to(tree.resolve()):
            return _Copied(checkout.top, tree, place)
    return None


def _of_a_spec(path: str) -> bool:
    """Return whether a file with this suffix can be part of a spec."""
    return path.lower().endswith(_SUFFIXES) or format_named(path) is not None


def _rows_of(version: str, spec: SpecData | None, split: str, connect: Connector, stack: ExitStack) -> Path:
    """Return the prepared rows of a data version. Raises UsageError if they are not found, and AzureError."""
    kept = kept_version(version)
    if kept is not None:
        return kept
    if spec is None:
        raise UsageError(
            f"the rows of data version {version} are not on this machine",
            remedy="Compare it with a spec: phift then searches the workspace of the spec.",
        )
    return rows_of_version(connect(spec.loaded), data_name(spec.loaded.stack, split), version, stack)


def rows_of_version(azure: Azure, name: str, version: str, stack: ExitStack) -> Path:
    """Return the prepared rows of a version of a data asset: those on this machine, or a copy that `stack` deletes.

    Raises UsageError if they are not found, and AzureError.
    """
    kept = kept_version(version)
    if kept is not None:
        return kept
    try:
        raw = azure.arm.get(f"{azure.workspace.arm_id}/data/{name}/versions/{version}", READ)
    except NotFoundError:
        raise UsageError(
            f"version {version} of data {name} not found, neither on this machine nor in the workspace",
            remedy="`phift status SPEC` shows the versions of a stack. Pass the split after both: train, test, ...",
        ) from None
    try:
        place = DatastoreRef.parse(str(raw["properties"].get("dataUri") or ""))
    except ValueError:
        raise UsageError(
            f"data {name}:{version} is not in a datastore of the workspace",
            remedy="Compare with a version that phift uploaded.",
        ) from None
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="phift-data-")))
    path = scratch / f"{version}.jsonl"
    azure.store(place.store).download(place.path, path)
    return path
