"""Targets: selection, and merging of their overrides into the spec."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from phift.diagnostics import Diagnostic, Mark, nearest
from phift.kinds.data.spec import SOURCES
from phift.spec.tree import Node, Origin, OriginKind
from phift.workspace import WorkspaceId

__all__ = ["FIXED_KEYS", "LOCAL", "OWN_KEYS", "Target", "choose", "default_target", "merge", "override"]

_TOLD = 50  # names in a message
LOCAL = "local"
OWN_KEYS = ("default", "workspace")  # own keys of a target; all others override the spec
FIXED_KEYS = ("version", "requires_phift", "name", "targets", "extends", "matrix", "renamed_from")


class Target(NamedTuple):
    """A target. local: whether it is the emulator. workspace: None for local, and if the environment or config.json
    determine it."""

    name: str
    local: bool
    workspace: WorkspaceId | None = None


def default_target(targets: Node | None) -> str | Diagnostic:
    """Return the default target: the one marked default, otherwise the only one, otherwise local."""
    known = (targets.mapping if targets else None) or {}
    marked = [name for name, node in known.items() if _is_default(node)]
    if len(marked) > 1:
        place = known[marked[1]].name_mark
        return Diagnostic(
            f"more than one default target: {' and '.join(marked)}", mark=place, path="targets", code="target"
        )
    if marked:
        return marked[0]
    if len(known) == 1:
        return next(iter(known))
    if not known:
        return LOCAL
    return Diagnostic(
        "the spec has several targets and no default",
        remedy=f"Pass --target {_listed(known, '|')}, or add default: true to one.",
        mark=targets.name_mark if targets else None,
        path="targets",
        code="target",
    )


def choose(targets: Node | None, asked: str | None, place: Mark) -> tuple[str, bool] | Diagnostic:
    """Return the name of the target and whether it is the default. `local` does not need a declaration."""
    default = default_target(targets)
    if asked is None:
        return default if isinstance(default, Diagnostic) else (default, True)
    known = list((targets.mapping if targets else None) or {})
    if asked != LOCAL and asked not in known:
        near = nearest(asked, [*known, LOCAL])
        return Diagnostic(
            f"target {asked!r} not found in the spec",
            remedy=f"Did you mean {near}?" if near else f"Targets: {_listed(dict.fromkeys([*known, LOCAL]), ', ')}.",
            mark=targets.name_mark if targets else place,
            path="targets",
            code="target",
        )
    return asked, asked == default


def override(root: Node, target: str) -> tuple[Node, list[Diagnostic]]:
    """Return the spec without `targets`, merged with the overrides of a target."""
    base = root.with_value({key: child for key, child in (root.mapping or {}).items() if key != "targets"})
    block = root.at(("targets", target))
    if block is None or not block.mapping:
        return base, []
    wrong = [
        Diagnostic(
            f"{key} cannot differ between targets", mark=child.name_mark, path=f"targets.{target}.{key}", code="target"
        )
        for key, child in block.mapping.items()
        if key in FIXED_KEYS
    ]
    changes = {key: child for key, child in block.mapping.items() if key not in (*OWN_KEYS, *FIXED_KEYS)}
    return merge(base, _of_target(block.with_value(changes), target)), wrong


def merge(base: Node, over: Node) -> Node:
    """Merge two trees: mappings merge deeply, null removes a key, other values and lists replace; a path replaces an
    asset."""
    if base.mapping is None or over.mapping is None:
        return over
    merged = dict(base.mapping)
    if _sources(over.mapping) and not _sources(over.mapping) & _sources(merged):
        merged = {key: child for key, child in merged.items() if key not in SOURCES}
    for key, child in over.mapping.items():
        if child.value is None:
            merged.pop(key, None)
        elif key in merged:
            merged[key] = merge(merged[key], child)
        else:
            merged[key] = child
    return base.with_value(merged)


def _listed(names: Iterable[str], separator: str) -> str:
    several = list(names)
    return separator.join(several[:_TOLD] + (["..."] if len(several) > _TOLD else []))


def _sources(keys: Iterable[str]) -> set[str]:
    return set(keys) & set(SOURCES)


def _is_default(node: Node) -> bool:
    mark = node.child("default")
    return mark is not None and mark.value is True


def _of_target(node: Node, target: str) -> Node:
    value = node.value
    if isinstance(value, dict):
        value = {key: _of_target(child, target) for key, child in value.items()}
    elif isinstance(value, list):
        value = [_of_target(child, target) for child in value]
    return node._replace(value=value, origin=Origin(OriginKind.TARGET, target, node.mark))
