"""YAML 1.2 with places: text to a tree, by libyaml.

Scalars follow the core schema of YAML 1.2: 5e-6 is a number, `on`, `yes` and 2024-01-01 are text, 0o17 is 15.
Merge keys (`<<`) are not part of it and are refused; anchors and aliases for whole values work. Duplicate keys are
refused. Everything wrong with the document's structure is reported at once; a syntax error ends the reading.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs hide it
from yaml.resolver import BaseResolver

from phift.diagnostics import Diagnostic, Mark
from phift.spec.tree import BROKEN, Broken, Node, Origin, OriginKind, Path

__all__ = ["flow", "flow_key", "parse", "plain_scalar", "read"]

_INDICATORS = "-?:,[]{}#&*!|>'\"%@`"  # no plain scalar begins with one
_MAX_NODES = 100_000  # aliases of aliases can expand without bound
_MAX_DEPTH = 64
_TAG = "tag:yaml.org,2002:"
_MAPPING, _SEQUENCE, _STRING = f"{_TAG}map", f"{_TAG}seq", f"{_TAG}str"

_NULL = re.compile(r"(?:~|null|Null|NULL|)$")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_SPECIAL = re.compile(r"\.(inf|nan)", re.IGNORECASE)
_UNQUOTED_TEMPLATE = re.compile(r"(?:^|[:\-,\[{]\s+|\[)\{\{")


class _CoreResolver(BaseResolver):
    """The implicit types of YAML 1.2's core schema."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """As PyYAML's, without its resolvers by path: it is called for every node of every spec."""
        if kind is not yaml.ScalarNode:
            return _MAPPING if kind is yaml.MappingNode else _SEQUENCE
        if implicit[0]:
            for tag, pattern in self.yaml_implicit_resolvers.get(value[:1], ()):
                if pattern.match(value):
                    found: str = tag
                    return found
        return _STRING


_CoreResolver.add_implicit_resolver(f"{_TAG}null", _NULL, ["~", "n", "N", ""])
_CoreResolver.add_implicit_resolver(f"{_TAG}bool", _BOOL, list("tTfF"))
_CoreResolver.add_implicit_resolver(f"{_TAG}int", _INT, list("-+0123456789"))
_CoreResolver.add_implicit_resolver(f"{_TAG}float", _FLOAT, list("-+.0123456789"))


class _Composer(CParser, _CoreResolver):
    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        _CoreResolver.__init__(self)


def read(path: FilePath, *, name: str = "") -> tuple[Node | None, list[Diagnostic]]:
    """The tree of a file, or None, and all that is wrong with it. name: how diagnostics call the file."""
    name = name or str(path)
    try:
        raw = path.read_bytes()
    except OSError as cause:
        return None, [_unreadable(path, name, cause)]
    try:
        return parse(raw.decode("utf-8-sig"), name)
    except UnicodeDecodeError as cause:
        line = raw[: cause.start].count(b"\n") + 1
        mark = Mark(name, line)
        return None, [Diagnostic("not UTF-8 text", remedy="Save the file as UTF-8.", mark=mark, code="yaml-encoding")]


def parse(text: str, name: str) -> tuple[Node | None, list[Diagnostic]]:
    """The tree of a YAML text, or None when it is empty or no YAML, and all that is wrong with it."""
    composer = _Composer(text)
    try:
        root = composer.get_single_node()
    except yaml.MarkedYAMLError as cause:
        return None, [_syntax(cause, text, name)]
    except yaml.reader.ReaderError as cause:
        line = text[: cause.position].count("\n") + 1 if isinstance(cause.position, int) else 0
        summary = f"not YAML: {cause.reason}"
        return None, [Diagnostic(summary, mark=Mark(name, line), code="yaml-syntax")]
    except RecursionError:
        return None, [_too_deep(Mark(name))]
    finally:
        composer.dispose()
    if root is None:
        return None, [Diagnostic("the file is empty", mark=Mark(name), code="yaml-empty")]
    builder = _Builder(name)
    return builder.build(root, (), 0), builder.found


def plain_scalar(text: str) -> Any:
    """What an unquoted YAML scalar of that text means: None, bool, int, float or the text itself."""
    tag = _CoreResolver().resolve(yaml.ScalarNode, text, (True, False))
    try:
        return _construct(tag, text)
    except ValueError:
        return text


def flow(value: Any) -> str:
    """A plain value as YAML 1.2 on one line, quoted where it would be read as something else."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow_key(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    return flow_key(value) if isinstance(value, str) else json.dumps(value)


def flow_key(text: str | int) -> str:
    """Text as a YAML scalar, a key too, quoted where it must be."""
    text = str(text)
    safe = text and text.isprintable() and text.strip() == text and text[0] not in _INDICATORS and text != "<<"
    special = any(part in text for part in (": ", " #", ",", "[", "]", "{", "}")) or text.endswith(":")
    if safe and not special and plain_scalar(text) == text:
        return text
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else _escaped(c) for c in text) + '"'


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


