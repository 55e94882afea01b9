"""Downloading Preparing, Uploading: what is told of the data step, and how long it may take."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from phift.address import Address
from phift.apply.events import ResourceProgress, ResourceStarted
from phift.data.addresses import WebFile
from phift.data.hub import Download, HubFile, HubSplit
from phift.data.recipe import Recipe
from phift.data.sources import SourceFile, SourceIdentity
from phift.kinds.data.parts import DataParts
from phift.kinds.data.progress import DataProgress, seconds_for
from phift.kinds.progress import Progress
from phift.kinds.registry import KINDS
from phift.plan.action import Action
from phift.state.desired import Desired
from phift.views.base import Streams
from phift.views.human.apply import PlainApply, progress_text
from phift.views.human.live import LiveApply
from phift.views.ndjson import JsonApply

MB = 1_000_000
TRAIN = Address("data", "train")
SPLIT = HubSplit(
    requested="org/chat@main",
    id="org/chat",
    revision="0" * 40,
    config="default",
    split="train",
    builder="parquet",
    rows=5000,
    columns={"messages": "list"},
    files=(HubFile("a.parquet", 30 * MB, "a" * 64), HubFile("b.parquet", 30 * MB, "b" * 64)),
)
RECIPE = Recipe.of(SourceIdentity((), SPLIT), take={"first": 4000})


def told(recipe: Recipe = RECIPE) -> list[Progress]:
    """A run in which the second file comes while rows of the first are prepared."""
    seen: list[Progress] = []
    progress = DataProgress(recipe, seen.append)
    progress.begin()
    progress.downloading(Download(30 * MB, 60 * MB, 1, 2))
    progress.preparing(1000, 2)  # not told by itself: the download is what takes time
    progress.downloading(Download(45 * MB, 60 * MB, 2, 2))
    progress.downloading(Download(60 * MB, 60 * MB, 2, 2))
    progress.preparing(2000, 3)
    progress.uploading(8 * MB, 80 * MB)
    return seen


def event(progress: Progress) -> ResourceProgress:
    counted = progress.current, progress.total, progress.unit, progress.values
    return ResourceProgress(TRAIN, progress.state, progress.message, 1.0, *counted)


def test_every_step_tells_its_counts() -> None:
    assert [progress_text(event(each)) for each in told()] == [
        "Preparing, rows 0/4000",
        "Downloading 28.6 of 57.2 MiB, file 1/2",
        "Downloading 42.9 of 57.2 MiB, file 2/2, rows 1000, skipped 2",
        "Downloading 57.2 of 57.2 MiB, file 2/2, rows 1000, skipped 2",
        "Preparing, rows 2003/4000, skipped 3",
        "Uploading 7.6 of 76.3 MiB",
    ]
    assert progress_text(event(Progress("Uploading", current=9e5, total=9e6, unit="bytes"))) == (
        "Uploading 878.9 KiB of 8.6 MiB"
    )


def test_rows_of_local_files_are_counted_as_they_come() -> None:
    seen: list[Progress] = []
    progress = DataProgress(Recipe.of(SourceIdentity((local("jsonl", MB),))), seen.append)
    progress.begin()
    progress.preparing(1000, 0)
    assert [progress_text(event(each)) for each in seen] == ["Preparing", "Preparing, rows 1000"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("view", [PlainApply, LiveApply, JsonApply])
def test_every_view_tells_them_in_80_columns(
    view: type[PlainApply] | type[LiveApply] | type[JsonApply], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out, err = io.StringIO(), Terminal()
    with view(Streams(out, err)) as shown:
        shown(ResourceStarted(TRAIN, Action.CREATE, "d"))
        if isinstance(shown, PlainApply):
            shown._throttle._changed = shown._throttle._same = 0.0
        for each in told():
            shown(event(each))
            if isinstance(shown, LiveApply):
                shown._live.refresh()
    if view is JsonApply:
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
        hooks = [line["hook"] for line in lines if line["type"] == "apply_progress"]
        assert [hook["state"] for hook in hooks] == ["Preparing", "Downloading", "Preparing", "Uploading"]
        assert (hooks[1]["current"], hooks[1]["total"], hooks[1]["unit"]) == (30 * MB, 60 * MB, "bytes")
        assert hooks[1]["values"] == {"file": 1, "files": 2}
        assert hooks[2]["values"] == {"skipped": 3}
    else:
        for text in ("28.6 of 57.2 MiB, file 1/2", "rows 2003/4000, skipped 3", "7.6 of 76.3 MiB"):
            assert text in err.getvalue()


def local(kind: str, size: int) -> SourceFile:
    return SourceFile(Path(f"x.{kind}"), kind, size, "0" * 64)


def test_the_deadline_grows_with_the_bytes() -> None:
    """A MB a second, down and up; packed files are taken to grow four times."""
    assert seconds_for(RECIPE) == 3600 + 60 + 240
    assert seconds_for(Recipe.of(SourceIdentity((local("jsonl", 500 * MB),)))) == 3600 + 500
    assert seconds_for(Recipe.of(SourceIdentity((local("parquet", 500 * MB),)))) == 3600 + 2000
    assert seconds_for(Recipe.of(SourceIdentity((local("jsonl.gz", 500 * MB),)))) == 3600 + 2000
    elsewhere = SourceIdentity((), remote=WebFile("https://example.org/rows.csv", 500 * MB, "a" * 64))
    assert seconds_for(Recipe.of(elsewhere)) == 3600 + 500 + 500
    large = replace(SPLIT, files=(HubFile("a", 100_000 * MB, "a" * 64),))
    recipe = Recipe.of(SourceIdentity((), large))
    assert KINDS["data"].deadline(Desired(TRAIN, "d", {}, parts=DataParts(recipe))) == 3600 + 500_000
    assert KINDS["data"].deadline(Desired(TRAIN, "d", {}, parts=DataParts())) == 3600


def test_other_kinds_keep_theirs() -> None:
    kinds = [kind for kind in KINDS.values() if kind.name != "data"]
    assert kinds
    assert all(kind.deadline(Desired(TRAIN, "d", {})) == kind.traits.deadline for kind in kinds)
