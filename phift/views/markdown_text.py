"""Text of others within Markdown: shown letter by letter, never Markdown, HTML, a link, a mention or a reference."""

from __future__ import annotations

import re

from phift.inert import inert

__all__ = ["code", "escaped", "html"]

_TICKS = re.compile("`+")
_MARKS = re.compile(r"([\\`*\[\]~$|]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
"""Punctuation that Markdown acts on within a line; & and < become entities."""

_ACTING = re.compile(
    r"""
      @ | [#] | :// | (?i:www\. | mailto: | xmpp:)                        # mentions, references, links
    | (?<![A-Za-z0-9-]) (?: (?i:GH) | [A-Z][A-Z0-9]+ ) -[0-9]+           # GH-1, and references to trackers
    | (?<![A-Za-z0-9_-]) [0-9a-fA-F]{7,64} (?![A-Za-z0-9_-])             # commits
    | :[a-z+-][a-z0-9_+-]*:                                             # emoji
    """,
    re.VERBOSE,
)
"""What a word must not hold outside of a code span, where GitHub turns nothing into a link."""


def code(text: str, *, cell: bool = False) -> str:
    """A name, a file or a value as a code span, which nothing in it can end. cell: within a table."""
    said = " ".join(inert(text).split())
    if not said:
        return ""
    if cell and "|" in said:
        # A bar ends the cell, whatever stands before it, as code spans are found only after the cells.
        return f"<code>{_entities(said)}</code>"
    fence = "`" * (max(map(len, _TICKS.findall(said)), default=0) + 1)
    pad = " " if "`" in (said[0], said[-1]) else ""
    return f"{fence}{pad}{said}{pad}{fence}"


def escaped(text: str, *, cell: bool = False) -> str:
    """A sentence as text. Words in it that GitHub would act on become code spans."""
    return " ".join(code(word, cell=cell) if _ACTING.search(word) else _plain(word) for word in inert(text).split())


def html(text: str) -> str:
    """The same within HTML, as in a `<summary>`."""
    return " ".join(
        f"<code>{_entities(word)}</code>" if _ACTING.search(word) else _entities(word) for word in inert(text).split()
    )


def _plain(word: str) -> str:
    return _MARKS.sub(r"\\\1", word.replace("&", "&amp;").replace("<", "&lt;"))


def _entities(text: str) -> str:
    """Punctuation of Markdown too: it acts in HTML that stands within a line."""
    replaced = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return _MARKS.sub(lambda m: f"&#{ord(m[1])};", replaced)
