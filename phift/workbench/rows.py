"""The data checks: their results in a plan, and their run before an apply writes.

A plan does not read remote rows or run checks: it shows the results pinned in phift.lock, or that the checks have not
run yet. An apply first prepares the rows to upload, then runs the checks without pinned results, pins the results, and
stops if rows are unfit or the spec rejects them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from phift.address import Address
from phift.apply.events import Listener, Note, ResourceProgress
from phift.data.cache import prepared
from phift.data.checks import CHECKED, Found, found_in, licences, pinned_in, verdicts
from phift.data.recipe import Recipe
from phift.data.rows import Access
from phift.data.stats import Measures, Meter
from phift.data.tokens import TokenCounter, token_counter
from phift.diagnostics import Diagnostic, Severity, errors_of
from phift.errors import InvalidSpecError, PhiftError, RefusedError
from phift.estimate.verdict import Verdict
from phift.estimate.words import finding
from phift.kinds.data.progress import DataProgress
from phift.kinds.progress import Progress
from phift.kinds.registry import KINDS
from phift.lock import PinnedData, StackLock, update_lock
from phift.once import Once
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.preflight.estimates import trainings
from phift.spec import LoadedSpec
from phift.state.facts import DataFacts
from phift.workbench.open import Workbench

__all__ = [
    "PlanChecks",
    "asks_checks",
    "checked_recipes",
    "counter_of",
    "judged",
    "pins_with",
    "plan_checks",
    "require_rows",
    "run",
]

NOT_RUN = "data checks: not run yet; apply runs them before it uploads"

_MEASURED = Once()
"""Results by recipe and token counter: stacks of a run that share a data version measure it once."""


@dataclass(frozen=True)
class PlanChecks:
    """The data checks in a plan."""

    warnings: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()


def plan_checks(bench: Workbench, planned: Iterable[PlannedResource]) -> PlanChecks:
    """Return the results pinned in the lock file; nothing for a plan that neither uploads data nor trains.

    A rejection is a warning in a plan, which states that apply will stop.
    """
    recipes = checked_recipes(bench.resolved.facts.data.values())
    block = bench.loaded.spec.data.checks if bench.loaded.spec.data else None
    if block is None or not recipes or not _uses_rows(planned):
        return PlanChecks()
    held = pinned_in(_pins(bench.resolved.pins.data), recipes)
    found = judged(bench.loaded, recipes, held)
    notes = () if set(held) == set(recipes) else (NOT_RUN,)
    return PlanChecks(tuple(_announced(d) for d in found), notes)


def require_rows(bench: Workbench, planned: Sequence[PlannedResource], listener: Listener) -> None:
    """Prepare the rows that the plan uploads. If it uploads or trains, run the checks without pinned results, and pin
    their results.

    Raises RefusedError for unfit rows, for rows that the spec rejects, and for rows that are too long for the memory of
    the training; and the errors of reading rows. Nothing has been written to the workspace then.
    """
    recipes = checked_recipes(bench.resolved.facts.data.values())
    block = bench.loaded.spec.data.checks if bench.loaded.spec.data and recipes and _uses_rows(planned) else None
    if block is not None and (errors := licences(block, recipes)):
        raise RefusedError([_placed(bench.loaded, d) for d in errors])
    for address, recipe in _uploaded(bench, planned):
        _prepare(address, recipe, listener)
    if block is not None:
        _require_checked(bench, recipes, listener)
    _require_memory(bench, planned, listener)


def _require_memory(bench: Workbench, planned: Sequence[PlannedResource], listener: Listener) -> None:
    """Judge the memory of a training again if the plan did not know the lengths of its rows, which are known now.

    Raises RefusedError if it cannot fit.
    """
    model = bench.resolved.facts.base_model
    for resource, training in trainings(bench.stack, tuple(planned)):
        before = resource.details.get("memory") or {}
        found = finding(training, model.finetune.sizes if model else ())
        if found is None or before.get("verdict") in {Verdict.CANNOT_FIT, Verdict.TIGHT}:
            continue
        if found.severity is Severity.ERROR:
            raise RefusedError([_placed(bench.loaded, replace(found, path="compute.finetune.size"))])
        listener(Note(f"Warning: {found.summary}"))


def _uploaded(bench: Workbench, planned: Iterable[PlannedResource]) -> Iterator[tuple[Address, Recipe]]:
    for one in planned:
        desired = bench.stack.resource(one.address)
        if one.action is not Action.CREATE or desired is None:
            continue
        if (recipe := KINDS[one.address.kind].recipe(desired)) is not None:
            yield one.address, recipe


def _prepare(address: Address, recipe: Recipe, listener: Listener) -> None:
    """Download and prepare rows, and report the progress."""
    start = time.monotonic()

    def report(progress: Progress) -> None:
        listener(ResourceProgress.of(address, progress, time.monotonic() - start))

    progress = DataProgress(recipe, report)
    try:
        prepared(
            recipe,
            progress=progress.preparing,
            access=Access(downloading=progress.downloading, waiting=progress.waiting),
        )
    except InvalidSpecError as error:
        raise RefusedError(error.diagnostics) from None
    except PhiftError as error:
        error.address = error.address or str(address)
        raise


def _require_checked(bench: Workbench, recipes: Mapping[str, Recipe], listener: Listener) -> None:
    held = pinned_in(_pins(bench.resolved.pins.data), recipes)
    fresh = set(held) != set(recipes)
    if fresh:
        listener(Note(f"Checking the rows of {', '.join(f'data.{split}' for split in recipes)}."))
        held = run(recipes, counter_of(bench.loaded))
        try:
            pins = pins_with(bench.resolved.pins.data, held)
            update_lock(bench.lock_path, {bench.loaded.stack: StackLock(data=pins)})
        except PhiftError as error:
            # The checks have passed, so this apply can continue; the next one must run them again.
            listener(Note(f"The findings of the data checks could not be pinned: {error.summary}"))
    found = judged(bench.loaded, recipes, held)
    if errors_of(found):
        raise RefusedError(found)
    for warning in found if fresh else ():
        listener(Note(f"Warning: {warning.summary}"))


def run(recipes: Mapping[str, Recipe], counter: TokenCounter) -> dict[str, Found]:
    """Return the results of the checks by split. Each recipe is prepared and measured once per process.

    Raises RefusedError for rows that are unfit, and what phift.data.prepare raises for other causes.
    """

    def measured(recipe: Recipe) -> Measures:
        return _MEASURED.get((recipe.key, counter.name), lambda: _measured(recipe, counter))

    return found_in(recipes, {split: measured(recipe) for split, recipe in recipes.items()})


def _measured(recipe: Recipe, counter: TokenCounter) -> Measures:
    try:
        made = prepared(recipe)
    except InvalidSpecError as error:
        raise RefusedError(error.diagnostics) from None
    meter = Meter(counter)
    with made.path.open("rb") as lines:
        for line in lines:
            meter.add(line)
    return meter.measures()


def judged(loaded: LoadedSpec, recipes: Mapping[str, Recipe], found: Mapping[str, Found]) -> list[Diagnostic]:
    """Return the findings of `data.checks` with positions in the spec; empty without that block."""
    block = loaded.spec.data.checks if loaded.spec.data else None
    if block is None:
        return []
    return [_placed(loaded, d) for d in (*licences(block, recipes), *verdicts(block, found))]


def asks_checks(loaded: LoadedSpec) -> bool:
    """Return whether the spec has `data.checks`."""
    return loaded.spec.data is not None and loaded.spec.data.checks is not None


def checked_recipes(facts: Iterable[DataFacts]) -> dict[str, Recipe]:
    """Return the recipes of the checked splits, in order. Excludes data assets, which phift does not prepare."""
    known = {one.split: one.recipe for one in facts}
    return {split: known[split] for split in CHECKED if known.get(split) is not None}


def counter_of(loaded: LoadedSpec) -> TokenCounter:
    """Return the token counter of the base model."""
    base = loaded.spec.base_model
    return token_counter(base.name if base else "")


def pins_with(pins: PinnedData | None, found: Mapping[str, Found]) -> PinnedData | None:
    """Return the pins of the data with these results."""
    if pins is None:
        return None
    return pins.model_copy(update={"checks": {**(pins.checks or {}), **{s: f.plain() for s, f in found.items()}}})


def _pins(pins: PinnedData | None) -> Mapping[str, Mapping[str, object]] | None:
    return pins.checks if pins else None


def _uses_rows(planned: Iterable[PlannedResource]) -> bool:
    """Return whether a plan uploads a new data version or starts a training."""
    adding = [r for r in planned if r.action.adds]
    return any(KINDS[r.address.kind].stored or KINDS[r.address.kind].traits.trains for r in adding)


def _announced(found: Diagnostic) -> Diagnostic:
    if found.severity is not Severity.ERROR:
        return found
    detail = " ".join(filter(None, (found.detail, "data.checks rejects this: apply stops before it uploads anything.")))
    return replace(found, severity=Severity.WARNING, detail=detail)


def _placed(loaded: LoadedSpec, found: Diagnostic) -> Diagnostic:
    return replace(found, mark=loaded.mark(found.path))
