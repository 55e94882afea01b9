"""Write a spec as a person would: short mappings on one line, texts of several lines as blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from phift.spec.templating import is_template
from phift.spec.yaml12 import flow, flow_key

__all__ = ["spec_text"]

_WIDTH = 100
_FLAGS = ("yes", "no", "on", "off", "y", "n")
"""Texts that YAML 1.1 reads as booleans; phift reads YAML 1.2."""
_ESCAPES = {"5c": "\\\\", "22": '\\"', "0a": "\\n", "09": "\\t"}
_MOST_KEYS = 4
"""Maximum number of keys of a mapping on one line."""


def spec_text(values: Mapping[str, Any], *, head: Sequence[str] = (), tail: Sequence[str] = ()) -> str:
    """Return the YAML text of a spec. Reading it returns equal values: texts that look like templates are escaped.

    values: plain, with the keys of the file. head, tail: lines of comments at the begin and the end.
    """
    lines = [*_comments(head)]
    below = False
    for key, value in _escaped(values).items():
        text = list(_lines(key, value, 0))
        apart = len(text) > 1 or isinstance(value, Mapping)
        if lines and (apart or below) and not lines[-1].startswith("#"):
            lines.append("")
        lines += text
        below = apart
    if tail:
        lines += ["", *_comments(tail)]
    return "".join(f"{line}\n" for line in lines)


def _comments(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        line = "".join(c if c.isprintable() else " " for c in text)
        yield f"# {line}".rstrip()


def _lines(key: str, value: Any, depth: int, lead: str = "") -> Iterator[str]:
    """Yield the lines of an entry. lead: "- " for the first entry of an item of a list."""
    start = f"{'  ' * depth}{lead}{_scalar(key)}:"
    inner = depth + bool(lead)
    if isinstance(value, str) and _is_block(value):
        yield f"{start} |{'' if value.endswith(chr(10)) else '-'}"
        yield from (f"{'  ' * (inner + 1)}{line}" if line else "" for line in value.removesuffix("\n").split("\n"))
        return
    inline = f"{start} {_flow(value)}"
    if _fits(value, inline, top=depth == 0 and not lead):
        yield inline
    elif isinstance(value, Mapping):
        yield start
        for name, item in value.items():
            yield from _lines(name, item, inner + 1)
    else:
        yield start
        for item in value:
            yield from _item(item, inner + 1)


def _item(item: Any, depth: int) -> Iterator[str]:
    inline = f"{'  ' * depth}- {_flow(item)}"
    if not isinstance(item, Mapping) or not item or len(inline) <= _WIDTH:
        yield inline
        return
    for number, (name, value) in enumerate(item.items()):
        yield from _lines(name, value, depth, "- ") if number == 0 else _lines(name, value, depth + 1)


def _flow(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow, value))}]"
    return _scalar(value) if isinstance(value, str) else flow(value)


def _scalar(text: str) -> str:
    """Return a text as a YAML scalar, quoted if any reader could take it for another type."""
    written = flow_key(text)
    if written.startswith('"'):
        return re.sub(r"\\x(5c|22|0a|09)", lambda m: _ESCAPES[m[1]], written)
    return f'"{written}"' if text.lower() in _FLAGS else written


def _fits(value: Any, line: str, *, top: bool) -> bool:
    """Return whether an entry stays on one line."""
    if not isinstance(value, Mapping | list | tuple) or not value:
        return True
    if any(_is_block(text) for text in _texts(value)) or len(line) > _WIDTH:
        return False
    items = list(value.values()) if isinstance(value, Mapping) else list(value)
    nested = any(isinstance(item, Mapping) for item in items)
    return len(items) <= _MOST_KEYS and not (nested and (top or isinstance(value, list | tuple)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def _is_block(text: str) -> bool:
    """Return whether a text is written as a literal block, which keeps it unchanged."""
    lines = text.removesuffix("\n").split("\n")
    plain = all(line.isprintable() and line == line.rstrip() for line in lines)
    return len(lines) > 1 and plain and bool(lines[0].strip()) and bool(lines[-1]) and lines[0] == lines[0].lstrip()


def _escaped(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _escaped(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(item) for item in value]
    return _literal(value) if isinstance(value, str) and is_template(value) else value


def _literal(text: str) -> str:
    """Return the template whose result is this text."""
    quoted = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    # Neither statements nor Azure's own expressions may appear to begin inside the text.
    return "{{ '" + re.sub(r"(\{)(?=%)|(\$)(?=\{\{)", lambda m: f"{m[0]}' ~ '", quoted) + "' }}"
