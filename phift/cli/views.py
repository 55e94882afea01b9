"""Which view a `--format` means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from phift.cli.options import Format, PlanFormat
from phift.views.base import PlanView

if TYPE_CHECKING:
    from phift.phases import FoundStack, Request

__all__ = ["forgotten_view", "many_view", "plan_view"]


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


def many_view(format: PlanFormat) -> Callable[..., str]:
    """The view of the plans of many stacks."""
    match format:
        case PlanFormat.JSON:
            from phift.views.several import plans as json

            return json
        case PlanFormat.MD:
            from phift.views.markdown_several import plans as markdown

            return markdown
        case PlanFormat.TEXT:
            from phift.views.human.many import plans as text

            return text


def forgotten_view(format: Format) -> Callable[[Sequence[FoundStack]], str]:
    """The view of stacks that no spec makes."""
    if format is Format.JSON:
        from phift.views.several import forgotten as json

        return json
    from phift.views.human.many import forgotten as text

    return text
