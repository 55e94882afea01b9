"""Select the view for a `--format`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from phift.cli.options import PlanFormat
from phift.views.base import NO_OPTIONS, PlanOptions, PlanView

if TYPE_CHECKING:
    from phift.phases import Request
    from phift.plan.model import Plan
    from phift.views.markdown import Comment

__all__ = ["many_view", "plan_view"]


def plan_view(
    format: PlanFormat, *, comment: Callable[[], Comment] | None = None, request: Request | None = None
) -> PlanView:
    """Return the view of a plan, importing only that view.

    comment: returns what a comment in Markdown shows besides the plan. request: that the plan was made from, to show in
    HTML where its values come from.
    """
    match format:
        case PlanFormat.JSON:
            from phift.views.json import plan as json

            return json
        case PlanFormat.MD:
            from functools import partial

            from phift.views.markdown import plan as markdown

            return partial(markdown, comment=comment() if comment else None)
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
