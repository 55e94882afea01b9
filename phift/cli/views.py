"""Select the view for a `--format`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from phift.cli.options import Format, PlanFormat
from phift.views.base import PlanView

if TYPE_CHECKING:
    from phift.phases import FoundStack, WatchedStack
    from phift.views.markdown import Comment

__all__ = ["forgotten_view", "many_view", "plan_view"]


def plan_view(format: PlanFormat, comment: Callable[[], Comment] | None = None) -> PlanView:
    """Return the view of a plan, importing only that view.

    comment: returns what a comment in Markdown shows besides the plan.
    """
    match format:
        case PlanFormat.JSON:
            from phift.views.json import plan as json

            return json
        case PlanFormat.MD:
            from functools import partial

            from phift.views.markdown import plan as markdown

            return partial(markdown, comment=comment() if comment else None)
        case PlanFormat.GITHUB:
            from phift.views.plan_findings import github

            return github
        case PlanFormat.SARIF:
            from phift.views.plan_findings import sarif

            return sarif
        case PlanFormat.TEXT:
            from phift.views.human.plan import render as text

            return text


def many_view(format: PlanFormat, comment: Callable[[], Comment] | None = None) -> Callable[..., str]:
    """Return the view of the plans of several stacks. comment: as of `plan_view`."""
    match format:
        case PlanFormat.JSON:
            from phift.views.several import plans as json

            return json
        case PlanFormat.MD:
            from functools import partial

            from phift.views.markdown_several import plans as markdown

            return partial(markdown, comment=comment() if comment else None)
        case PlanFormat.GITHUB:
            from phift.views.plan_findings import github_of_many

            return github_of_many
        case PlanFormat.SARIF:
            from phift.views.plan_findings import sarif_of_many

            return sarif_of_many
        case PlanFormat.TEXT:
            from phift.views.human.many import plans as text

            return text


def forgotten_view(format: Format) -> Callable[[Sequence[FoundStack], Sequence[WatchedStack]], str]:
    """Return the view of stacks with no matching spec, and of what is billed while nobody watches."""
    if format is Format.JSON:
        from phift.views.several import forgotten as json

        return json
    from phift.views.human.many import forgotten as text

    return text
