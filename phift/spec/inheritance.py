"""`extends`: merge a spec with its base specs. Each value keeps the position where it is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path as FilePath

from phift.diagnostics import Diagnostic, Mark
from phift.files import real, repository_of
from phift.spec import yaml12
from phift.spec.addresses import scheme_of
from phift.spec.pasted import az_ml_file
from phift.spec.reading import read_spec, read_within
from phift.spec.requirement import unmet
from phift.spec.spellings import respelled
from phift.spec.targets import merge
from phift.spec.tree import Node, Path
from phift.spec.yaml12 import Room

__all__ = ["read_whole"]

_PATHS = (("data", "*", "path"), ("tests", "*", "path"))
"""Paths of keys whose values are file names, relative to the spec."""

_MOST_FILES = 50


def read_whole(path: FilePath) -> tuple[Node | None, list[Diagnostic]]:
    """Return the tree of a spec merged with its base specs, or None, and the problems of all files.

    Later base specs override earlier ones, and the spec overrides all. Mappings merge deeply, null removes a key. Paths
    in a file are relative to that file. All files together share the limits of one.
    """
    return _Reading(path.parent).read(path, str(path), (), None)


class _Reading:
    """Reads one spec. folder: the folder of the spec."""

    def __init__(self, folder: FilePath) -> None:
        self._folder = folder
        self._room = Room()
        self._files = 0

    def read(
        self, path: FilePath, name: str, below: tuple[FilePath, ...], asked: Mark | None
    ) -> tuple[Node | None, list[Diagnostic]]:
        """Read a file with its base specs. below: the chain of files that led to it.

        asked: the position in the last one.
        """
        self._files += 1
        if self._files > _MOST_FILES:
            summary = f"the spec extends more than {_MOST_FILES} files, directly or indirectly"
            return None, [_wrong(summary, "Merge the shared parts into fewer files.", asked)]
        try:
            whole = real(path)
            home = None if asked is None else repository_of(self._folder)
        except OSError as cause:
            return None, [_asked_here(yaml12.unreadable(path, name, cause), asked)]
        if whole in below:
            cycle = " -> ".join(p.name for p in (*below[below.index(whole) :], whole))
            summary = f"circular `extends`: {cycle}"
            return None, [_wrong(summary, "Move the shared parts into a file that does not extend any of them.", asked)]
        root, found = read_spec(path, self._room) if home is None else read_within(path, home, name, self._room)
        if root is None or root.mapping is None:
            if asked is not None and root is not None:
                found.append(Diagnostic("a spec must be a mapping", mark=root.mark, code="wrong-type"))
            return (root if asked is None else None), [_asked_here(d, asked) for d in found]
        if (refused := unmet(root)) is not None:
            return None, [refused]  # the rest may be of a later format
        if asked is None and (other := az_ml_file(root)) is not None:
            return None, [other]
        root, wrong = respelled(_without_free_keys(root))
        found += wrong
        bases, wrong = _bases(root)
        found += wrong
        own = root.with_value({key: child for key, child in (root.mapping or {}).items() if key != "extends"})
        if below:
            own = _relocated(own, path.parent, self._folder)
        merged: Node | None = None
        for base in bases:
            beneath_path = path.parent / str(base.value)
            beneath, wrong = self.read(beneath_path, str(beneath_path), (*below, whole), base.mark)
            found += wrong
            if self._files > _MOST_FILES or any(d.code == "requires-phift" for d in wrong):
                return None, found
            if beneath is not None:
                merged = beneath if merged is None else merge(merged, beneath)
        return (own if merged is None else merge(merged, own)._replace(mark=own.mark)), found


def _without_free_keys(root: Node) -> Node:
    """Return the tree without the `x-` keys at its top, which are free for anchors."""
    return root.with_value({key: child for key, child in (root.mapping or {}).items() if not key.startswith("x-")})


def _bases(root: Node) -> tuple[Sequence[Node], list[Diagnostic]]:
    node = root.child("extends")
    if node is None or node.value is None:
        return (), []
    bases = list(node.items) if node.items is not None else [node]
    if all(isinstance(base.value, str) and "{{" not in base.value for base in bases):
        return bases, []
    return (), [
        Diagnostic(
            "extends must be a path or a list of paths, without templates",
            remedy="Write extends: base.yaml, relative to this file.",
            mark=node.mark,
            path="extends",
            code="extends",
        )
    ]


def _wrong(summary: str, remedy: str, mark: Mark | None) -> Diagnostic:
    return Diagnostic(summary, remedy=remedy, mark=mark, path="extends", code="extends")


def _asked_here(found: Diagnostic, asked: Mark | None) -> Diagnostic:
    """Report a file that cannot be read at the position that refers to it."""
    if asked is None or not found.code.startswith("file-"):
        return found
    name = found.mark.file if found.mark else ""
    problem = found.summary.removeprefix(f"{name} ")
    return replace(found, summary=f"extends {name}: {problem}", mark=asked, path="extends")


def _relocated(node: Node, folder: FilePath, home: FilePath) -> Node:
    """Return the tree with file names relative to `home`."""
    way = os.path.relpath(folder.resolve(), home.resolve())
    if way == os.curdir:
        return node
    for pattern in _PATHS:
        node = _moved(node, pattern, way)
    return node


def _moved(node: Node, pattern: Path, way: str) -> Node:
    if not pattern:
        text = node.value
        if not isinstance(text, str) or os.path.isabs(text) or scheme_of(text):
            return node
        return node.with_value(os.path.join(way, text))
    children = node.mapping
    if children is None:
        return node
    return node.with_value(
        {key: _moved(child, pattern[1:], way) if pattern[0] in ("*", key) else child for key, child in children.items()}
    )
