"""Inspection of data before an apply: single rows, statistics, and the prepared files.

Pins of hub data are read from the lock file; unpinned data is resolved on the hub. The workspace is contacted only for
data in it.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from phift.azure.stores import WorkspaceStores
from phift.data.cache import kept_rows, prepared
from phift.data.checks import CHECKED, Found, found_in
from phift.data.prepare import Prepared, amount_problem, ready_rows
from phift.data.problems import FileProblem, Problem, Skipped
from phift.data.recipe import Recipe
from phift.data.rows import Access, SourceRows
from phift.data.sources import SourceIdentity
from phift.data.stats import Measures, Meter, overlap
from phift.data.take import By, Picked, Take, rank
from phift.diagnostics import Diagnostic, Mark
from phift.display import Displayed
from phift.errors import InvalidSpecError, RefusedError, UsageError
from phift.lock import PinnedData, StackLock, lock_path, read_lock, update_lock
from phift.spec import DataSource, LoadedSpec
from phift.workbench.elsewhere import Elsewhere
from phift.workbench.lengths import Limit, limit_of
from phift.workbench.recipes import recipe_of
from phift.workbench.request import Connector, Request, load
from phift.workbench.rows import asks_checks, counter_of, judged, pins_with
from phift.workbench.sessions import Shared
from phift.workbench.sources import source_of

__all__ = ["DataStats", "Preview", "PreviewRow", "SpecData", "SplitStats", "data_stats", "prepare_data", "preview"]


@dataclass(frozen=True)
class PreviewRow:
    """number: of the row in its file, or line of it, from 1. row: prepared (prompt, messages, prompt_id), or, of an
    unfit one and of raw rows, as the source has it; None where it could not be read. problems: why it is unfit."""

    file: str
    number: int
    row: Any
    problems: tuple[Problem, ...] = ()
    skipped: bool = False


@dataclass(frozen=True)
class Preview(Displayed):
    """columns: of the source, type by name; types are "" where only the rows show the names. picked: which rows."""

    stack: str
    split: str
    source: str
    picked: str
    raw: bool
    rows: tuple[PreviewRow, ...]
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SplitStats:
    """basis: which rows were measured.

    dropped: rows left out, by reason. refused: of them, those that `data.unfit` does not let pass. shared: rows with a
    prompt of train, None where that was not compared.
    """

    split: str
    version: str
    basis: str
    measures: Measures
    dropped: Mapping[str, int]
    refused: int = 0
    whole: bool = True
    shared: int | None = None


@dataclass(frozen=True)
class DataStats(Displayed):
    """limit: where rows are cut. findings: of `data.checks`, errors and warnings. pinned: whether phift.lock keeps what
    the checks found."""

    stack: str
    splits: tuple[SplitStats, ...]
    limit: Limit
    findings: tuple[Diagnostic, ...] = ()
    pinned: bool = False


def preview(
    request: Request,
    connect: Connector,
    split: str = "",
    *,
    count: int = 5,
    random: bool = False,
    seed: int = 0,
    raw: bool = False,
) -> Preview:
    """Return the first rows of a split (by default train, or the first split), or random ones; ignores `take`.

    Reads one row group of Parquet on the hub. raw: return all columns unchanged; works without a matching mapping.
    Raises InvalidSpecError, UsageError for a split that is not in the spec, RefusedError for a file that cannot be
    read, HubError, OSError.
    """
    spec = SpecData.of(request, connect, mapped=not raw)
    name = spec.named(split)
    wanted, identity = spec.source(name, count=random)
    chosen, take, many = _chosen(identity, count, random, seed)
    if raw:
        source = SourceRows(identity, take, seed, None, Access())
        rows = tuple(_raw_row(*one) for one in _some(source, count, many, seed))
    else:
        recipe = recipe_of(spec.loaded, name, wanted.model_copy(update={"take": None}), identity)
        recipe = replace(recipe, take=take, seed=seed)
        rows = tuple(_ready_row(*one) for one in _some(ready_rows(recipe), count, many, seed))
    columns = dict(identity.hub.columns) if identity.hub else {}
    if raw and not columns:
        columns = {key: "" for row in rows if isinstance(row.row, dict) for key in row.row if isinstance(key, str)}
    return Preview(spec.loaded.stack, name, str(identity), chosen, raw, rows, columns)


def data_stats(request: Request, connect: Connector, split: str = "", *, rows: int | None = None) -> DataStats:
    """Return statistics of one split, or of all. Measures train too if a split is compared with it.

    rows: maximum number of rows to measure, if a prepared file is not cached. If all rows were measured, the results of
    the checks are pinned in phift.lock. Raises InvalidSpecError, UsageError, RefusedError for a file that cannot be
    read and for a `take` that exceeds the number of rows, HubError, OSError.
    """
    spec = SpecData.of(request, connect)
    return _stats(spec, split, rows)


def _stats(spec: SpecData, split: str, rows: int | None) -> DataStats:
    names = [spec.named(split)] if split else spec.splits
    recipes = {name: spec.recipe(name) for name in names}
    if "train" in spec.splits and "train" not in recipes and any(name in CHECKED for name in names):
        recipes = {"train": spec.recipe("train"), **recipes}
    limit = limit_of(spec.loaded)
    measured = {name: _measured(spec, name, recipe, rows, limit) for name, recipe in recipes.items()}
    found = _compared(measured)
    whole = {name: one for name, one in found.items() if name in CHECKED and one.whole and not one.refused}
    checks = found_in(recipes, {name: one.measures for name, one in whole.items()})
    if "train" in spec.splits and "train" not in checks:
        checks = {}
    pinned = bool(checks) and asks_checks(spec.loaded)
    if pinned:
        spec.pin(checks)
    shown = tuple(one for name, one in found.items() if name in names)
    return DataStats(spec.loaded.stack, shown, limit, tuple(judged(spec.loaded, recipes, checks)), pinned)


def prepare_data(spec: SpecData, write: Callable[[str, Prepared], object]) -> list[tuple[str, str, Prepared]]:
    """Prepare every split and pass each to `write` by name. Return name, data version and rows of each.

    Raises RefusedError for rows that are unfit, before anything is written, and what phift.data.prepare raises for
    other causes.
    """
    recipes = {name: spec.recipe(name) for name in spec.splits}
    try:
        files = {name: prepared(recipe) for name, recipe in recipes.items()}
    except InvalidSpecError as error:
        raise RefusedError(error.diagnostics) from None
    for name, one in files.items():
        write(name, one)
    return [(name, recipes[name].version, one) for name, one in files.items()]


@dataclass(frozen=True)
class SpecData:
    """A loaded spec with the pins of its data."""

    loaded: LoadedSpec
    pinned: PinnedData | None
    elsewhere: Elsewhere
    hub: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Request, connect: Connector, *, home: Path | None = None, mapped: bool = True) -> SpecData:
        """Load a spec. connect: opens the workspace, for data in it. home: the folder that must contain variable files,
        if the spec is a copy in another folder. mapped: False ignores the mapping of rows.

        Raises InvalidSpecError, and UsageError for a spec without data.
        """
        loaded = load(request, every_target=False, home=home, mapped=mapped)
        pinned = read_lock(lock_path(loaded.path)).stack(loaded.stack).data
        shared = Shared(data_root=request.data_root, fetch=True, tell=request.tell)
        made = cls(loaded, pinned, Elsewhere(shared, cache(lambda: WorkspaceStores(connect(loaded))), pinned))
        if not made.splits:
            raise UsageError(
                f"{request.path} does not define data with rows that phift reads",
                remedy="Write data: {train: {path: FILE}}.",
            )
        return made

    @property
    def splits(self) -> list[str]:
        """The names of the splits, in the order of the spec."""
        data = self.loaded.spec.data
        return list(data.splits) if data else []

    @property
    def files(self) -> list[Path]:
        """The local files with rows. Raises the errors of `source`."""
        return [file.path for name in self.splits for file in self.source(name)[1].files]

    def named(self, split: str) -> str:
        """Return the split of a name; by default train, or the first split. Raises UsageError."""
        if split and split not in self.splits:
            known = ", ".join(self.splits)
            raise UsageError(f"the spec does not define rows for split {split!r}", remedy=f"Splits: {known}.")
        return split or ("train" if "train" in self.splits else self.splits[0])

    def source(self, name: str, *, count: bool = False) -> tuple[DataSource, SourceIdentity]:
        """Return the source and identity of a split. count: read the row groups of a split of the hub."""
        wanted, identity = source_of(self.loaded, name, self.elsewhere)
        split = identity.hub
        if count and split is not None and split.direct and split.groups is None:
            from phift.data.hub.pins import HubRequest

            asked = HubRequest(str(wanted.hub), split.revision, wanted.config or "", split.split)
            counted = self.elsewhere.shared.hub_split(asked, count=True)
            identity = SourceIdentity((), replace(counted, requested=split.requested))
        return wanted, identity

    def recipe(self, name: str) -> Recipe:
        wanted, identity = self.source(name)
        if identity.hub is not None:
            self.hub[name] = identity.hub.plain()
        return recipe_of(self.loaded, name, wanted, identity)

    def pin(self, found: Mapping[str, Found]) -> None:
        """Write results to the lock file, with the pins of their sources."""
        from phift.data.recipe import PREPARATION_VERSION

        known = self.pinned or PinnedData(preparation=PREPARATION_VERSION)
        pins = PinnedData(
            preparation=PREPARATION_VERSION,
            hub={**(known.hub or {}), **self.hub} or None,
            addresses={**(known.addresses or {}), **self.elsewhere.addresses} or None,
            assets={**(known.assets or {}), **self.elsewhere.assets} or None,
        )
        update_lock(lock_path(self.loaded.path), {self.loaded.stack: StackLock(data=pins_with(pins, found))})


def _chosen(identity: SourceIdentity, count: int, random: bool, seed: int) -> tuple[str, Take, bool]:
    """Return the rows to pick as text and as a take, and whether the take returns too many rows."""
    if not random:
        return f"first {count}", Take(count=count, by=By.FIRST), False
    split = identity.hub
    if split is None or not split.direct or not split.groups:
        return f"{count} random, seed {seed}", Take(count=count), False
    group = min(range(split.groups), key=lambda number: rank(seed, number))
    words = f"{count} random of row group {group + 1} of {split.groups}, seed {seed}"
    return words, _Group(count=group, by=By.BLOCK), True


@dataclass(frozen=True)
class _Group(Take):
    """A single row group. count: its number."""

    def picked(self, seed: int, rows: Callable[[], int]) -> Picked:
        return Picked(block=lambda group: group == self.count)


def _some(found: Any, count: int, many: bool, seed: int) -> list[Any]:
    """Return all items, or `count` random ones in their order, without keeping more in memory."""
    if not many:
        return list(found)
    ranked = heapq.nsmallest(count, ((rank(seed, n), n, one) for n, one in enumerate(found)), key=lambda one: one[:2])
    return [one for _, _, one in sorted(ranked, key=lambda one: one[1])]


def _raw_row(file: str, line: int, row: Any) -> PreviewRow:
    if isinstance(row, FileProblem):
        raise _unreadable(row, file, line)
    return PreviewRow(file, line, None, (row,)) if isinstance(row, Problem) else PreviewRow(file, line, row)


def _ready_row(file: str, line: int, row: Any, ready: bytes | list[Problem]) -> PreviewRow:
    import orjson

    if isinstance(ready, bytes):
        return PreviewRow(file, line, orjson.loads(ready))
    if isinstance(ready[0], FileProblem):
        raise _unreadable(ready[0], file, line)
    whole = None if isinstance(row, Problem) else row
    return PreviewRow(file, line, whole, tuple(ready), skipped=isinstance(ready[0], Skipped))


def _unreadable(problem: Problem, file: str, line: int = 0) -> RefusedError:
    """Return the error of an unreadable file."""
    mark = Mark(file, line, problem.column)
    return RefusedError([Diagnostic(problem.summary, remedy=problem.remedy, mark=mark, code=f"data-{problem.code}")])


def _measured(spec: SpecData, name: str, recipe: Recipe, rows: int | None, limit: Limit) -> SplitStats:
    meter = Meter(counter_of(spec.loaded), limit.tokens)
    kept = kept_rows(recipe)
    if kept is not None:
        with kept.path.open("rb") as lines:
            for line in lines:
                meter.add(line)
        return SplitStats(name, recipe.version, "the prepared file", meter.measures(), dict(kept.skipped))
    taken = recipe if rows is None else replace(recipe, take=Take(count=rows, by=By.FIRST))
    dropped: Counter[str] = Counter()
    unfit = count = 0
    found = ready_rows(taken)
    for file, place, _, ready in found:
        count += 1
        if isinstance(ready, bytes):
            meter.add(ready)
        elif isinstance(ready[0], FileProblem):
            raise _unreadable(ready[0], file, place)
        else:
            dropped[ready[0].code] += 1
            unfit += not isinstance(ready[0], Skipped)
    if rows is None and not unfit and (problem := amount_problem(recipe, found.source, count)):
        raise _unreadable(problem, str(recipe.identity))
    basis = "all rows" if rows is None else f"the first {count:,} rows of the source"
    refused = 0 if recipe.unfit.allows(unfit, count) else unfit
    return SplitStats(
        name,
        recipe.version,
        basis,
        meter.measures(),
        dict(sorted(dropped.items())),
        refused,
        whole=rows is None,
    )


def _compared(found: Mapping[str, SplitStats]) -> dict[str, SplitStats]:
    train = found.get("train")
    return {
        name: replace(one, shared=overlap(train.measures, one.measures))
        if train is not None and name != "train" and name in CHECKED
        else one
        for name, one in found.items()
    }
