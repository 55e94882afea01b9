"""Data of the hub through the engine: what is asked of it and when, whose rows come out, what is refused and why."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub import Hub
from hubcase import QUICK
from hubdata import CHAT, jsonl, rows_of, ultrachat, write_parquet
from support import Embedded, Project, writes

from phift import phases
from phift.errors import InvalidSpecError, RefusedError
from phift.lock import lock_path, read_lock

HUB = f"  from: {{hub: {CHAT}, take: {{first: 5%}}}}\n  train: {{split: train_sft}}\n  test: {{split: test_sft}}\n"
LOCAL = "  train: {path: train.jsonl}\n  test: {path: test.jsonl}\n"


@pytest.fixture
def hub(tmp_path: Path, seed_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub of the test's own; the environment names it."""
    with Hub(tmp_path / "blobs") as own:
        ultrachat(own, tmp_path / "hub-files", rows={"train_sft": 600, "test_sft": 200, "test_gen": 60})
        monkeypatch.setenv("HF_ENDPOINT", own.url)
        yield own


@pytest.fixture
def project(tmp_path: Path, stack: str, embedded: Embedded, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PHIFT_HOME", str(tmp_path / "home"))
    made = Project.small(tmp_path / "project", stack, embedded)
    made.edit(LOCAL, HUB)
    return made


def test_a_first_plan_stays_within_twelve_requests_and_the_next_asks_nothing(hub: Hub, project: Project) -> None:
    project.edit("{split: test_sft}\n", "{split: test_sft}\n  sample: {split: test_gen, take: {first: 50}}\n")
    first = project.plan()
    assert 0 < len(hub.requests()) <= 12
    hub.clear()
    again = project.plan()
    assert hub.requests() == []
    assert again.to_dict()["resources"] == first.to_dict()["resources"]


def test_a_plan_with_a_full_lock_imports_no_library_of_the_hub_and_needs_no_hub(hub: Hub, project: Project) -> None:
    project.plan()
    words, keywords = project.command(
        *("plan", "spec.yaml", "-t", "local"), HF_ENDPOINT="http://127.0.0.1:9", PYTHONPROFILEIMPORTTIME="1"
    )
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=180, **keywords)
    assert done.returncode == 0, done.stderr
    assert "Plan: " in done.stdout
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "phift" in imported
    assert imported & {"datasets", "pyarrow", "huggingface_hub", "httpx2", "pandas", "numpy"} == set()


def test_the_first_five_percent_are_those_of_datasets(hub: Hub, project: Project, tmp_path: Path) -> None:
    project.applied()
    shown = {r["address"]: r for r in project.plan().to_dict()["resources"]}
    theirs = _by_datasets(hub, tmp_path / "theirs", "train_sft[:5%]", "test_sft[:5%]")
    azure = project.embedded.azure()
    for split, rows in zip(("train", "test"), theirs, strict=True):
        version = shown[f"data.{split}"]["identity"].partition(":")[2]
        path = f"{azure.workspace.arm_id}/data/{project.stack}-{split}/versions/{version}"
        place = azure.arm.get(path, "2024-10-01")["properties"]["dataUri"].partition("/paths/")[2]
        assert [json.loads(line) for line in azure.blobs.get(place).splitlines()] == rows


