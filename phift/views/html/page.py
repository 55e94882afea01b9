"""Render the templates to one self-contained document whose only style and script are its own, by their hashes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from phift import __version__
from phift.clock import duration
from phift.views.html.markup import Markup, finalized

__all__ = ["Link", "document", "policy"]


class Link(NamedTuple):
    """An entry of the navigation."""

    id: str
    text: str


def document(
    template: str,
    *,
    title: str,
    where: str,
    created: str,
    counts: Sequence[tuple[str, str, int, str]] = (),
    verdict: str = "",
    money: str = "",
    links: Sequence[Link] = (),
    **parts: Any,
) -> str:
    """Return a whole document. template: of its main part. title: of the document. where: below the title. counts: of
    the summary, as (tone, symbol, number, words). parts: of the template."""
    style, script = _asset("style.css"), _asset("script.js")
    made: Mapping[str, Any] = {
        "title": title, "where": where, "created": created, "counts": counts, "verdict": verdict, "money": money,
        "links": links, "style": Markup(style), "script": Markup(script), "policy": policy(style, script),
        "version": __version__,
    }  # fmt: skip
    return _environment().get_template(template).render(**made, **parts).rstrip("\n")


def policy(style: str, script: str) -> str:
    """Return the content security policy of a document with exactly this style and this script."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _asset(name: str) -> str:
    return (files("phift.views.html") / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("phift.views.html"),
        autoescape=True,
        finalize=finalized,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["seconds"] = duration
    return made
