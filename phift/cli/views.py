"""Which view a `--format` means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phift.cli.options import PlanFormat
from phift.views.base import PlanView

if TYPE_CHECKING:
    from phift.phases import Request

__all__ = ["plan_view"]


def plan_view(format: PlanFormat, *, base: str | None = None, request: Request | None = None) -> PlanView:
    """The view of a plan; only the one that is used is imported.

    base: a git ref that markdown compares the request's rendered spec with. Raises UsageError for one that is none.
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
        case PlanFormat.TEXT:
            from phift.views.human.plan import render as text

            return text
