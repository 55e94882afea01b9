"""Which view a `--format` means."""

from __future__ import annotations

from phift.cli.options import PlanFormat
from phift.views.base import PlanView

__all__ = ["plan_view"]


def plan_view(format: PlanFormat) -> PlanView:
    """The view of a plan; only the one that is used is imported."""
    match format:
        case PlanFormat.JSON:
            from phift.views.json import plan as json

            return json
        case PlanFormat.MD:
            from phift.views.markdown import plan as markdown

            return markdown
        case PlanFormat.TEXT:
            from phift.views.human.plan import render as text

            return text
