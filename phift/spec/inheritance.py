"""`extends`: a spec laid over others, each value keeping the place where it is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path as FilePath

from phift.diagnostics import Diagnostic, Mark
from phift.spec import yaml12
from phift.spec.targets import merge
from phift.spec.tree import Node, Path

__all__ = ["read_whole"]

_PATHS = (("data", "*", "path"), ("tests", "*", "path"))
"""Where a spec names files, relative to itself."""


def read_whole(path: FilePath) -> tuple[Node | None, list[Diagnostic]]:
    """The tree of a spec with those it extends below it, or None, and all that is wrong with any of them.

    Later ones win over earlier ones, and the spec over all; mappings merge deeply, null removes a key. Paths in a file
    are relative to that file.
    """
    return _read(path, str(path), path.parent, (), None)


def _read(
    path: FilePath, name: str, home: FilePath, below: tuple[FilePath, ...], asked: Mark | None
) -> tuple[Node | None, list[Diagnostic]]:
    whole = path.resolve()
    if whole in below:
        circle = " -> ".join(p.name for p in (*below[below.index(whole) :], whole))
        return None, [
            Diagnostic(
                f"specs extend each other in a circle: {circle}",
                remedy="Move what they share into a file that extends none of them.",
                mark=asked,
                path="extends",
                code="extends",
            )
        ]
    root, found = yaml12.read(path, name=name)
    if root is None or root.mapping is None:
        if asked is not None and root is not None:
            found.append(Diagnostic("a spec is a mapping", mark=root.mark, code="wrong-type"))
        return (root if asked is None else None), [_asked_here(d, asked) for d in found]
    bases, wrong = _bases(root)
    found += wrong
    own = root.with_value({key: child for key, child in root.mapping.items() if key != "extends"})
    if below:
        own = _relocated(own, path.parent, home)
    merged: Node | None = None
    for base in bases:
        text = str(base.value)
        beneath, wrong = _read(path.parent / text, str(path.parent / text), home, (*below, whole), base.mark)
        found += wrong
        if beneath is not None:
            merged = beneath if merged is None else merge(merged, beneath)
    return (own if merged is None else replace(merge(merged, own), mark=own.mark)), found


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


def _asked_here(found: Diagnostic, asked: Mark | None) -> Diagnostic:
    """A file that cannot be read is told where it is asked for."""
    if asked is None or not found.code.startswith("file-"):
        return found
    name = found.mark.file if found.mark else ""
    return replace(found, summary=f"extends {name}: {found.summary}", mark=asked, path="extends")


def _relocated(node: Node, folder: FilePath, home: FilePath) -> Node:
    """The same with the files it names relative to `home`."""
    way = os.path.relpath(folder.resolve(), home.resolve())
    if way == os.curdir:
        return node
    for pattern in _PATHS:
        node = _moved(node, pattern, way)
    return node


def _moved(node: Node, pattern: Path, way: str) -> Node:
    if not pattern:
        text = node.value
        return node.with_value(os.path.join(way, text)) if isinstance(text, str) and not os.path.isabs(text) else node
    children = node.mapping
    if children is None:
        return node
    return node.with_value(
        {key: _moved(child, pattern[1:], way) if pattern[0] in ("*", key) else child for key, child in children.items()}
    )
