"""The list of all checks in docs/preflight.md."""

from __future__ import annotations

from phift.preflight.run import all_checks

__all__ = ["updated"]

_START, _END = "<!-- checks -->\n", "<!-- /checks -->"


def updated(page: str) -> str:
    """Return the page with the current list between its two comments. Raises ValueError if it lacks them."""
    head, tail = page.index(_START) + len(_START), page.index(_END)
    rows = "".join(f"| `{each.name}` | {each.source} |\n" for each in all_checks())
    return f"{page[:head]}| check | reads from |\n|---|---|\n{rows}{page[tail:]}"
