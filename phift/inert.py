"""Make untrusted text safe to show: it can neither control a terminal nor deceive the reader."""

from __future__ import annotations

__all__ = ["inert"]

_ACTIVE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control characters (ANSI escapes start with one), bidirectional and zero-width marks, unpaired surrogates, line
ends."""


def inert(text: str, *, keep: str = "") -> str:
    """Escape every active character as `\\x1b`, `\\u202e`, except those in `keep`."""
    if text.isprintable():
        return text
    from unicodedata import category  # not needed for most texts

    return "".join(c if c in keep or c.isprintable() or category(c) not in _ACTIVE else _spelled(c) for c in text)


def _spelled(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
