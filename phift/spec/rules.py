"""The rules of a block in addition to its fields: required blocks, unsupported parts, checks, and other spellings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from phift.diagnostics import Diagnostic
from phift.spec.tree import Node

if TYPE_CHECKING:
    from phift.spec.document import Spec

__all__ = ["BlockRules", "Elsewhere", "Implied", "Need", "NumbersAsText", "Renamed", "Spelling", "missing"]


class Need(NamedTuple):
    """A path of the spec that the block requires. example: YAML to add."""

    path: str
    example: str


class Renamed(NamedTuple):
    """A key of `az ml` YAML for a field with another name here. to: the path of the field in the same block."""

    key: str
    to: str


class Implied(NamedTuple):
    """A key of `az ml` YAML whose value follows from the block: accepted and ignored.

    values: the accepted values, case-insensitive; empty: any text. remedy: of any other value.
    """

    key: str
    values: tuple[str, ...] = ()
    remedy: str = "Remove it."


class Elsewhere(NamedTuple):
    """A key of `az ml` YAML that the block does not have. remedy: how phift expresses it."""

    key: str
    remedy: str


class NumbersAsText(NamedTuple):
    """A mapping of names to text that also accepts numbers, and keeps their spelling."""

    key: str


Spelling = Renamed | Implied | Elsewhere | NumbersAsText
"""How a block accepts, or rejects with advice, what `az ml` YAML writes differently."""


class BlockRules(NamedTuple):
    """The rules of a block. checks: run on the values of a valid spec. tree_checks: run on the tree, valid or not."""

    needs: tuple[Need, ...] = ()
    checks: tuple[Callable[[Spec, Node], Iterator[Diagnostic]], ...] = ()
    tree_checks: tuple[Callable[[Node], Iterator[Diagnostic]], ...] = ()


def missing(root: Node, block: str, needed: str, example: str) -> Diagnostic:
    """Return the error that a block requires a missing path."""
    place = root.nearest((block,))
    return Diagnostic(
        f"`{block}` requires `{needed}`", remedy=f"Add {example}.", mark=place.name_mark, path=needed, code="needs"
    )
