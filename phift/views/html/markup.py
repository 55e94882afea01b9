"""Build safe markup: every text is made inert and escaped, so that it can neither become markup nor deceive the reader.

Templates get the same treatment from `finalized`, which the environment applies to every expression.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from markupsafe import Markup, escape

from phift.inert import inert

__all__ = ["Markup", "finalized", "joined", "tag", "text"]

_EMPTY = frozenset({"circle", "line", "path", "rect", "polyline", "use"})
"""Elements that have no content unless some is given."""


def text(value: Any) -> Markup:
    """Return a text with active characters spelled out, such as `\\u202e`, and with HTML escaped."""
    return escape(inert(str(value), keep="\n"))


def finalized(value: Any) -> Any:
    """Make the result of a template expression inert; markup built by this module is unchanged, None is empty."""
    if isinstance(value, Markup):
        return value
    return "" if value is None else inert(str(value), keep="\n")


def tag(name: str, *children: str | Markup, **attributes: object) -> Markup:
    """Return an element. attributes: `class_` and `aria_label` become `class` and `aria-label`; those that are None or
    False are left out. children: markup, or texts to escape."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(number(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    inside = "".join(child if isinstance(child, Markup) else text(child) for child in children)
    if not inside and name in _EMPTY:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{inside}</{name}>")


def joined(parts: Iterable[Markup]) -> Markup:
    """Return markup one after the other."""
    return Markup("".join(parts))


def number(value: object) -> object:
    """Return a coordinate with at most two decimals; other values unchanged."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") or "0"
    return value
