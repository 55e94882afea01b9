"""`phift status`: the current state of the stack."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from phift.views.base import PLAIN, Style
from phift.views.human.values import cut, table, value

if TYPE_CHECKING:
    from phift.phases import Status, StatusRow

__all__ = ["render"]

GOOD = {"succeeded", "completed", "active", "ready", "steady", "running"}
BAD = {"failed", "canceled", "missing", "notresponding"}

_VERSION = re.compile(r"/(?:models|components)/([^/]+)/versions/([^/]+)$", re.IGNORECASE)
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")


def render(status: Status, *, style: Style = PLAIN) -> str:
    """Return a line per resource with its main facts below, then notes, then commands.

    Commands are never wrapped, so that they can be copied.
    """
    lines = [f"Stack {style.bold(status.stack)} in workspace {style.bold(status.workspace)}", ""]
    rows = [("RESOURCE", "NAME", "STATE"), *((r.address, r.identity or "-", r.state) for r in status.rows)]
    drawn = table(rows)
    below = " " * (max(len(address) for address, _, _ in rows) + 2)
    shares = {k.lower(): v for r in status.rows for k, v in (r.details.get("traffic") or {}).items()}
    lines.append(style.dim(drawn[0]))
    for row, line in zip(status.rows, drawn[1:], strict=True):
        word = row.state.lower()
        paint = style.green if word in GOOD else style.red if word in BAD else str
        lines.append(line[: len(line) - len(row.state)] + paint(row.state) if row.state else line)
        lines += [style.dim(below + said) for said in _details(row, shares, style.width - len(below))]
    for note in status.notes:
        lines += ["", textwrap.fill(note, style.width)]
    if status.commands:
        lines += ["", style.bold("Try")]
        for command in status.commands:
            lines += [command, ""]
        lines.pop()
    return "\n".join(lines)


def _details(row: StatusRow, shares: Mapping[str, Any], width: int) -> list[str]:
    """Return the main facts of this kind; `--format json` has all of them."""
    facts = dict(row.details)
    kind = row.address.partition(".")[0]
    said: list[str] = []
    match kind:
        case "compute":
            nodes, busy = facts.pop("nodes", None), facts.pop("busy", None)
            counted = f"{_plural(nodes, 'node')}, {busy or 0} busy" if nodes is not None else ""
            said += [_joined(counted, str(facts.pop("allocation", "")).lower())]
            facts.pop("type", None)
        case "data":
            rows, uri = facts.pop("rows", None), str(facts.pop("uri", ""))
            said += [_joined(_plural(rows, "row") if rows is not None else "", _short(uri))]
            facts.pop("content", None)
        case "job":
            facts.pop("ended", None)
        case "model":
            job = facts.pop("job", "")
            said += [f"trained by {job}" if job else _short(str(facts.get("uri", "")))]
            facts.pop("uri", None)
        case "endpoint":
            # Never cut, so that it can be copied.
            said += [str(facts.pop("scoring_uri", ""))]
            facts.pop("traffic", None)
        case "deployment":
            count = facts.pop("instances", None)
            found = _VERSION.search(str(facts.pop("model", "")))
            served = f"{shares.get(row.identity.lower(), 0)} % of the traffic"
            instances = _plural(count, "instance") if count is not None else ""
            present = row.state != "missing"
            said += [_joined(f"{found[1]}:{found[2]}" if found else "", instances, served if present else "")]
    rest = [cut(f"{name}: {text if isinstance(text, str) else value(text)}", width) for name, text in facts.items()]
    return [line for line in (*said, *rest) if line]


def _short(uri: str) -> str:
    """Return the path in the datastore, with its digest cut to the first twelve digits."""
    return _DIGEST.sub(r"\1...", uri.partition("/paths/")[2])


def _plural(count: Any, one: str) -> str:
    return f"{count} {one}" if str(count) == "1" else f"{count} {one}s"


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
