"""Select the view for a `--format`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from phift.cli.options import Format, PlanFormat
from phift.views.base import NO_OPTIONS, PlanOptions, PlanView

if TYPE_CHECKING:
    from phift.phases import FoundStack, Request, WatchedStack
    from phift.plan.model import Plan

__all__ = ["forgotten_view", "many_view", "plan_view"]


def plan_view(format: PlanFormat, *, base: str | None = None, request: Request | None = None) -> PlanView:
    """Return the view of a plan, importing only that view.

    request: that the plan was made from, to show where its values come from. base: the Git ref that markdown diffs the
    rendered spec against. Raises UsageError if it does not exist.
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
        case PlanFormat.HTML:
            from phift.views.html.plans import plan as html

            return _with_values(html, request) if request else html
        case PlanFormat.GITHUB:
            from phift.views.plan_findings import github

            return github
        case PlanFormat.SARIF:
            from phift.views.plan_findings import sarif

            return sarif
        case PlanFormat.TEXT:
            from phift.views.human.plan import render as text

            return text


def _with_values(html: Callable[..., str], request: Request) -> PlanView:
    """Return the view with the origins of the values of the spec, read when it is called: the plan pins the defaults
    of the model and the component."""

    def view(planned: Plan, options: PlanOptions = NO_OPTIONS, /) -> str:
        from phift import spec as specs
        from phift.defaults import defaults_of
        from phift.workbench.request import load

        loaded = load(request)
        return html(planned, options, values=specs.render(loaded, defaults_of(loaded).values))

    return view


def many_view(format: PlanFormat) -> Callable[..., str]:
    """Return the view of the plans of several stacks."""
    match format:
        case PlanFormat.JSON:
            from phift.views.several import plans as json

            return json
        case PlanFormat.MD:
            from phift.views.markdown_several import plans as markdown

            return markdown
        case PlanFormat.HTML:
            from phift.views.html.plans import plans as html

            return html
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
