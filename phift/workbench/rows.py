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
from phift.data.checks import Found, licences, pinned_in
from phift.data.recipe import Recipe
from phift.data.rows import Access
from phift.diagnostics import Diagnostic, Severity, errors_of
from phift.errors import InvalidSpecError, PhiftError, RefusedError
from phift.estimate.verdict import Verdict
from phift.estimate.words import finding
from phift.kinds.data.progress import DataProgress
from phift.kinds.progress import Progress
from phift.kinds.registry import KINDS
from phift.lock import PinnedData, StackLock, update_lock
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.preflight.estimates import trainings
from phift.preflight.waivers import require_strict, split
from phift.workbench.open import Workbench
from phift.workbench.row_checks import asks_checks, checked_recipes, counter_of, judged, placed_check, run

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


def require_rows(
    bench: Workbench, planned: Sequence[PlannedResource], listener: Listener, *, strict: bool = False
) -> None:
    """Prepare the rows that the plan uploads. If it uploads or trains, run the checks without pinned results, and pin
    their results.

    strict: reject warnings too, except those that the spec waives. Raises RefusedError for unfit rows, for rows that
    the spec rejects, and for rows that are too long for the memory of the training; and the errors of reading rows.
    Nothing has been written to the workspace then.
    """
    recipes = checked_recipes(bench.resolved.facts.data.values())
    block = bench.loaded.spec.data.checks if bench.loaded.spec.data and recipes and _uses_rows(planned) else None
    if block is not None and (errors := licences(block, recipes)):
        raise RefusedError([placed_check(bench.loaded, d) for d in errors])
    for address, recipe in _uploaded(bench, planned):
        _prepare(address, recipe, listener)
    found = [*(_checked(bench, recipes, listener) if block is not None else ()), *_memory(bench, planned)]
    if errors_of(found):
        raise RefusedError(found)
    warnings, _ = split(found, bench.loaded.spec.waivers)
    if strict:
        require_strict(warnings)
    for warning in warnings:
        listener(Note(f"Warning: {warning.summary}"))


def _memory(bench: Workbench, planned: Sequence[PlannedResource]) -> Iterator[Diagnostic]:
    """Judge the memory of a training again if the plan did not know the lengths of its rows, which are known now."""
    model = bench.resolved.facts.base_model
    for resource, training in trainings(bench.stack, tuple(planned)):
        before = resource.details.get("memory") or {}
        found = finding(training, model.finetune.sizes if model else ())
        if found is not None and before.get("verdict") not in {Verdict.CANNOT_FIT, Verdict.TIGHT}:
            yield placed_check(bench.loaded, replace(found, path="compute.finetune.size"))


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


def _checked(bench: Workbench, recipes: Mapping[str, Recipe], listener: Listener) -> list[Diagnostic]:
    """Run the checks without pinned results, and pin these. Return the errors, and the warnings of fresh results:
    the plan shows those of the others."""
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
    return found if fresh else errors_of(found)


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
