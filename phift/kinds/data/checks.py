"""Check that all rows to upload are well formed."""

from __future__ import annotations

from collections.abc import Iterator

from phift.data.recipe import Recipe
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError
from phift.kinds.check import check, has
from phift.kinds.subject import Subject
from phift.plan.action import Action

__all__ = ["rows"]


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
