"""One table for all kinds of the registry: each is planned, shown, kept, removed and explained as every other is."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conformance.bed import Bed
from conformance.table import CELLS, TABLE, Empty, cell_of

from phift.kinds.base import Kind
from phift.kinds.registry import KINDS

EVERY = list(itertools.product(KINDS, CELLS))
COVERED = [(kind, cell) for kind, cell in EVERY if not isinstance(cell_of(kind, cell), Empty)]
EMPTY = [pair for pair in EVERY if pair not in COVERED]


NEW = replace(KINDS["data"], name="dataset")


def made(kind: Kind[Any, Any], folder: Path) -> Bed:
    """A bed whose stack has a resource of the kind."""
    bed = Bed.of(kind, folder / "specs")
    assert bed.wanted()
    return bed


def ids(pairs: list[tuple[str, str]]) -> list[str]:
    return [f"{kind}-{cell}" for kind, cell in pairs]


@pytest.mark.parametrize(("kind", "cell"), COVERED, ids=ids(COVERED))
def test_the_cell_holds(kind: str, cell: str, tmp_path: Path) -> None:
    check = cell_of(kind, cell)
    assert not isinstance(check, Empty)
    check(made(KINDS[kind], tmp_path))


@pytest.mark.parametrize(("kind", "cell"), EMPTY, ids=ids(EMPTY))
def test_an_empty_cell_does_not_apply(kind: str, cell: str, tmp_path: Path) -> None:
    empty = cell_of(kind, cell)
    assert isinstance(empty, Empty)
    assert len(empty.reason.split()) > 3, "say why"
    empty.proof(made(KINDS[kind], tmp_path))


def test_the_table_names_only_what_there_is() -> None:
    assert set(TABLE) <= set(KINDS)
    assert {cell for row in TABLE.values() for cell in row.special} <= set(CELLS)


def test_a_new_kind_fails_until_a_stack_of_the_table_has_it(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no resource of kind dataset"):
        made(NEW, tmp_path)


@pytest.mark.parametrize("cell", ["quota", "explain"])
def test_a_new_kind_fails_until_its_row_says_what_its_traits_do_not(cell: str, tmp_path: Path) -> None:
    bed = made(replace(KINDS["data"], load_wire=str), tmp_path)
    check = cell_of(NEW.name, cell)
    assert not isinstance(check, Empty)
    with pytest.raises(AssertionError, match="say in the table"):
        check(bed)