def _by_datasets(hub: Hub, folder: Path, *splits: str) -> Iterator[list[dict[str, object]]]:
    """The rows that the library itself loads. In a process of its own: it reads the hub's address when imported."""
    program = (
        "import datasets, sys\n"
        "for number, rows in enumerate(datasets.load_dataset(sys.argv[1], split=sys.argv[4:], revision=sys.argv[3])):\n"
        "    rows.to_json(f'{sys.argv[2]}/{number}.jsonl')"
    )
    folder.mkdir()
    words = [sys.executable, "-c", program, CHAT, str(folder), hub.repositories[CHAT].branches["main"], *splits]
    environment = {**os.environ, "HF_HOME": str(folder), "HF_HUB_DISABLE_XET": "1"}
    subprocess.run(words, check=True, capture_output=True, timeout=90, env=environment)
    for number in range(len(splits)):
        yield [json.loads(line) for line in (folder / f"{number}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_the_same_file_by_path_and_by_hub_is_one_data_version(hub: Hub, project: Project, tmp_path: Path) -> None:
    by_hub = {r["address"]: r["identity"] for r in project.plan().to_dict()["resources"]}
    for number, path in enumerate(sorted((tmp_path / "hub-files").glob("train_sft-*"))):
        shutil.copy(path, project.folder / f"part-{number}.parquet")
    project.edit("  train: {split: train_sft}\n", "  train: {path: part-*.parquet, take: {first: 5%}}\n")
    by_path = {r["address"]: r["identity"] for r in project.plan().to_dict()["resources"]}
    assert by_path["data.train"] == by_hub["data.train"]


def test_an_edited_card_retrains_nothing_and_an_edited_file_only_its_split(
    hub: Hub, project: Project, tmp_path: Path
) -> None:
    project.applied()
    hub.commit(CHAT, {"NOTES.md": b"more words"}, keep=True)
    assert not project.plan().changes_something
    report = phases.lock(project.request, project.embedded.connector)
    assert [(what, len(pinned), len(newest)) for what, pinned, newest in report.newer] == [(f"{CHAT}@main", 8, 8)]
    report = phases.lock(project.request, project.embedded.connector, upgrade=True)
    assert {moved.effect for moved in report.data} == {"the same files: no new data version"}
    assert not project.plan().changes_something

    other = tmp_path / "other.parquet"
    write_parquet(other, rows_of("test_sft", 200, seed=5), 10)
    hub.commit(CHAT, {"data/test_sft-00000-of-00001-00000000.parquet": other}, keep=True)
    assert not project.plan().changes_something
    report = phases.lock(project.request, project.embedded.connector, upgrade=True)
    assert {moved.split: moved.effect for moved in report.data} == {
        "train": "the same files: no new data version",
        "test": "1 of 1 file changed: a new data version",
    }
    changed = {r["address"] for r in project.plan().to_dict()["resources"] if r["action"] == "create"}
    assert "data.test" in changed
    assert "data.train" not in changed


def test_lock_says_what_it_could_not_ask(hub: Hub, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.plan()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("phift.data.hub.session.Patience", lambda: QUICK)
    report = phases.lock(project.request, project.embedded.connector)
    (note,) = report.notes
    assert note.startswith(f"cannot determine whether {CHAT}@main has changed: cannot reach http://127.0.0.1:9")


def test_a_lock_of_an_earlier_release_is_valid_and_filled(hub: Hub, project: Project) -> None:
    project.plan()
    path = lock_path(project.spec)
    text = path.read_text(encoding="utf-8")
    start = text.index("      hub:\n") if "      hub:\n" in text else -1
    assert start > 0, text
    path.write_text(re.sub(r"^( +)hub:\n(?:\1 +.*\n)+", "", text, flags=re.MULTILINE), encoding="utf-8")
    assert (read_lock(path).stacks[project.stack].data or object()).hub is None  # type: ignore[union-attr]
    project.plan()
    assert read_lock(path) == read_lock(path)
    assert path.read_text(encoding="utf-8") == text


def test_rows_that_are_unfit_stop_an_apply_before_its_first_write(hub: Hub, project: Project, tmp_path: Path) -> None:
    rows = [*rows_of("train", 40), {"prompt": "?", "prompt_id": "x", "messages": [{"role": "user", "content": "?"}]}]
    hub.commit("org/unfit", {"train.jsonl": jsonl(iter(rows)), "test.jsonl": jsonl(rows_of("test", 5))})
    project.edit(HUB, "  train: {hub: org/unfit, split: train}\n  test: {hub: org/unfit, split: test}\n")
    plan = project.plan()
    before = project.embedded.mark()
    with pytest.raises(RefusedError, match="ends with `user`"):
        project.apply(plan)
    assert writes(project.embedded.since(before)) == []
    project.edit("  train: {hub", "  unfit: {skip: 5%}\n  train: {hub")
    project.applied()


def test_a_damaged_pin_is_told_and_an_upgrade_replaces_it(hub: Hub, project: Project) -> None:
    project.plan()
    path = lock_path(project.spec)
    whole = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"revision: \S+", "revision: main", whole), encoding="utf-8")
    with pytest.raises(InvalidSpecError) as caught:
        project.plan()
    assert "phift lock --upgrade" in caught.value.diagnostics[0].remedy
    phases.lock(project.request, project.embedded.connector, upgrade=True)
    assert path.read_text(encoding="utf-8") == whole
