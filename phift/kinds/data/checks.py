"""Check that all rows to upload are well formed, and that a classifier can learn from them."""

from __future__ import annotations

from collections.abc import Iterator

from phift.data.recipe import Recipe
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError
from phift.kinds.check import check, has
from phift.kinds.data.compile import TRAINED_ON
from phift.kinds.subject import Subject
from phift.plan.action import Action

__all__ = ["classes", "rows"]


@check("data-rows", reads="all rows to upload", source="local files", applies=has("data"))
def rows(subject: Subject) -> Iterator[Diagnostic]:
    """Yield the findings of the data checks, with file and line."""
    for planned in subject.planned:
        desired = subject.stack.resource(planned.address)
        if planned.address.kind != "data" or planned.action is not Action.CREATE or desired is None:
            continue
        recipe: Recipe | None = desired.parts.recipe
        if recipe is None or recipe.identity.hub is not None or recipe.identity.remote is not None:
            continue  # a plan does not download data: apply checks these rows before it uploads them
        from phift.data.cache import prepared  # reads all formats, and most plans upload nothing

        try:
            prepared(recipe)
        except InvalidSpecError as error:
            yield from error.diagnostics


@check("data-classes", reads="classes of all rows to upload", source="local files", applies=has("data"))
def classes(subject: Subject) -> Iterator[Diagnostic]:
    """data-classes: of a text classification, when rows are uploaded."""
    adds = any(p.address.kind == "data" and p.action is Action.CREATE for p in subject.planned)
    recipes = {split: one.recipe for split, one in subject.facts.data.items() if split in TRAINED_ON}
    table = recipes["train"].table if adds and recipes.get("train") else None
    if table is None or not table.classifies or not all(one and one.identity.files for one in recipes.values()):
        return
    from phift.data.cache import prepared
    from phift.data.classes import class_problems

    try:
        files = {split: prepared(recipe).path for split, recipe in recipes.items()}
    except InvalidSpecError:
        return  # `rows` reports them
    for problem in class_problems(table, files):
        yield subject.at(problem.path, problem)
