"""Compose libyaml's events to nodes with positions, in one pass.

libyaml's own composer recurses without a bound, so that a file of brackets crashes the process. Here depth and number
of values are bounded before each recursion; exceeding them ends the reading.
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs hide it

from phift.diagnostics import Diagnostic, Mark
from phift.spec.scalars import TAG, construct, implicit_tag
from phift.spec.tree import BROKEN, Broken, Node, Origin, OriginKind, Path

__all__ = ["Composer", "Room", "Stopped", "unquoted"]

_MAX_VALUES = 100_000  # aliases of aliases can expand without bound
_MAX_REPEATED = 4_000_000  # and so can aliases of long texts
_MAX_DEPTH = 64
_SPEC = OriginKind.SPEC
_SCALARS = {f"{TAG}{name}" for name in ("str", "null", "bool", "int", "float")}


class Room:
    """The remaining number of values and of characters by aliases, shared by a spec and its base specs."""

    def __init__(self) -> None:
        self.values = _MAX_VALUES
        self.repeated = _MAX_REPEATED


class Stopped(Exception):
    """Reading has stopped; the diagnostic states why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.summary)
        self.diagnostic = diagnostic


class Composer:
    """Composes one text. found: the problems of its structure so far."""

    def __init__(self, text: str, name: str, room: Room) -> None:
        self.found: list[Diagnostic] = []
        self._name = name
        self._room = room
        self._parser = CParser(text)
        self._next = self._parser.get_event
        self._anchors: dict[str, tuple[Node, str | None] | Mark] = {}
        """By name: the node, and the text of a scalar; the start position while the node is incomplete."""

    def document(self) -> Node | None:
        """Return the tree of the only document, or None. Raises Stopped, and yaml.YAMLError if it is not YAML."""
        try:
            self._next()  # the stream begins
            if isinstance(self._next(), yaml.StreamEndEvent):
                return None
            root = self._node(self._next(), (), 0, None)
            self._next()  # the document ends
            following = self._next()
            if not isinstance(following, yaml.StreamEndEvent):
                raise Stopped(_second_document(self._mark(following)))
            return root
        finally:
            self._parser.dispose()

    def _node(self, event: Any, path: Path, depth: int, key_mark: Mark | None) -> Node:
        kind = event.__class__
        if kind is yaml.AliasEvent:
            return self._alias(event, path, depth, key_mark)
        mark = self._mark(event)
        self._enter(mark, depth)
        anchor: str | None = event.anchor
        if anchor is not None:
            self._open(anchor, mark)
        value: Any
        text = None
        if kind is yaml.ScalarEvent:
            text = event.value
            value = self._scalar(event, mark)
        elif kind is yaml.MappingStartEvent:
            value = self._mapping(path, depth)
        else:
            value = self._sequence(path, depth)
        number = text if text is not None and value.__class__ in (int, float) else ""
        node = Node(value, mark, Origin(_SPEC, "", mark), path, key_mark, number)
        if anchor is not None:
            self._anchors[anchor] = (node, text)
        return node

    def _sequence(self, path: Path, depth: int) -> list[Node]:
        items: list[Node] = []
        while (event := self._next()).__class__ is not yaml.SequenceEndEvent:
            items.append(self._node(event, (*path, len(items)), depth + 1, None))
        return items

    def _mapping(self, path: Path, depth: int) -> dict[str, Node] | Broken:
        children: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        merge_mark: Mark | None = None
        sound = True
        while (event := self._next()).__class__ is not yaml.MappingEndEvent:
            mark = self._mark(event)
            key = self._key(event, path, depth)
            if key is None:
                self._discard(path, depth)
                if sound:
                    self.found.append(_bad_key(event, mark))
                sound = False
            elif key == "<<" and not getattr(event, "style", None):
                if merge_mark is not None:
                    remedy = "Merge several mappings with a list: <<: [*first, *second]"
                    self.found.append(_twice(key, merge_mark, mark, path, remedy))
                    self._discard(path, depth)
                    continue
                merge_mark = mark
                merged = self._merged(path, depth, mark)
            elif key in children:
                self.found.append(_twice(key, children[key].name_mark, mark, path))
                self._discard(path, depth)
            else:
                children[key] = self._node(self._next(), (*path, key), depth + 1, mark)
        if not sound:
            return BROKEN
        return {**{key: node for key, node in merged.items() if key not in children}, **children}

    def _merged(self, path: Path, depth: int, mark: Mark) -> dict[str, Node]:
        """Return the keys that a merge key adds: of a mapping, or of several in a list, of which the first one wins.

        Values keep the positions where they are written; their paths are those of the mapping with the merge key.
        """
        node = self._node(self._next(), path, depth, None)
        several = [node] if node.items is None else [self._again(item, path, depth, None) for item in node.items]
        if any(one.mapping is None for one in several):
            if not any(one.value is BROKEN for one in (node, *several)):
                self.found.append(_not_merged(mark, path))
            return {}
        return {key: child for one in reversed(several) for key, child in (one.mapping or {}).items()}

    def _key(self, event: Any, path: Path, depth: int) -> str | None:
        """Return the text of a key; None if it is invalid, and skip it."""
        if event.__class__ is yaml.ScalarEvent:
            if event.anchor is not None:
                self._anchors[event.anchor] = (self._node(event, path, depth, None), event.value)
            key: str = event.value
            return key
        if event.__class__ is yaml.AliasEvent:
            self._alias(event, path, depth, None)
            known = self._anchors[str(event.anchor)]
            return None if isinstance(known, Mark) else known[1]
        before = len(self.found)
        self._node(event, path, depth + 1, None)
        del self.found[before:]
        return None

    def _discard(self, path: Path, depth: int) -> None:
        """Skip a value that does not become part of the tree."""
        before = len(self.found)
        self._node(self._next(), path, depth + 1, None)
        del self.found[before:]

    def _scalar(self, event: Any, mark: Mark) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            tag = implicit_tag(event.value) if event.implicit[0] else f"{TAG}str"
        elif tag not in _SCALARS:
            self.found.append(Diagnostic(f"unknown YAML tag {tag!r}", mark=mark, code="yaml-tag"))
            return BROKEN
        try:
            return construct(tag, event.value)
        except ValueError:
            summary = f"{event.value[:40]!r} cannot be read as {tag[len(TAG) :]}"
            self.found.append(Diagnostic(summary, mark=mark, code="yaml-scalar"))
            return BROKEN

    def _open(self, anchor: str, mark: Mark) -> None:
        if anchor in self._anchors:
            raise Stopped(Diagnostic(f"the anchor &{anchor} is defined twice", mark=mark, code="yaml-syntax"))
        self._anchors[anchor] = mark

    def _alias(self, event: Any, path: Path, depth: int, key_mark: Mark | None) -> Node:
        mark = self._mark(event)
        if event.anchor not in self._anchors:
            raise Stopped(
                Diagnostic(
                    f"not YAML: found undefined alias {event.anchor!r}",
                    remedy=f"Define the anchor above its first use, &{event.anchor}, or quote the value.",
                    mark=mark,
                    code="yaml-syntax",
                )
            )
        known = self._anchors[event.anchor]
        if isinstance(known, Mark):
            raise Stopped(_too_deep(known))
        return self._again(known[0], path, depth, key_mark)

    def _again(self, node: Node, path: Path, depth: int, key_mark: Mark | None) -> Node:
        """Return the node of an anchor at another position of the tree."""
        self._enter(node.mark, depth)
        value = node.value
        if isinstance(value, dict):
            value = {k: self._again(child, (*path, k), depth + 1, child.key_mark) for k, child in value.items()}
        elif isinstance(value, list):
            value = [self._again(child, (*path, n), depth + 1, None) for n, child in enumerate(value)]
        elif isinstance(value, str):
            self._room.repeated -= len(value)
            if self._room.repeated < 0:
                summary = f"the aliases of the file expand to more than {_MAX_REPEATED} characters"
                raise Stopped(Diagnostic(summary, mark=node.mark, code="yaml-size"))
        return Node(value, node.mark, node.origin, path, key_mark, node.text)

    def _enter(self, mark: Mark, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise Stopped(_too_deep(mark))
        self._room.values -= 1
        if self._room.values < 0:
            summary = f"the file expands to more than {_MAX_VALUES} values"
            raise Stopped(Diagnostic(summary, mark=mark, code="yaml-size"))

    def _mark(self, event: Any) -> Mark:
        start = event.start_mark
        return Mark(self._name, start.line + 1, start.column + 1)


def unquoted(mark: Mark) -> Diagnostic:
    """Return the diagnostic of an unquoted template."""
    return Diagnostic(
        "unquoted template: YAML reads `{{` as a mapping",
        remedy='Quote it: key: "{{ vars.name }}"',
        mark=mark,
        code="yaml-unquoted-template",
    )


def _twice(key: str, first: Mark, mark: Mark, path: Path, remedy: str = "") -> Diagnostic:
    summary = f"duplicate key {key!r} (first defined on line {first.line})"
    return Diagnostic(summary, remedy=remedy, mark=mark, path=".".join(map(str, path)), code="yaml-duplicate-key")


def _not_merged(mark: Mark, path: Path) -> Diagnostic:
    return Diagnostic(
        "a merge key (<<) requires a mapping, or a list of mappings",
        remedy="Define an anchor (&name) on a mapping, and write <<: *name. Templates are not merged.",
        mark=mark,
        path=".".join(map(str, path)),
        code="yaml-merge-key",
    )


def _bad_key(event: Any, mark: Mark) -> Diagnostic:
    if isinstance(event, yaml.MappingStartEvent) and event.flow_style:
        return unquoted(Mark(mark.file, mark.line, max(mark.column - 1, 1)))
    return Diagnostic("a key must be text, not a mapping or a list", mark=mark, code="yaml-key")


def _second_document(mark: Mark) -> Diagnostic:
    remedy = "A file contains one spec: remove the line --- and the text after it, or move it to another file."
    return Diagnostic("a second YAML document begins here", remedy=remedy, mark=mark, code="yaml-documents")


def _too_deep(mark: Mark) -> Diagnostic:
    return Diagnostic(f"nested more than {_MAX_DEPTH} levels deep", mark=mark, code="yaml-depth")
