"""Compressed files in the workspace, mapped, sampled, partly unfit: looked at, prepared, compared and applied alike."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from support import Project

from phift.azure.session import Azure
from phift.data.problems import Problem
from phift.phases.compare_data import data_diff
from phift.phases.inspect_data import SpecData, data_stats, prepare_data, preview
from phift.spec import LoadedSpec

TAKES = ["100%", "50%", "{first: 7}", "{every: 3}"]


def packed(count: int, *, start: int = 0) -> bytes:
    pairs = [{"question": f"q{n}?", "answer": "" if n == 5 else f"a{n}"} for n in range(start, start + count)]
    return "".join(json.dumps(pair) + "\n" for pair in pairs).encode()


@pytest.fixture
def asset(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A folder of two compressed files, 20 rows, one of them with an empty answer."""
    monkeypatch.setenv("PHIFT_HOME", str(tmp_path / "home"))
    azure, folder = project.embedded.azure(), f"others/{project.stack}"
    azure.blobs.put(f"{folder}/a.jsonl.gz", gzip.compress(packed(10), mtime=0))
    azure.blobs.put(f"{folder}/b.jsonl.zst", pa.compress(packed(10, start=10), codec="zstd", asbytes=True))
    body = {
        "properties": {"dataType": "uri_folder", "dataUri": f"azureml://datastores/workspaceblobstore/paths/{folder}/"}
    }
    azure.arm.put(f"{azure.workspace.arm_id}/data/{project.stack}-qa/versions/1", "2024-10-01", body)
    return f"azureml:{project.stack}-qa:1"


def reads(project: Project, source: str, take: str) -> None:
    project.edit(
        "train: {path: train.jsonl}", f"train: {{{source}, take: {take}}}\n  messages: auto\n  unfit: {{skip: 20%}}"
    )
    project.edit("  test: {path: test.jsonl}\n", "")


@pytest.mark.parametrize("take", TAKES)
def test_the_same_rows_come_out_of_every_command(project: Project, asset: str, take: str, tmp_path: Path) -> None:
    reads(project, f"asset: {asset}", take)
    connect = project.embedded.connector
    (measured,) = data_stats(project.request, connect).splits
    ((name, version, made),) = prepare_data(SpecData.of(project.request, connect), lambda name, made: None)
    assert name == "train"
    assert measured.version == version
    assert measured.measures.rows == made.rows
    assert dict(measured.dropped) == dict(made.skipped)
    assert "data.train" in {str(r.address) for r in project.plan().resources}
    project.applied()
    azure = project.embedded.azure()
    path = f"{azure.workspace.arm_id}/data/{project.stack}-train/versions/{version}"
    place = azure.arm.get(path, "2024-10-01")["properties"]["dataUri"].partition("/paths/")[2]
    assert azure.blobs.get(place) == made.path.read_bytes()
    # A version is read from the workspace where its rows are no longer kept here.
    made.path.unlink()
    assert data_diff(project.request, version, str(project.spec), connect).equal


def test_rows_are_shown_with_the_file_in_the_asset(project: Project, asset: str) -> None:
    reads(project, f"asset: {asset}", "100%")
    connect = project.embedded.connector
    shown = preview(project.request, connect, count=12).rows
    assert [Path(row.file).name for row in shown] == ["a.jsonl.gz"] * 10 + ["b.jsonl.zst"] * 2
    assert [isinstance(p, Problem) for row in shown for p in row.problems] == [True]
    raw = preview(project.request, connect, count=3, random=True, seed=4, raw=True)
    assert preview(project.request, connect, count=3, random=True, seed=4, raw=True).rows == raw.rows
    assert set(raw.columns) == {"question", "answer"}


def test_the_workspace_is_asked_once_data_lies_in_it(project: Project, asset: str) -> None:
    asked = []

    def connect(loaded: LoadedSpec) -> Azure:
        asked.append(loaded.stack)
        return project.embedded.connector(loaded)

    assert preview(project.request, connect).rows
    assert len(data_stats(project.request, connect).splits) == 2
    assert data_diff(project.request, str(project.spec), str(project.spec), connect).equal
    assert asked == []
    project.edit("train: {path: train.jsonl}", f"train: {asset}\n  messages: auto")
    project.edit("  test: {path: test.jsonl}\n", "")
    assert preview(project.request, connect).rows
    assert asked == [project.stack]
