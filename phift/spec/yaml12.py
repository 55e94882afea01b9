"""YAML 1.2 with positions: parse text to a tree, with libyaml.

Scalars follow the core schema (scalars.py). Anchors and aliases work, and so do the merge keys (`<<`) of YAML 1.1, as
in most parsers and editors: own keys override merged ones. Duplicate keys are rejected. All structural problems are
reported at once; a syntax error, or exceeding the limits of depth or values, ends the reading.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

import yaml

from phift.diagnostics import Diagnostic, Mark, nearest_file
from phift.files import SPEC_BYTES, UnfitFileError, read_regular
from phift.spec.composing import Composer, Room, Stopped, unquoted
from phift.spec.scalars import TAG, implicit_tag, plain_scalar
from phift.spec.tree import Node

__all__ = ["Room", "block_lines", "flow", "flow_key", "parse", "plain_scalar", "read", "unreadable"]

_INDICATORS = "-?:,[]{}#&*!|>'\"%@`"  # no plain scalar begins with one
_UNQUOTED_TEMPLATE = r"(?:^|[:\-,\[{]\s+|\[)\{\{"


def read(
    path: FilePath, *, name: str = "", most: int = SPEC_BYTES, room: Room | None = None
) -> tuple[Node | None, list[Diagnostic]]:
    """Return the tree of a file, or None, and its problems. name: of the file in diagnostics.

    most: maximum size in bytes. room: limits shared by several files.
    """
    name = name or str(path)
    try:
        raw = read_regular(path, most)
    except OSError as cause:
        return None, [unreadable(path, name, cause)]
    try:
        return parse(raw.decode("utf-8-sig"), name, room)
    except UnicodeDecodeError as cause:
        line = raw[: cause.start].count(b"\n") + 1
        mark = Mark(name, line)
        return None, [Diagnostic("not UTF-8 text", remedy="Save the file as UTF-8.", mark=mark, code="yaml-encoding")]


def parse(text: str, name: str, room: Room | None = None) -> tuple[Node | None, list[Diagnostic]]:
    """Return the tree of a YAML text, or None if it is empty or invalid, and its problems."""
    try:
        composer = Composer(text, name, room or Room())
        root = composer.document()
    except Stopped as end:
        return None, [*composer.found, end.diagnostic]
    except yaml.MarkedYAMLError as cause:
        return None, [_syntax(cause, text, name)]
    except yaml.reader.ReaderError as cause:
        line = text[: cause.position].count("\n") + 1 if isinstance(cause.position, int) else 0
        summary = f"not YAML: {cause.reason}"
        return None, [Diagnostic(summary, mark=Mark(name, line), code="yaml-syntax")]
    if root is None:
        return None, [Diagnostic("the file is empty", mark=Mark(name), code="yaml-empty")]
    return root, composer.found


def flow(value: Any) -> str:
    """Return a plain value as YAML 1.2 on one line, quoted if it would otherwise be read as another type."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow_key(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    return flow_key(value) if isinstance(value, str) else json.dumps(value)


def block_lines(
    values: Mapping[str, Any], *, one_line: tuple[int, str], depth: int = 0, compact: bool = False
) -> Iterator[str]:
    """Yield a mapping as lines of block YAML. one_line: the depth and the key of mappings whose values stay on a line
    each; with `compact`, this is one of them."""
    for key, value in values.items():
        start = f"{'  ' * depth}{flow_key(key)}:"
        if isinstance(value, Mapping) and value and not compact:
            yield f"{start}\n"
            yield from block_lines(value, one_line=one_line, depth=depth + 1, compact=(depth, key) == one_line)
        else:
            yield f"{start} {flow(value)}\n"


def flow_key(text: str | int) -> str:
    """Return text as a YAML scalar or key, quoted if necessary."""
    text = str(text)
    safe = text and text.isprintable() and text.strip() == text and text[0] not in _INDICATORS and text != "<<"
    special = any(part in text for part in (": ", " #", ",", "[", "]", "{", "}")) or text.endswith(":")
    if safe and not special and implicit_tag(text) == f"{TAG}str":
        return text
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else _escaped(c) for c in text) + '"'


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def unreadable(path: FilePath, name: str, cause: OSError) -> Diagnostic:
    """Return the diagnostic of a file that could not be read."""
    mark = Mark(name)
    if isinstance(cause, FileNotFoundError):
        folder = path.parent
        near = nearest_file(path.name, (p.name for p in folder.glob("*.y*ml")) if folder.is_dir() else ())
        remedy = f"Did you mean {folder / near}?" if near else ""
        return Diagnostic("no such file", remedy=remedy, mark=mark, code="file-missing")
    if isinstance(cause, IsADirectoryError):
        return Diagnostic(
            "is a folder, not a file", remedy="Use the path of a YAML file in it.", mark=mark, code="file-folder"
        )
    if isinstance(cause, UnfitFileError):
        return Diagnostic(f"cannot be read: {cause.strerror}", mark=mark, code=cause.code)
    return Diagnostic(f"cannot be read: {cause.strerror or cause}", mark=mark, code="file-unreadable")


def _syntax(cause: yaml.MarkedYAMLError, text: str, name: str) -> Diagnostic:
    place = cause.problem_mark or cause.context_mark
    mark = Mark(name, place.line + 1, place.column + 1) if place else Mark(name)
    lines = text.splitlines()
    suspects = {m.line for m in (cause.problem_mark, cause.context_mark) if m and m.line < len(lines)}
    for line in sorted(suspects | {n - 1 for n in suspects if n}):
        if re.search(_UNQUOTED_TEMPLATE, lines[line]):
            return unquoted(Mark(name, line + 1, lines[line].index("{{") + 1))
    problem = str(cause.problem or "").strip()
    if place and place.line < len(lines) and "\t" in lines[place.line][: place.column + 1]:
        return Diagnostic(
            "tab in the indentation: YAML requires spaces", remedy="Indent with spaces.", mark=mark, code="yaml-syntax"
        )
    context = f" {cause.context}" if cause.context else ""
    start = cause.context_mark
    if start is not None and place is not None and start.line < place.line and re.search("flow|quoted", context):
        context += f" that begins on line {start.line + 1}"
    remedy = next((fix for part, fix in _FIXES.items() if part in problem), "")
    return Diagnostic(f"not YAML: {problem}{context}", remedy=remedy, mark=mark, code="yaml-syntax")


_FIXES = {
    "cannot start any token": "Quote the value.",
    "mapping values are not allowed": "Indent a key like the other keys of its block, write a space after a colon, and "
    "quote a value that contains `: `.",
    "did not find expected key": "Indent a key like the other keys of its block; a bracket or a quote too many also "
    "ends a value early.",
    "did not find expected ','": "Close the bracket, or separate its items by commas.",
    "unexpected end of stream": "Close the quote.",
    "could not find expected ':'": "Write KEY: VALUE, with a space after the colon.",
    "expected '-' indicator": "Begin each item of the list with `- `, or indent the line.",
    "unknown escape character": "Use single quotes, or write two backslashes.",
}
"""What to do about problems that the parser reports, by a part of their text."""
