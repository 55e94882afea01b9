"""The data checks of a spec that need no workspace: run on prepared rows, and judged by `data.checks`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from phift.data.cache import prepared
from phift.data.checks import CHECKED, Found, found_in, licences, verdicts
from phift.data.recipe import Recipe
from phift.data.stats import Measures, Meter
from phift.data.tokens import TokenCounter, token_counter
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError, RefusedError
from phift.once import Once
from phift.spec import LoadedSpec
from phift.state.facts import DataFacts

__all__ = ["asks_checks", "checked_recipes", "counter_of", "judged", "placed_check", "run"]

_MEASURED = Once()
"""Results by recipe and token counter: stacks of a run that share a data version measure it once."""


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
    return [placed_check(loaded, d) for d in (*licences(block, recipes), *verdicts(block, found))]


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


def placed_check(loaded: LoadedSpec, found: Diagnostic) -> Diagnostic:
    """Add the position of its path to a finding."""
    return replace(found, mark=loaded.mark(found.path))
