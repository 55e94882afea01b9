"""Plan for a pull request: the comment, annotations, the log, the summary of the run."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phift.cli.ci.run import Run
from phift.cli.comments import links_of, since
from phift.cli.many import plan_several
from phift.cli.views import many_view
from phift.kinds.words import plural
from phift.phases.results import Planned
from phift.plan.approval import Approval
from phift.views.base import PlanOptions
from phift.views.markdown_text import code

if TYPE_CHECKING:
    from phift.phases import ManyPlans
    from phift.views.markdown import Comment

__all__ = ["Review", "comment_text", "review"]


@dataclass(frozen=True)
class Review:
    """The options of a review. base: the Git ref to show changes since, and its name for people. environment: named in
    the comment. no_wait: whether the apply after the merge does not wait for the training."""

    base: str = ""
    base_name: str = ""
    environment: str = ""
    no_wait: bool = False
    strict: bool = False


def review(run: Run, options: Review) -> int:
    """Plan, show the plan, and create or update the comment. Return the most severe exit code of the plans.

    For an event without a pull request, the plan is only shown.
    """
    from phift import phases
    from phift.cli.options import PlanFormat

    # Another identity applies: this one only needs to read.
    settings = phases.PlanSettings(strict=options.strict, permissions=False)
    planned = plan_several(list(run.requests), run.connect, run.terminal, settings)
    pull = run.forge.pull()
    commit = pull.head if pull else run.forge.commit
    run.terminal.print(many_view(PlanFormat.TEXT)(planned, PlanOptions(run.terminal.streams.out_style)))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        run.terminal.print(many_view(PlanFormat.GITHUB)(planned))
    comment = _comment(run, planned, commit, options)
    text = comment_text(planned, comment)
    run.summarize(text)
    if pull is not None:
        run.terminal.tell(f"Comment: {run.forge.write_comment(pull.number, run.marker('plan'), text)}")
    return planned.exit_code


def comment_text(planned: ManyPlans, comment: Comment) -> str:
    """Return the comment: of one stack, or of several."""
    from phift.views.markdown import plan
    from phift.views.markdown_several import plans

    first = planned.stacks[0] if len(planned.stacks) == 1 else None
    return plan(first.plan, comment=comment) if isinstance(first, Planned) else plans(planned, comment=comment)


def _comment(run: Run, planned: ManyPlans, commit: str, options: Review) -> Comment:
    from phift.cli.base_ref import removed_specs
    from phift.views.markdown import Comment

    links = links_of(run.requests[0].path, run.forge.source_url(commit))
    changing = {one.stack: one.request for one in planned.planned if one.plan.changes_something}
    changed = since(changing, options.base, run.connect)
    return Comment(
        key=run.key,
        links=links,
        whole=f"see the log of [the run]({run.forge.run_url})",
        on_merge=_on_merge(options, len(planned.failed)) if changing or planned.failed else "",
        approval=Approval.of(planned.plans, commit, failed=len(planned.failed)),
        since={stack: replace(one, ref=options.base_name or one.ref) for stack, one in changed.items()},
        removed=removed_specs(run.requests[0].path.absolute().parent, options.base) if options.base else (),
    )


def _on_merge(options: Review, failed: int) -> str:
    if failed:
        return f"Nothing is applied, because {plural(failed, 'stack')} could not be planned."
    where = f" in environment {code(options.environment)}" if options.environment else ""
    later = " It does not wait for the training: a scheduled job continues when the training has ended."
    return (
        f"The plan of the merged tree is compared with this one. The same changes are applied{where}; other changes "
        f"are not applied, but posted here.{later if options.no_wait else ''}"
    )
