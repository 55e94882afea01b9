"""phift data prepare: the files that it writes, and those that it leaves alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dataspecs import isolated, refused, rows, spec

from phift.cli.run import run
from phift.data.prepare import prepare
from phift.phases.inspect_data import SpecData

environment = pytest.fixture(autouse=True)(isolated)


def test_prepared_files_are_those_that_are_uploaded(tmp_path: Path) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"), ("b", "2"))
    request = spec(tmp_path, "train: {path: train.jsonl}")
    assert run(["data", "prepare", str(request.path), "--out", str(tmp_path / "out")]) == 0
    made = prepare(SpecData.of(request, refused).recipe("train"), tmp_path / "other.jsonl")
    assert (tmp_path / "out" / "train.jsonl").read_bytes() == made.path.read_bytes()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["train.jsonl"]


def test_links_and_devices_are_not_written_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"))
    request = spec(tmp_path, "train: {path: train.jsonl}")
    (tmp_path / "precious").write_text("precious")
    for number, make in enumerate((lambda p: p.symlink_to(tmp_path / "precious"), lambda p: p.mkdir(), os.mkfifo)):
        out = tmp_path / f"out{number}"
        out.mkdir()
        make(out / "train.jsonl")
        assert run(["data", "prepare", str(request.path), "--out", str(out)]) == 1
        assert "not a regular file" in capsys.readouterr().err
    for place in ("/dev", "/proc/self", str(tmp_path / "precious")):
        assert run(["data", "prepare", str(request.path), "--out", place]) == 1
    assert (tmp_path / "precious").read_text() == "precious"


def test_unfit_rows_write_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows(tmp_path / "train.jsonl", ("a", "1"))
    rows(tmp_path / "test.jsonl", ("b", ""))
    request = spec(tmp_path, "train: {path: train.jsonl}\ntest: {path: test.jsonl}")
    assert run(["data", "prepare", str(request.path), "--out", str(tmp_path / "out")]) == 4
    assert "empty content" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())


def test_prepared_rows_never_take_the_place_of_their_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows(tmp_path / "train.jsonl", ("a?", "b"))
    before = (tmp_path / "train.jsonl").read_bytes()
    request = spec(tmp_path, "train: {path: train.jsonl}")
    assert run(["data", "prepare", str(request.path), "--out", str(tmp_path)]) == 1
    assert "the spec reads its data from it" in capsys.readouterr().err
    assert (tmp_path / "train.jsonl").read_bytes() == before
