"""Select the view for a `--format`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from phift.cli.options import Format, PlanFormat
from phift.views.base import PlanView

if TYPE_CHECKING:
    from phift.phases import FoundStack, Request, WatchedStack

__all__ = ["forgotten_view", "many_view", "plan_view"]


def plan_view(format: PlanFormat, *, base: str | None = None, request: Request | None = None) -> PlanView:
    """Return the view of a plan, importing only that view.

    base: the Git ref that markdown diffs the rendered spec against. Raises UsageError if it does not exist.
    """
    match format:
        case PlanFormat.JSON:
            from phift.views.json import plan as json

            return json
        case PlanFormat.MD:
            from phift.views.markdown import plan as markdown

            if base and request:
                from functools import partial

                from phift.cli.base_ref import rendered_diff

                return partial(markdown, base=base, spec_diff=rendered_diff(request, base))
            return markdown
        case PlanFormat.GITHUB:
            from phift.views.plan_findings import github

            return github
        case PlanFormat.SARIF:
            from phift.views.plan_findings import sarif

            return sarif
        case PlanFormat.TEXT:
            from phift.views.human.plan import render as text

            return text


def many_view(format: PlanFormat) -> Callable[..., str]:
    """Return the view of the plans of several stacks."""
    match format:
        case PlanFormat.JSON:
            from phift.views.several import plans as json

            return json
        case PlanFormat.MD:
            from phift.views.markdown_several import plans as markdown

            return markdown
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
