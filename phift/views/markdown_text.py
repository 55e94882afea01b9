"""Untrusted text in Markdown: shown literally, never as Markdown, HTML, a link, a mention or a reference."""

from __future__ import annotations

import re

from phift.inert import inert

__all__ = ["code", "escaped", "html"]

_TICKS = re.compile("`+")
_MARKS = re.compile(r"([\\`*\[\]~$|]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
"""Punctuation with a meaning in inline Markdown; & and < become entities."""

_ACTING = re.compile(
    r"""
      @ | [#] | :// | (?i:www\. | mailto: | xmpp:)                        # mentions, references, links
    | (?<![A-Za-z0-9-]) (?: (?i:GH) | [A-Z][A-Z0-9]+ ) -[0-9]+           # GH-1, and references to trackers
    | (?<![A-Za-z0-9_-]) [0-9a-fA-F]{7,64} (?![A-Za-z0-9_-])             # commits
    | :[a-z+-][a-z0-9_+-]*:                                             # emoji
    """,
    re.VERBOSE,
)
"""Patterns that GitHub turns into links outside of code spans."""


def code(text: str, *, cell: bool = False) -> str:
    """Return a name, a file or a value as a code span that its content cannot end. cell: within a table."""
    said = " ".join(inert(text).split())
    if not said:
        return ""
    if cell and "|" in said:
        # A bar always ends the cell: GitHub splits cells before it parses code spans.
        return f"<code>{_entities(said)}</code>"
    fence = "`" * (max(map(len, _TICKS.findall(said)), default=0) + 1)
    pad = " " if "`" in (said[0], said[-1]) else ""
    return f"{fence}{pad}{said}{pad}{fence}"


def escaped(text: str, *, cell: bool = False) -> str:
    """Return a sentence as text. Words that GitHub would turn into links become code spans."""
    return " ".join(code(word, cell=cell) if _ACTING.search(word) else _plain(word) for word in inert(text).split())


def html(text: str) -> str:
    """Return the same for HTML, as in a `<summary>`."""
    return " ".join(
        f"<code>{_entities(word)}</code>" if _ACTING.search(word) else _entities(word) for word in inert(text).split()
    )


def _plain(word: str) -> str:
    return _MARKS.sub(r"\\\1", word.replace("&", "&amp;").replace("<", "&lt;"))


def _entities(text: str) -> str:
    """Escape Markdown punctuation too: it is interpreted within inline HTML."""
    replaced = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return _MARKS.sub(lambda m: f"&#{ord(m[1])};", replaced)
