"""The outputs of an apply: metrics, the registered model, the endpoint, answers, and next steps."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from phift.apply.events import ApplyFinished
from phift.errors import DetachedError
from phift.kinds.registry import KINDS
from phift.kinds.words import ResultBlock, plural
from phift.plan.action import Purpose
from phift.plan.model import Plan
from phift.views.base import PLAIN, Style
from phift.views.human.conversation import conversation
from phift.views.human.values import duration, table

__all__ = ["complete_line", "results"]

LOCAL = "local"
"""The target without a working studio URL."""

_ROWS = 3
_LINES = 8
"""Rows of a test to show, and lines of each text."""

_COLUMN = 10
"""Where the text behind a title begins."""


def complete_line(result: ApplyFinished, style: Style = PLAIN) -> str:
    """Return Terraform's last line, with the actual counts."""
    counted = f"{result.added} added, {result.changed} changed, {result.destroyed} destroyed."
    verb = {Purpose.APPLY: "Apply", Purpose.DESTROY: "Destroy", Purpose.EXPIRE: "Expire"}[result.plan.purpose]
    if result.exit_code == DetachedError.exit_code:
        head = style.bold(style.yellow("Detached. Work continues in Azure ML; re-run this command to resume."))
        return f"{head}\nResources: {counted}"
    if result.failed or result.exit_code:
        return f"{style.bold(style.red(f'{verb} incomplete!'))} Resources: {counted[:-1]}, {len(result.failed)} failed."
    if result.plan.purpose != Purpose.APPLY:
        counted = f"{result.destroyed} destroyed."
    return f"{style.bold(style.green(f'{verb} complete!'))} Resources: {counted}"


def results(result: ApplyFinished, *, style: Style = PLAIN) -> str:
    """Return everything below the last line, one block per kind of output; empty if there are no outputs."""
    local = result.plan.target == LOCAL
    outputs: dict[str, list[Mapping[str, Any]]] = {name: [] for name in KINDS}
    for address, known in result.outputs.items():
        if known:
            outputs[address.partition(".")[0]].append(known)
    found = (KINDS[name].result(known, local) for name, several in outputs.items() for known in several)
    blocks = [list(_block(one, style)) for one in found if one is not None]
    if result.phases:
        spent = ", ".join(f"{name} {duration(seconds)}" for name, seconds in result.phases.items())
        lines = textwrap.wrap(f"{duration(result.elapsed)} ({spent})", max(style.width - 10, 30))
        blocks.append([f"{style.bold('Time')}      {lines[0]}", *(" " * 10 + line for line in lines[1:])])
    following = list(_next(result.plan, {name for name, several in outputs.items() if several}))
    if following and not result.exit_code:
        blocks.append([style.bold("Next"), *(f"  {line}" for line in following)])
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _block(block: ResultBlock, style: Style) -> Iterator[str]:
    title = style.bold(block.title)
    yield f"{title}{' ' * (_COLUMN - len(block.title))}{block.text}" if block.text else title
    yield from table(block.rows, indent="  ")
    yield from conversation(list(block.answers[:_ROWS]), style=style, lines=_LINES)
    if len(block.answers) > _ROWS:
        yield f"  and {plural(len(block.answers) - _ROWS, 'more row')}; to see all, use apply --json"


def _next(plan: Plan, kinds: Collection[str]) -> Iterator[str]:
    if plan.purpose != Purpose.APPLY:
        return
    spec = plan.spec_words
    traits = [KINDS[name].traits for name in kinds]
    serves = any(one.hosts or one.serves for one in traits)
    trains = any(one.trains for one in traits)
    rows = [
        *([(f"phift metrics {spec}", "show training metrics")] if trains and not serves else []),
        *([(f'phift invoke {spec} "Hello"', "send a message")] if serves else []),
        (f"phift status {spec}", "show the current state"),
        (f"phift destroy {spec}", "delete billed resources"),
    ]
    yield from table(rows)
