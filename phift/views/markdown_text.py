"""Untrusted text in Markdown: shown literally, never as Markdown, HTML, a link, a mention or a reference."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from phift.diagnostics import Mark
from phift.inert import inert

__all__ = ["Links", "code", "escaped", "fenced", "html"]

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


def fenced(text: str, language: str = "") -> str:
    """Return lines as a code block that their content cannot end."""
    body = inert(text, keep="\n")
    fence = "`" * max([3, *(len(run) + 1 for run in _TICKS.findall(body))])
    return f"{fence}{language}\n{body}\n{fence}"


@dataclass(frozen=True)
class Links:
    """Where the files of a repository are on the web. url: of its root at a commit, empty if unknown. root: its folder
    on this machine."""

    url: str = ""
    root: Path = Path()

    def of(self, mark: Mark) -> str:
        """Return a position as a link, or as a code span if the file is not in the repository."""
        shown = code(str(mark))
        try:
            inside = os.path.relpath(os.path.realpath(mark.file), os.path.realpath(self.root))
        except ValueError:
            return shown
        if not self.url or not mark.file or inside.startswith(("..", "/")) or not os.path.isfile(mark.file):
            return shown
        shown = code(str(mark._replace(file=inside)))
        line = f"#L{mark.line}" if mark.line else ""
        return f"[{shown}]({self.url.rstrip('/')}/{quote(inside, safe='/')}{line})"


def _plain(word: str) -> str:
    return _MARKS.sub(r"\\\1", word.replace("&", "&amp;").replace("<", "&lt;"))


def _entities(text: str) -> str:
    """Escape Markdown punctuation too: it is interpreted within inline HTML."""
    replaced = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return _MARKS.sub(lambda m: f"&#{ord(m[1])};", replaced)
