"""phift data stats: the rows that are measured, and what it pins."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from dataspecs import isolated, refused, rows, spec

from phift.cli.run import run
from phift.errors import RefusedError
from phift.lock import read_lock
from phift.phases.inspect_data import SpecData, data_stats, prepare_data

environment = pytest.fixture(autouse=True)(isolated)


def test_statistics_refuse_a_take_that_apply_refuses(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"), ("b", "2"))
    request = spec(tmp_path, "train: {path: train.jsonl, take: 3}")
    with pytest.raises(RefusedError, match="exceeds the number of rows"):
        data_stats(request, refused)
    assert data_stats(request, refused, rows=1).splits[0].measures.rows == 1


def test_stats_say_which_rows_they_are_of(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", *((f"question {n}", "yes") for n in range(20)))
    request = spec(tmp_path, "train: {path: train.jsonl}")
    assert data_stats(request, refused).splits[0].basis == "all rows"
    first = data_stats(request, refused, rows=7).splits[0]
    assert (first.basis, first.measures.rows) == ("the first 7 rows of the source", 7)
    prepare_data(SpecData.of(request, refused), lambda name, made: None)
    assert data_stats(request, refused, rows=7).splits[0].basis == "the prepared file"
    assert data_stats(request, refused).splits[0].measures == data_stats(request, refused, rows=7).splits[0].measures


def test_stats_count_what_is_dropped(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"), ("b", ""), ("c", "3"))
    request = spec(tmp_path, "train: {path: train.jsonl}\nunfit: {skip: 50%}")
    (found,) = data_stats(request, refused).splits
    assert (dict(found.dropped), found.refused, found.measures.rows) == ({"empty-content": 1}, 0, 2)
    (found,) = data_stats(spec(tmp_path, "train: {path: train.jsonl}"), refused).splits
    assert found.refused == 1


def test_stats_pin_what_the_checks_need(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"), ("a", "1"))
    rows(tmp_path / "test.jsonl", ("a", "x"))
    splits = "train: {path: train.jsonl}\ntest: {path: test.jsonl}\n"
    assert not data_stats(spec(tmp_path, splits), refused).pinned
    assert not (tmp_path / "phift.lock").exists()
    request = spec(tmp_path, f"{splits}checks: {{overlap: refuse}}")
    assert not data_stats(request, refused, rows=1).pinned  # not of all rows
    found = data_stats(request, refused)
    assert found.pinned
    assert [d.code for d in found.findings] == ["data-check-duplicates", "data-check-overlap"]
    pins = read_lock(tmp_path / "phift.lock").stack("looked-at").data
    assert pins is not None
    assert pins.checks is not None
    assert pins.checks["test"]["overlap"]["rows"] == 1


def test_unfit_rows_pin_nothing(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"), ("b", ""))
    assert not data_stats(spec(tmp_path, "train: {path: train.jsonl}\nchecks: {}"), refused).pinned


def test_statistics_of_a_file_that_cannot_be_read_to_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows(tmp_path / "whole.jsonl", *[(f"{n}?", "b") for n in range(50)])
    packed = gzip.compress((tmp_path / "whole.jsonl").read_bytes())
    (tmp_path / "train.jsonl.gz").write_bytes(packed[:-4])
    request = spec(tmp_path, "train: {path: train.jsonl.gz}\nunfit: {skip: 50%}\nchecks: {}")
    with pytest.raises(RefusedError, match="is cut off"):
        data_stats(request, refused)
    assert not (tmp_path / "phift.lock").exists()  # what was not read was not checked
    for command in (["data", "stats"], ["data", "preview", "-n", "60"]):
        assert run([*command, str(request.path)]) == 4
        assert "train.jsonl.gz" in capsys.readouterr().err
