"""Apply after a merge, if the plan of the merged tree makes the changes that the pull request showed.

Trusted is the comment that the workflow itself wrote for the last commit of the merged pull request; see
docs/pull-requests.md. A plan without changes needs no approval.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phift.cli.approved import deviated
from phift.cli.ci.review import comment_text
from phift.cli.ci.run import Run
from phift.cli.many import apply_several, plan_several
from phift.errors import StalePlanError
from phift.exits import ExitCode
from phift.forge import Pull
from phift.git import git
from phift.plan.approval import Approval, Deviation

if TYPE_CHECKING:
    from phift.phases import ApplyOptions, ManyPlans

__all__ = ["Merge", "merge"]

_DEPTH = 20
"""Commits that are searched for an approval that is still in force."""

_AGAIN = "Open a pull request, for example with an empty commit: its comment shows the changes that are left to apply."


@dataclass(frozen=True)
class Merge:
    """The options of an apply. dry_run: only compare. resume: apply the rest of what was approved, after a detached
    apply."""

    dry_run: bool = False
    resume: bool = False


@dataclass(frozen=True)
class _Verdict:
    """error: why nothing is applied. later: whether the rest is left to a job that resumes."""

    pull: Pull | None
    error: StalePlanError | None = None
    found: tuple[Deviation, ...] = ()
    later: bool = False


def merge(run: Run, options: Merge, apply: ApplyOptions) -> int:
    """Compare and apply, and return the exit code: 0 too if the apply is detached, and was not asked to wait.

    Raises StalePlanError after posting the difference to the pull request, if there is one; not to resume, because the
    job of the merge has reported it.
    """
    from phift import phases

    # Another identity applies what this one compares, which only needs to read.
    settings = phases.PlanSettings(permissions=not options.dry_run)
    planned = plan_several(list(run.requests), run.connect, run.terminal, settings)
    if not planned.changes_something:
        run.output(changes="false")
        run.summarize(_text(run, planned))
        run.terminal.print(str(planned.counts) if planned.failed else "No changes.")
        return planned.exit_code
    verdict = _verdict(run, planned, resume=options.resume)
    if options.resume and verdict.pull and verdict.error is None and not _has_begun(run, planned, verdict.pull):
        verdict = _Verdict(verdict.pull, _not_begun(verdict.pull))
    if verdict.error is not None and options.resume:
        run.output(changes="false")
        run.terminal.print(f"Nothing to resume: {verdict.error}")
        return ExitCode.OK
    if verdict.error is not None:
        _stop(run, verdict, planned)
        raise verdict.error
    run.summarize(_text(run, planned))
    run.output(changes="false" if verdict.later else "true")
    if verdict.later:
        run.terminal.print(f"These changes belong to {_url(verdict)}, whose apply or the scheduled job makes them.")
        return ExitCode.OK
    run.terminal.print(f"The plan makes the changes that {_url(verdict)} showed.")
    if options.dry_run:
        return ExitCode.OK
    code = apply_several(planned, run.terminal, apply, auto_approve=True)
    return ExitCode.OK if code == ExitCode.DETACHED and not apply.wait else code


def _url(verdict: _Verdict) -> str:
    return verdict.pull.url if verdict.pull else "no pull request"


def _text(run: Run, planned: ManyPlans) -> str:
    from phift.cli.comments import links_of
    from phift.views.markdown import Comment

    links = links_of(run.requests[0].path, run.forge.source_url(run.forge.commit))
    return comment_text(planned, Comment(key=run.key, links=links, whole="see the log of this run"))


def _stop(run: Run, verdict: _Verdict, planned: ManyPlans) -> None:
    """Show why nothing is applied: on the pull request, and on the page of the run."""
    from phift.views.markdown_merge import stopped

    assert verdict.error is not None
    marker = run.marker("stopped")
    text = stopped(marker, verdict.error, verdict.found, run.forge.run_url)
    run.output(changes="false")
    run.summarize(text)
    run.summarize(_text(run, planned))
    if verdict.pull is not None:
        run.terminal.tell(f"Comment: {run.forge.write_comment(verdict.pull.number, marker, text)}")


def _verdict(run: Run, planned: ManyPlans, *, resume: bool) -> _Verdict:
    """Compare with the approval of the merged pull request. One that changes nothing leaves the one before in force."""
    first: _Verdict | None = None
    for pull in _merged(run):
        approval = _approval(run, pull)
        if isinstance(approval, StalePlanError):
            return first or _Verdict(pull, approval)
        failed = len(planned.failed)
        found = approval.deviations(planned.plans, failed=failed)
        rest = bool(found) and approval.continues(planned.plans, failed=failed)
        if not found or (rest and resume):
            return _Verdict(pull, later=first is not None and not resume)
        if rest and first is not None:
            return _Verdict(pull, later=True)
        first = first or _Verdict(pull, _differs(found, pull), found)
        if not approval.changes_nothing:
            return first
    return first or _Verdict(None, _unreviewed(run))


def _merged(run: Run) -> Iterator[Pull]:
    """Yield the pull requests merged last, newest first, without a gap: a commit that came otherwise ends it."""
    last: Pull | None = None
    for number, commit in enumerate(_commits(run)):
        pulls = run.forge.merged_pulls(commit, patient=not number)
        merged = [pull for pull in pulls if pull.merge == commit]
        if len(merged) == 1:
            last = merged[0]
            yield last
        elif last is None or last.number not in {pull.number for pull in pulls}:
            return  # neither a merge, nor an earlier commit of a rebased pull request


def _has_begun(run: Run, planned: ManyPlans, pull: Pull) -> bool:
    """Return whether one of the stacks has an unfinished apply that began after a merge.

    Only the apply job begins one, which the reviewers of its environment approve.
    """
    from phift import phases

    commits = _commits(run)
    since = commits[: commits.index(pull.merge) + 1]
    last = [phases.last_apply(one) for one in planned.planned if one.plan.changes_something]
    return any(
        one.holder.get("commit") in since and (one.outcome is None or not one.outcome.good) for one in last if one
    )


def _not_begun(pull: Pull) -> StalePlanError:
    return StalePlanError(
        f"no apply of pull request {pull.number} is waiting to be continued",
        detail="It was not approved in the environment yet, or it has ended.",
        remedy="Run the apply job of the merge.",
    )


def _commits(run: Run) -> list[str]:
    """Return the commit of the workflow and those before it on the branch."""
    here: Path = run.requests[0].path.absolute().parent
    listed = git(here, "rev-list", "--first-parent", f"--max-count={_DEPTH}", "--end-of-options", run.forge.commit)
    found = (listed or b"").decode(errors="replace").split()
    return found if found[:1] == [run.forge.commit] else [run.forge.commit]


def _approval(run: Run, pull: Pull) -> Approval | StalePlanError:
    comment = run.forge.comment(pull.number, run.marker("plan"))
    name = f"pull request {pull.number}"
    if comment is None:
        return StalePlanError(
            f"{name} was merged without a plan",
            detail="The comment of the workflow is missing. The workflow plans neither a pull request from a fork nor "
            "one whose job failed.",
            remedy=_AGAIN,
        )
    if comment.edited_by:
        return StalePlanError(
            f"the plan of {name} was edited by {comment.edited_by}",
            detail="Only the workflow may write the comment that is compared.",
            remedy=_AGAIN,
        )
    approval = Approval.read(comment.body)
    if approval is None:
        return StalePlanError(
            f"the comment of {name} does not contain a plan that this release of phift reads",
            detail="It was created by another release, or it is damaged.",
            remedy=_AGAIN,
        )
    if approval.commit != pull.head:
        return StalePlanError(
            f"the plan of {name} is not of its last commit",
            detail=f"It is of {approval.commit[:12]}; merged was {pull.head[:12]}.",
            remedy=f"Require the plan job before merging. {_AGAIN}",
        )
    return approval


def _differs(found: tuple[Deviation, ...], pull: Pull) -> StalePlanError:
    error = deviated(found)
    return StalePlanError(
        f"the plan of the merged tree differs from the one in pull request {pull.number}",
        detail=error.detail,
        remedy=f"The branch or the workspace has changed since. {_AGAIN}",
    )


def _unreviewed(run: Run) -> StalePlanError:
    return StalePlanError(
        f"commit {run.forge.commit[:12]} is not the merge of a pull request",
        detail="Changes that were not shown in a pull request are not applied.",
        remedy=f"Protect the branch against direct pushes. {_AGAIN}",
    )
