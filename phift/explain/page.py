"""Generate docs/diagnostics.md from the explanations."""

from __future__ import annotations

from itertools import groupby

from phift.explain.catalogue import Explanation, explanations

__all__ = ["page"]

_HEAD = """\
# Diagnostics

Every finding of phift has a code: `error[size-not-allowed]: ...`. Codes are stable: scripts can rely on them, in the
text and in the key `code` of JSON output. `phift explain CODE` prints the same explanations; `phift explain` lists all
codes.

Fragments of a spec belong to [configs/quickstart.yaml](../configs/quickstart.yaml).

<!-- Generated: python -m phift.explain > docs/diagnostics.md -->
"""


def page() -> str:
    """Return the content of docs/diagnostics.md."""
    parts = [_HEAD]
    areas = [(area, list(several)) for area, several in groupby(explanations().values(), key=lambda e: e.area)]
    for area, several in areas:
        links = " · ".join(f"[{one.code}](#{one.code})" for one in several)
        parts.append(f"**{area}**: {links}\n")
    for area, several in areas:
        parts.append(f"## {area}\n")
        parts += [_entry(one) for one in several]
    return "\n".join(parts)


def _entry(one: Explanation) -> str:
    return (
        f"### {one.code}\n\n"
        f"**{one.title}.** {_joined(one.means)}\n\n"
        f"*Why:* {_joined(one.why)}\n\n"
        f"```{_language(one, one.bad)}\n{one.bad}\n```\n\n"
        f"*Fix:* {_joined(one.fix)}\n\n"
        f"```{_language(one, one.good)}\n{one.good}\n```\n"
    )


def _joined(text: str) -> str:
    return " ".join(text.split())


def _language(one: Explanation, example: str) -> str:
    """Return the language of an example, for highlighting."""
    if example.startswith("$ "):
        return "console"
    if not one.run.startswith("rows"):
        return "yaml"
    return "csv" if one.run.endswith(".csv") else "json" if example.startswith(("{", "[")) else "text"
