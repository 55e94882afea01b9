"""Text of others, shown so that neither a terminal nor an eye takes it for anything but text."""

from __future__ import annotations

__all__ = ["inert"]

_ACTIVE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control characters (ANSI escapes begin with one), bidirectional and zero-width marks, halves of surrogate pairs,
line ends."""


def inert(text: str, *, keep: str = "") -> str:
    """The same text with every active character spelled out as `\\x1b`, `\\u202e`; those of `keep` stay as they are."""
    if text.isprintable():
        return text
    from unicodedata import category  # most texts need no look at it

    return "".join(c if c in keep or c.isprintable() or category(c) not in _ACTIVE else _spelled(c) for c in text)


def _spelled(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