class _Builder:
    """From PyYAML's nodes to ours, with all that is wrong on the way."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[Diagnostic] = []
        self.count = 0

    def build(self, node: yaml.Node, path: Path, depth: int, key_mark: Mark | None = None) -> Node:
        mark = self.mark(node)
        self.count += 1
        value: Any = BROKEN
        if depth > _MAX_DEPTH:
            self.once(_too_deep(mark))
        elif self.count > _MAX_NODES:
            self.once(Diagnostic(f"the file expands to more than {_MAX_NODES} values", mark=mark, code="yaml-size"))
        elif isinstance(node, yaml.MappingNode):
            value = self.mapping(node, path, depth)
        elif isinstance(node, yaml.SequenceNode):
            value = [self.build(item, (*path, i), depth + 1) for i, item in enumerate(node.value)]
        elif isinstance(node, yaml.ScalarNode):
            value = self.scalar(node, mark)
        return Node(value, mark, Origin(OriginKind.SPEC, mark=mark), path, key_mark)

    def mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Node] | Broken:
        children: dict[str, Node] = {}
        for key_node, value_node in node.value:
            key, mark = key_node.value, self.mark(key_node)
            if not isinstance(key, str):
                self.found.append(_bad_key(key_node, mark))
                return BROKEN
            if key == "<<" and not key_node.style:
                remedy = "Repeat the keys, or give the whole value an anchor (&name) and use it as *name."
                self.found.append(Diagnostic("merge keys (<<) are not part of YAML 1.2", remedy=remedy, mark=mark))
                continue
            if key in children:
                first = children[key].name_mark.line
                summary = f"duplicate key {key!r}: it stands on line {first} already"
                self.found.append(
                    Diagnostic(summary, mark=mark, path=".".join(map(str, path)), code="yaml-duplicate-key")
                )
                continue
            children[key] = self.build(value_node, (*path, key), depth + 1, mark)
        return children

    def scalar(self, node: yaml.ScalarNode, mark: Mark) -> Any:
        if not node.tag.startswith(_TAG) or node.tag[len(_TAG) :] not in ("str", "null", "bool", "int", "float"):
            self.found.append(Diagnostic(f"unknown YAML tag {node.tag!r}", mark=mark, code="yaml-tag"))
            return BROKEN
        try:
            return _construct(node.tag, node.value)
        except ValueError:
            summary = f"{node.value[:40]!r} cannot be read as {node.tag[len(_TAG) :]}"
            self.found.append(Diagnostic(summary, mark=mark, code="yaml-scalar"))
            return BROKEN

    def once(self, diagnostic: Diagnostic) -> None:
        if all(d.summary != diagnostic.summary for d in self.found):
            self.found.append(diagnostic)

    def mark(self, node: yaml.Node) -> Mark:
        return Mark(self.name, node.start_mark.line + 1, node.start_mark.column + 1)


def _construct(tag: str, text: str) -> Any:
    match tag[len(_TAG) :]:
        case "null":
            return None
        case "bool":
            if text.lower() not in ("true", "false"):
                raise ValueError(text)
            return text.lower() == "true"
        case "int":
            return int(text, 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10)
        case "float":
            return float(_SPECIAL.sub(lambda m: m[1], text))
        case _:
            return text


def _unreadable(path: FilePath, name: str, cause: OSError) -> Diagnostic:
    mark = Mark(name)
    if isinstance(cause, FileNotFoundError):
        folder = path.parent
        near = get_close_matches(path.name, [p.name for p in folder.glob("*.y*ml")] if folder.is_dir() else [], n=1)
        remedy = f"Did you mean {folder / near[0]}?" if near else ""
        return Diagnostic("no such file", remedy=remedy, mark=mark, code="file-missing")
    if isinstance(cause, IsADirectoryError):
        return Diagnostic("is a folder, not a file", remedy="Name a YAML file in it.", mark=mark, code="file-folder")
    return Diagnostic(f"cannot be read: {cause.strerror or cause}", mark=mark, code="file-unreadable")


def _syntax(cause: yaml.MarkedYAMLError, text: str, name: str) -> Diagnostic:
    place = cause.problem_mark or cause.context_mark
    mark = Mark(name, place.line + 1, place.column + 1) if place else Mark(name)
    lines = text.splitlines()
    suspects = {m.line for m in (cause.problem_mark, cause.context_mark) if m and m.line < len(lines)}
    for line in sorted(suspects | {n - 1 for n in suspects if n}):
        if _UNQUOTED_TEMPLATE.search(lines[line]):
            return _unquoted(Mark(name, line + 1, lines[line].index("{{") + 1))
    problem = str(cause.problem or "").strip()
    if "another document" in problem:
        remedy = "One file holds one spec: remove the line --- and what follows it, or move it to a file of its own."
        return Diagnostic("a second YAML document begins here", remedy=remedy, mark=mark, code="yaml-documents")
    if place and place.line < len(lines) and "\t" in lines[place.line][: place.column + 1]:
        return Diagnostic("a tab where YAML wants spaces", remedy="Indent with spaces.", mark=mark, code="yaml-syntax")
    context = f" {cause.context}" if cause.context else ""
    remedy = "Quote the value." if "cannot start any token" in problem else ""
    return Diagnostic(f"not YAML: {problem}{context}", remedy=remedy, mark=mark, code="yaml-syntax")


def _bad_key(node: yaml.Node, mark: Mark) -> Diagnostic:
    if isinstance(node, yaml.MappingNode) and node.flow_style:
        return _unquoted(Mark(mark.file, mark.line, max(mark.column - 1, 1)))
    return Diagnostic("a key must be text, not a mapping or a list", mark=mark, code="yaml-key")


def _unquoted(mark: Mark) -> Diagnostic:
    return Diagnostic(
        "{{ opens a mapping in YAML here, not a template",
        remedy='Quote it: key: "{{ vars.name }}"',
        mark=mark,
        code="yaml-unquoted-template",
    )


def _too_deep(mark: Mark) -> Diagnostic:
    return Diagnostic(f"nested more than {_MAX_DEPTH} levels deep", mark=mark, code="yaml-depth")
