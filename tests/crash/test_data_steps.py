"""An apply killed while it downloads, prepares or uploads data: the next one uses what is there, and nothing half."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hub import VARIABLES, Hub
from hubdata import CHAT, ultrachat
from support import Embedded, Project

from phift.azure.blob_upload import BLOCK
from phift.digest import file_digest
from phift.errors import NotFoundError

PATIENCE = 180.0
SHARDS = 6


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A split of six files of about 700 KB."""
    folder = tmp_path_factory.mktemp("hub")
    with Hub(folder / "blobs") as made:
        ultrachat(made, folder, rows={"train_sft": 600}, shards=SHARDS, group=20, length=2500)
        yield made


@pytest.fixture
def hub(shared: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Hub:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    monkeypatch.setenv("HF_ENDPOINT", shared.url)
    shared.clear()
    return shared


@pytest.fixture
def project(tmp_path: Path, stack: str, own_embedded: Callable[[], Embedded]) -> Project:
    """With a cache of its own."""
    return Project.small(tmp_path / "project", stack, own_embedded())


def of_the_hub(project: Project) -> None:
    project.edit("train: {path: train.jsonl}", f"train: {{hub: {CHAT}, split: train_sft}}")
    # The rows of the test split are local; the lock file spares the killed run the resolution.
    locked = project.run("lock", "spec.yaml")
    assert locked.returncode == 0, locked.stderr


def large(project: Project, blocks: int) -> Path:
    """Training data of that many blocks and a bit."""
    path = project.folder / "train.jsonl"
    text = "naïve words " * 2000
    said = [{"role": "user", "content": text}, {"role": "assistant", "content": "Yes."}]
    with path.open("w", encoding="utf-8") as out:
        for number in range(blocks * BLOCK // 26_100 + 10):
            out.write(json.dumps({"prompt": f"{number}?", "messages": said, "prompt_id": str(number)}) + "\n")
    return path


def killed_when(project: Project, question: Callable[[], bool]) -> None:
    """An apply, ended by SIGKILL as soon as the answer is yes."""
    process = project.start("apply", "-y", "spec.yaml")
    deadline = time.monotonic() + PATIENCE
    try:
        while not question():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, "the moment to kill it did not come"
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=PATIENCE)


def applied_again(project: Project) -> subprocess.CompletedProcess[str]:
    """As far as the job, which is of no matter here."""
    deadline = time.monotonic() + 90
    while (done := project.run("apply", "-y", "--no-wait", "spec.yaml")).returncode == 6:
        assert time.monotonic() < deadline, done.stderr
        time.sleep(2)
    assert done.returncode in (0, 8), done.stdout + done.stderr
    assert "data.train: Creation complete" in done.stderr
    return done


def cached(project: Project) -> Path:
    return project.embedded.home / "cache"


def rows_file(project: Project) -> Path:
    """The large file of prepared rows."""
    (found,) = large_files(project)
    return found


def large_files(project: Project) -> list[Path]:
    return [path for path in (cached(project) / "data").glob("*.jsonl") if path.stat().st_size > BLOCK]


def arrived(project: Project, mark: int) -> int:
    """Writes of the training data to the blob store that went well since a mark."""
    since = project.embedded.requests()[mark:]
    return sum(
        r["method"] == "PUT" and r["status"] == 201 and bool(re.search(r"/phift/data/.*/train\.jsonl", r["path"]))
        for r in since
    )


def left_blocks(project: Project, name: str) -> set[str]:
    try:
        query = {"comp": "blocklist", "blocklisttype": "uncommitted"}
        answer = project.embedded.azure().blobs.request("GET", name, query=query)
    except NotFoundError:
        return set()
    root = ElementTree.fromstring(answer.content)
    return {each.findtext("Name", "") for each in root.iterfind("UncommittedBlocks/Block")}


def try_download(project: Project, hub: Hub, files: int) -> None:
    """Killed while the file after so many is on its way."""
    of_the_hub(project)
    hub.clear()
    hub.fault(r"^/[0-9a-f]{64}\?", skip=files, times=99, delay=5)
    downloads = cached(project) / "downloads"
    killed_when(project, lambda: len(list(downloads.rglob("*.parquet"))) == files and len(hub.requests("hub")) > files)
    assert len(list((cached(project) / "data").glob("*.jsonl"))) <= 1  # of the test split
    hub.clear()
    applied_again(project)
    assert len(hub.requests("cdn")) == SHARDS - files
    assert [p for p in downloads.rglob("*") if p.is_file() and p.suffix != ".lock"] == []
    again = hub.requests()
    project.run("plan", "spec.yaml")
    assert hub.requests() == again


def try_upload(project: Project, blocks: int, after: int) -> None:
    """Killed when so many blocks have arrived."""
    large(project, blocks)
    mark = project.embedded.mark()
    fault = {"pattern": r"^PUT .*comp=block&", "offset": after, "count": 0, "delay": 20}
    project.embedded.admin("POST", "/faults", fault)
    killed_when(project, lambda: bool(large_files(project)) and arrived(project, mark) >= after)
    project.embedded.admin("DELETE", "/faults")
    name = f"phift/data/{file_digest(rows_file(project))}/train.jsonl"
    blobs = project.embedded.azure().blobs
    left = left_blocks(project, name)
    assert len(left) >= after
    assert blobs.head(name) is None
    mark = project.embedded.mark()
    applied_again(project)
    project.embedded.mark()
    assert arrived(project, mark) == blocks + 1 - len(left) + 1  # the rest of the blocks, and their list
    there, made = blobs.head(name), rows_file(project)
    assert there
    assert there["metadata"]["phift_digest"] == file_digest(made)
    assert there["size"] == made.stat().st_size


def test_killed_while_downloading(project: Project, hub: Hub) -> None:
    try_download(project, hub, 3)


@pytest.mark.matrix
@pytest.mark.parametrize("files", range(1, SHARDS))
def test_killed_while_downloading_at_every_file(project: Project, hub: Hub, files: int) -> None:
    try_download(project, hub, files)


def test_killed_while_preparing(project: Project) -> None:
    large(project, 4)
    folder = cached(project) / "data"
    killed_when(project, lambda: any(p.stat().st_size > 1 << 20 for p in folder.glob(".*.jsonl.*")))
    assert large_files(project) == []
    applied_again(project)
    assert not list(folder.glob(".*"))
    assert file_digest(rows_file(project)) == json.loads(rows_file(project).with_suffix(".json").read_text())["digest"]


def test_killed_while_uploading(project: Project) -> None:
    try_upload(project, 4, 2)


@pytest.mark.matrix
@pytest.mark.parametrize("after", range(9))
def test_killed_while_uploading_at_every_block(project: Project, after: int) -> None:
    try_upload(project, 8, after)


def test_a_damaged_file_of_the_cache_is_not_uploaded(project: Project) -> None:
    assert project.run("plan", "spec.yaml").returncode in (0, 2)
    damaged = []
    for path in (cached(project) / "data").glob("*.jsonl"):
        content = path.read_bytes()
        path.write_bytes(content[:-3] + b"#" + content[-2:])
        damaged.append((path, content))
    assert len(damaged) == 2
    applied_again(project)
    for path, content in damaged:
        assert path.read_bytes() == content
    azure = project.embedded.azure()
    stored = [azure.blobs.get(name) for name in azure.blobs.list("phift/data/")]
    assert sorted(stored) == sorted(content for _, content in damaged)


@pytest.mark.slow
def test_rows_are_prepared_once_for_upload_tests_and_sample(project: Project, hub: Hub) -> None:
    project.edit("train: {path: train.jsonl}", f"train: {{hub: {CHAT}, split: train_sft, take: {{first: 5%}}}}")
    project.edit("test: {path: test.jsonl}", f"test: {{hub: {CHAT}, split: test_sft}}")
    project.edit(
        "targets:\n",
        "endpoint: {auth_mode: key}\n"
        "deployment: {instance_type: Standard_NC24ads_A100_v4, instance_count: 1}\n"
        "tests: {smoke: {rows: 1}}\ntargets:\n",
    )
    assert project.run("plan", "spec.yaml").returncode in (0, 2)
    assert hub.read() < 2_000_000  # footers
    hub.clear()
    done = project.run("apply", "-y", "spec.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    files = [
        (path.stat().st_ino, path.stat().st_ctime_ns) for path in sorted((cached(project) / "data").glob("*.json"))
    ]
    assert len(files) == 2
    ranges = [(seen.path, seen.range) for seen in hub.requests("cdn")]
    assert len(ranges) == len(set(ranges))
    assert [p for p in (cached(project) / "downloads").rglob("*") if p.is_file() and p.suffix != ".lock"] == []
    hub.clear()
    sampled = project.run("invoke", "spec.yaml", "--sample", "2")
    assert sampled.returncode == 0, sampled.stderr
    assert hub.requests() == []
    assert notes(project) == files


def notes(project: Project) -> list[tuple[int, int]]:
    """What changes whenever rows are prepared."""
    found = sorted((cached(project) / "data").glob("*.json"))
    return [(path.stat().st_ino, path.stat().st_ctime_ns) for path in found]
