"""What a block says of itself beside its fields: what else it needs, what is not acted on yet, its checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from phift.diagnostics import Diagnostic
from phift.spec.tree import Node

if TYPE_CHECKING:
    from phift.spec.document import Spec

__all__ = ["BlockRules", "Need", "NotYet", "missing"]


class Need(NamedTuple):
    """A place in the spec without which the block means nothing. example: how to write it."""

    path: str
    example: str


class NotYet(NamedTuple):
    """A place below the block (`*` is any key, empty the block itself), refused when it is there or, with starts, when
    its text begins so."""

    path: str
    what: str
    starts: str = ""
    remedy: str = ""


class BlockRules(NamedTuple):
    """checks: of values, once the whole spec is valid; tree_checks: of what is written, valid or not."""

    needs: tuple[Need, ...] = ()
    not_yet: tuple[NotYet, ...] = ()
    checks: tuple[Callable[[Spec, Node], Iterator[Diagnostic]], ...] = ()
    tree_checks: tuple[Callable[[Node], Iterator[Diagnostic]], ...] = ()


def missing(root: Node, block: str, needed: str, example: str) -> Diagnostic:
    """The finding that a block is there and something that it needs is not."""
    place = root.nearest((block,))
    return Diagnostic(
        f"`{block}` requires `{needed}`", remedy=f"Add {example}.", mark=place.name_mark, path=needed, code="needs"
    )
