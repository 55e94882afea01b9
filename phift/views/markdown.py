"""A plan as a pull request comment: what it does and costs, each change collapsed below its resource, and a marker to
find and update it.

Names from a spec, a file or a workspace are untrusted (anybody may open a pull request): markdown_text.py escapes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from phift.plan.action import Purpose
from phift.plan.approval import Approval
from phift.plan.fingerprint import fingerprint
from phift.plan.model import Plan, PlannedResource
from phift.views.base import NO_OPTIONS, PlanOptions
from phift.views.harmless import harmless
from phift.views.human import plan as text
from phift.views.human.values import cut
from phift.views.human.words import kind_of_work
from phift.views.markdown_parts import Block, caution, diff_block, fitting, orphans, price, remarks, section
from phift.views.markdown_text import Links, code, escaped, html

__all__ = [
    "LIMIT",
    "Comment",
    "Since",
    "commit_of",
    "effect",
    "head",
    "marker",
    "plan",
    "sections",
    "since",
    "whole_plan",
]

LIMIT = 65_000
"""Maximum characters of a comment, below GitHub's limit of 65,536."""

_NOTE_ROOM = 1_000
"""Characters kept free for the note on what is left out."""

_DIFF_ROOM, _LEAST_DIFF = 16_000, 8_000
"""Maximum characters of the spec's diff, and what is kept free for it while the changes are placed."""

_APPROVAL_ROOM = 20_000

_NOT_A_NAME = re.compile(r"[^a-z0-9*.-]|--+")
"""Characters that no marker contains, and that would end it."""


@dataclass(frozen=True)
class Since:
    """What changed since a Git ref. spec: the unified diff of the rendered spec, empty if it is unchanged. data:
    sentences on the rows of the splits, without their content."""

    ref: str
    spec: str
    data: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comment:
    """What a comment shows besides the plans. key: of the marker, by default the stack. links: to files. whole: where
    the whole plan is, as Markdown. on_merge: what happens on merge, as Markdown. approval: stored in the comment.
    since: by stack. removed: the paths of specs that were removed since the ref."""

    key: str = ""
    links: Links = field(default_factory=Links)
    whole: str = ""
    on_merge: str = ""
    approval: Approval | None = None
    since: Mapping[str, Since] = field(default_factory=dict)
    removed: tuple[str, ...] = ()


def marker(key: str) -> str:
    """Return the comment's first line, which identifies it for updates by later plans."""
    return f"<!-- phift-plan:{_NOT_A_NAME.sub('', key)} -->"


def head(key: str, title: str, comment: Comment) -> str:
    """Return the marker, the approval and the title. title: Markdown."""
    lines = [marker(comment.key or key)]
    if comment.approval is not None:
        lines.append(comment.approval.line(_APPROVAL_ROOM))
    return "\n".join([*filter(None, lines), f"### phift plan: {title}"])


def plan(planned: Plan, options: PlanOptions = NO_OPTIONS, comment: Comment | None = None) -> str:
    """Return at most `LIMIT` characters. The summary leaves out the collapsed text."""
    comment = comment or Comment()
    listed = [] if options.summary else sections(planned, options)
    print_, lost = fingerprint(planned), caution([planned])
    planned = replace(harmless(replace(planned, resources=())), resources=planned.resources)
    title = f"{code(cut(planned.stack, 80))} on {code(cut(planned.target, 80))}"
    parts = [head(planned.stack, title, comment), f"**{text.count_line(planned)}**", *lost, *orphans(comment.removed)]
    parts += effect(planned, comment)
    if planned.cost is not None:
        parts.append(price(planned.cost, planned.purpose))
    parts += remarks(planned, comment.links)
    changed = comment.since.get(planned.stack)
    last = f"<sub>{html(cut(planned.spec_path, 200))}, {commit_of(comment)}planned {html(cut(planned.created, 40))}"
    last += f", fingerprint {html(print_)}</sub>" if planned.changes_something else "</sub>"
    room = LIMIT - len("\n\n".join([*parts, last])) - _NOTE_ROOM
    diff = min(len(changed.spec), _LEAST_DIFF) + 600 + sum(map(len, changed.data)) if changed else 0
    shown, without, left_out = fitting(listed, room - diff)
    parts += shown
    if note := _cut_note(without, left_out, comment.whole or whole_plan(planned)):
        parts.append(note)
    if changed is not None and not options.summary:
        parts += since(changed, room - sum(len(part) + 2 for part in shown))
    return "\n\n".join([*parts, last])


def commit_of(comment: Comment) -> str:
    """Return the commit that was planned, for the last line: a comment can be of an earlier one."""
    return f"commit {html(comment.approval.commit[:12])}, " if comment.approval else ""


def sections(planned: Plan, options: PlanOptions) -> list[Block]:
    """Return the resources to show."""
    return [section(r, suppressed=options.show_suppressed) for r in planned.resources if _is_shown(r, options)]


def effect(planned: Plan, comment: Comment) -> list[str]:
    """Return what the apply does, and when."""
    if not planned.changes_something:
        return []
    verb = {Purpose.APPLY: "An apply", Purpose.DESTROY: "A destroy", Purpose.EXPIRE: "An expiry"}[planned.purpose]
    when = "On merge" if comment.on_merge else verb
    return [f"**{when}:** {escaped(kind_of_work(planned))}.", *filter(None, [comment.on_merge])]


def since(changed: Since, room: int) -> list[str]:
    """Return what changed in the data and in the rendered spec since a ref, in at most `room` characters."""
    ref = escaped(cut(changed.ref, 100))
    parts = []
    if changed.data:
        parts.append("\n".join([f"**Data** since {ref}", "", *(f"- {line}" for line in changed.data)]))
    room = min(room - sum(map(len, parts)) - 600, _DIFF_ROOM)
    if not changed.spec:
        parts.append(f"The rendered spec is unchanged since {ref}.")
    elif room < 200:
        parts.append(f"The diff of the rendered spec since {ref} is not shown: the comment would be too long.")
    else:
        parts.append(diff_block(f"Changes of the rendered spec since {cut(changed.ref, 100)}", changed.spec, room))
    return parts


def whole_plan(planned: Plan) -> str:
    """Return where the whole plan is shown, if nothing else is known."""
    return f"run {code(f'phift plan {cut(planned.spec_words, 300)}')}"


def _is_shown(resource: PlannedResource, options: PlanOptions) -> bool:
    suppressed = options.show_suppressed and len(resource.changes) > len(resource.visible_changes)
    return resource.action.changes_something or options.show_unchanged or suppressed


def _cut_note(without: int, left_out: int, whole: str) -> str:
    said = [f"{without} shown without details"] if without else []
    said += [f"{left_out} not shown"] if left_out else []
    if not said:
        return ""
    return f"**Cut to {LIMIT:,} characters**; resources: {', '.join(said)}. For the whole plan, {whole}."
