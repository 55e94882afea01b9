"""The identity of each split: from the content of its files, or from pins of the lock file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.data.blobs import Stores
from phift.data.hub.pins import HubRequest, HubSplit
from phift.data.recipe import PREPARATION_VERSION, Recipe
from phift.data.sources import SourceIdentity
from phift.data.space import megabytes
from phift.data.take import By, Take
from phift.diagnostics import Diagnostic
from phift.errors import DiagnosticsError, InvalidSpecError, PhiftError
from phift.kinds.words import plural
from phift.lock import PinnedData
from phift.spec import DataSource, LoadedSpec
from phift.state.facts import DataFacts
from phift.workbench.elsewhere import Elsewhere
from phift.workbench.recipes import is_elsewhere, path_of, placed, recipe_for, wanted_splits
from phift.workbench.sessions import Shared

__all__ = ["Sources", "outside", "resolved_sources", "source_of"]


@dataclass(frozen=True)
class Sources:
    """The facts by split, the new pins of the data, and notes for the plan. unidentified: reasons by split, for a
    command that does not create anything."""

    facts: Mapping[str, DataFacts]
    pins: PinnedData | None
    notes: tuple[str, ...] = ()
    unidentified: Mapping[str, str] = field(default_factory=dict)


def resolved_sources(
    loaded: LoadedSpec, pinned: PinnedData | None, shared: Shared, stores: Callable[[], Stores]
) -> Sources:
    """Identify all splits. Contacts the hub only for data that is not pinned.

    stores: of the workspace; called if a split is an asset or is in a datastore.

    Raises InvalidSpecError with the problems of all splits, and HubError if the hub is unreachable or rejects the
    request; not for a command that does not create anything.
    """
    unidentified: dict[str, str] = {}
    found: dict[str, DataFacts] = {}
    hub: dict[str, dict[str, Any]] = {}
    problems: list[Diagnostic] = []
    notes: list[str] = []
    elsewhere = Elsewhere(shared, stores, pinned)
    known = (pinned.hub if pinned else None) or {}
    checks = (pinned.checks if pinned else None) or {}
    for split, wanted in wanted_splits(loaded).items():
        try:
            identity = _identity(loaded, split, wanted, known.get(split), elsewhere)
            recipe = recipe_for(loaded, split, wanted, identity)
            shown = _shown(wanted, recipe)
        except (PhiftError, OSError) as error:
            if shared.looking:
                unidentified[split] = _why(error)
                continue
            if not isinstance(error, InvalidSpecError):
                raise
            problems += [placed(loaded, split, d) for d in error.diagnostics]
            continue
        rows, longest = _counted(checks, split, recipe)
        facts = DataFacts(split, recipe.version, recipe, identity.size, shown, checks.get(split, {}), rows, longest)
        found[split] = facts
        if identity.hub is not None:
            hub[split] = identity.hub.plain()
            notes += _hub_notes(split, wanted, identity.hub)
        if split == "train" and not recipe.take.everything:
            notes.append(f"data.train takes {shown.get('take', recipe.take)}: a trial, not a full training")
    if problems:
        raise InvalidSpecError(problems)
    pins = None
    if loaded.spec.data or elsewhere.addresses or elsewhere.assets:
        pins = PinnedData(
            preparation=PREPARATION_VERSION,
            hub=hub or None,
            addresses=elsewhere.addresses or None,
            assets=elsewhere.assets or None,
            checks=checks or None,
        )
    beyond = () if shared.looking else outside(loaded, shared)
    return Sources(found, pins, (*notes, *elsewhere.notes, *beyond), unidentified)


def _counted(checks: Mapping[str, Any], split: str, recipe: Recipe) -> tuple[int | None, int | None]:
    """Return the rows and the tokens of the longest one, as pinned by the data checks for these very rows."""
    if split not in checks:
        return None, None
    from phift.data.checks import Found

    pin = Found.from_plain(checks[split])
    return (pin.rows, pin.longest) if pin is not None and pin.recipe == recipe.key else (None, None)


def _why(error: PhiftError | OSError) -> str:
    if isinstance(error, DiagnosticsError):
        return error.diagnostics[0].summary
    return error.summary if isinstance(error, PhiftError) else error.strerror or type(error).__name__


def source_of(loaded: LoadedSpec, split: str, elsewhere: Elsewhere) -> tuple[DataSource, SourceIdentity]:
    """Identify one split of `data`, ignoring its mapping. Raises the errors of resolved_sources."""
    wanted, pinned = wanted_splits(loaded)[split], elsewhere.pinned
    try:
        return wanted, _identity(loaded, split, wanted, ((pinned.hub if pinned else None) or {}).get(split), elsewhere)
    except InvalidSpecError as error:
        raise InvalidSpecError([placed(loaded, split, d) for d in error.diagnostics]) from None


def outside(loaded: LoadedSpec, shared: Shared) -> Iterator[str]:
    """Yield a note for each source outside the repository, which a review of the repository does not show."""
    for split, wanted in wanted_splits(loaded).items():
        if (
            wanted.path is None
            or is_elsewhere(wanted)
            or not (files := shared.outside(wanted.path, loaded.path.parent))
        ):
            continue
        more = f" and {plural(len(files) - 1, 'more file')}" if len(files) > 1 else ""
        yield f"{path_of(split)} is outside the repository: {files[0]}{more}"


def _identity(
    loaded: LoadedSpec, split: str, wanted: DataSource, pin: Mapping[str, Any] | None, elsewhere: Elsewhere
) -> SourceIdentity:
    try:
        return _found(loaded, split, wanted, pin, elsewhere)
    except DiagnosticsError:
        raise
    except PhiftError as error:
        error.address = error.address or path_of(split)
        raise


def _found(
    loaded: LoadedSpec, split: str, wanted: DataSource, pin: Mapping[str, Any] | None, elsewhere: Elsewhere
) -> SourceIdentity:
    if is_elsewhere(wanted):
        return elsewhere.identity(split, wanted, path_of(split))
    shared = elsewhere.shared
    if wanted.hub is None:
        return shared.identity(str(wanted.path), loaded.path.parent)
    request = HubRequest(wanted.hub, wanted.revision or "main", wanted.config or "", wanted.split or "")
    take = Take.parse(wanted.take)
    # Count the rows of a split only if `take` depends on the count: it costs two requests per file.
    at_least = take.count or 0 if take.by is By.FIRST else 0
    count = not at_least and (take.counts_rows or not take.ranked)
    found = HubSplit.from_plain(pin) if pin is not None else None
    if found is None or not found.answers(request) or _uncounted(found, count=count, at_least=at_least):
        found = shared.hub_split(request, count=count, at_least=at_least)
    return SourceIdentity((), found)


def _uncounted(pin: HubSplit, *, count: bool, at_least: int) -> bool:
    """Return whether the pin lacks the required row count."""
    return pin.direct and pin.rows is None and (count or at_least > (pin.claimed or 0))


def _shown(wanted: DataSource, recipe: Recipe) -> dict[str, Any]:
    """Return the values of a split to show in a plan."""
    split, take = recipe.identity.hub, recipe.take
    remote = recipe.identity.remote
    shown: dict[str, Any] = {"source": f"hub {split}" if split else str(remote or wanted.path or "")}
    if remote is not None and len(remote.formats) > 1:
        shown["files"] = len(remote.formats)
    if not take.everything:
        shown["take"] = str(take)
        total = (split.rows or split.claimed) if split else None
        if total and (rows := take.of(total)) is not None:
            shown["take"] = f"{take} = {rows:,} of {total:,} rows"
    if recipe.messages is not None:
        preset = wanted.messages if isinstance(wanted.messages, str) else None
        shown["messages"] = preset or "mapped from columns"
    if recipe.unfit.share:
        shown["unfit"] = str(recipe.unfit)
    if remote is not None:
        return {**shown, "download": megabytes(remote.size)}
    if split is None:
        return {**shown, "bytes": recipe.identity.size}
    read, size = _transfer(split, take, recipe.seed)
    shown["download"] = megabytes(size) if read == size else f"{megabytes(read)} of {megabytes(size)}"
    if split.licence:
        shown["licence"] = split.licence
    return shown


def _transfer(split: HubSplit, take: Take, seed: int) -> tuple[int, int]:
    from phift.data.hub.selection import transfer
    from phift.data.rows import selection_of

    if take.ranked:
        return split.size, split.size
    return transfer(split, selection_of(take.picked(seed, lambda: split.rows or 0)))


def _hub_notes(split: str, wanted: DataSource, pin: HubSplit) -> Iterator[str]:
    if pin.renamed_from:
        yield f"{pin.renamed_from} was renamed to {pin.id} on the hub: use the new name in {path_of(split)}.hub"
    if pin.gated:
        yield f"{pin.id} is gated: apply requires a token with access to it"
