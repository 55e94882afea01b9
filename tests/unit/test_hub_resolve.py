"""From a request to a pin, against the stand-in hub with the real `datasets`."""

from __future__ import annotations

import gzip
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hub import Hub
from hubcase import GOOD, OTHER, QUICK, TRAIN, clear, said
from hubdata import CHAT, SPLITS, card, jsonl, rows_of, ultrachat

from phift.data.hub import (
    HubClient,
    HubError,
    HubRequest,
    HubSplit,
    Selection,
    newest,
    read,
    resolve,
    splits_of,
    transfer,
)
from phift.errors import InvalidSpecError, PhiftError, StalePlanError


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clear(monkeypatch, tmp_path / "hf-home")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with data sets of many shapes, which tests only read."""
    folder = tmp_path_factory.mktemp("hub")
    tokens = {GOOD: ["org/gated", "org/private"], OTHER: []}
    lines = jsonl(rows_of("train", 20))
    with Hub(folder / "blobs", tokens=tokens, page=2) as hub:
        ultrachat(hub, folder / "chat")
        ultrachat(hub, folder / "gated", id="org/gated", rows={"train_sft": 30}, shards=1, gated="auto")
        ultrachat(hub, folder / "private", id="org/private", rows={"train_sft": 30}, shards=1, private=True)
        hub.commit("org/bare", {"train.jsonl": lines, "test.jsonl": jsonl(rows_of("test", 3))}, licence="")
        hub.commit(
            "org/parquet-without-card", {"data/train-1.parquet": folder / "private" / _first(folder / "private")}
        )
        hub.commit("org/zipped", {"train.jsonl.gz": gzip.compress(lines)})
        hub.commit("org/script", {"README.md": b"# x", "script.py": b"raise SystemExit('run')"})
        hub.commit("org/empty", {"README.md": b"# x", "picture.xyz": b"nothing"})
        hub.commit("org/mixed", {"train.csv": b"a\n1\n", "test.jsonl": b"{}\n"})
        hub.commit("org/wrong-card", {"README.md": card({"train": "data/nothing-*"}).encode(), "train.jsonl": lines})
        hub.commit("org/wrong-file", {"README.md": card({"train": "data/x.jsonl"}).encode(), "train.jsonl": lines})
        hub.commit("org/configs", {"README.md": CONFIGS, "a.csv": b"q;a\nx;1\n", "b.csv": b"q,a\ny,2\n"})
        hub.commit("old/name", {"train.jsonl": lines})
        hub.rename("old/name", "new/name")
        hub.repositories[CHAT].tags["v1"] = hub.repositories[CHAT].branches["main"]
        yield hub


CONFIGS = b"""---
configs:
- config_name: semicolons
  data_files: a.csv
  sep: ";"
- config_name: commas
  data_files: b.csv
---
"""


def _first(folder: Path) -> str:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("train_sft"))[0]


@pytest.fixture
def hub(shared: Hub) -> Hub:
    shared.clear()
    return shared


@pytest.fixture
def client(hub: Hub) -> Iterator[HubClient]:
    with HubClient(hub.url, patience=QUICK) as made:
        yield made


def test_a_first_resolution(hub: Hub, client: HubClient) -> None:
    made = resolve(TRAIN, client)
    assert (
        len({seen.path.partition("?")[0] for seen in hub.requests()}) == 4
    )  # the listings of this hub have many pages
    assert hub.read() == 0
    commit = hub.repositories[CHAT].branches["main"]
    blobs = hub.repositories[CHAT].commits[commit]
    assert made.revision == commit
    assert (made.requested, made.id, made.config, made.split) == (f"{CHAT}@main", CHAT, "default", "train_sft")
    assert (made.builder, made.licence, made.gated, made.rows) == ("parquet", "mit", False, None)
    assert dict(made.columns) == {
        "prompt": "string",
        "prompt_id": "string",
        "messages": "list<struct<content: string, role: string>>",
    }
    expected = sorted(name for name in blobs if "train_sft" in name)
    assert [(f.path, f.size, f.sha256) for f in made.files] == [(n, blobs[n].size, blobs[n].sha256) for n in expected]
    assert HubSplit.from_plain(made.plain()) == made


def test_counting_rows_stays_within_twelve_requests(tmp_path: Path) -> None:
    with Hub(tmp_path / "blobs") as hub:
        ultrachat(hub, tmp_path / "chat")
        with HubClient(hub.url) as client:
            made = resolve(TRAIN, client, count=True)
        assert len(hub.requests()) <= 12
    assert made.rows == 210
    assert [(file.rows, file.groups) for file in made.files] == [(70, 7)] * 3
    assert made.groups == 21


def test_a_count_that_the_card_claims_is_believed_until_rows_are_read(hub: Hub, client: HubClient) -> None:
    claimed = resolve(HubRequest(CHAT, split="test_gen"), client, at_least=30)
    assert (claimed.rows, claimed.claimed) == (None, 30)
    assert HubSplit.from_plain(claimed.plain()) == claimed
    assert transfer(claimed, Selection.first(15)) == (round(claimed.size / 2), claimed.size)
    assert not any(seen.range for seen in hub.requests())
    counted = resolve(HubRequest(CHAT, split="test_gen"), client, at_least=31)
    assert (counted.rows, counted.claimed) == (30, None)


def test_what_is_known_is_not_asked_again(hub: Hub, client: HubClient) -> None:
    first = resolve(TRAIN, client)
    asked = len(hub.requests())
    second = resolve(HubRequest(CHAT, split="test_sft"), client)
    assert splits_of(TRAIN, client) == SPLITS
    assert newest(TRAIN, client) == first.revision == second.revision
    assert len(hub.requests()) == asked


def test_the_newest_commit_is_one_request(hub: Hub, client: HubClient) -> None:
    assert newest(TRAIN, client) == hub.repositories[CHAT].branches["main"]
    assert [seen.path for seen in hub.requests()] == [f"/api/datasets/{CHAT}/revision/main"]


@pytest.mark.parametrize("revision", ["v1", "COMMIT"])
def test_tags_and_commits(hub: Hub, client: HubClient, revision: str) -> None:
    commit = hub.repositories[CHAT].branches["main"]
    request = HubRequest(CHAT, revision.replace("COMMIT", commit), split="train_sft")
    assert resolve(request, client).revision == commit


def test_no_other_service_is_asked_and_nothing_is_told(hub: Hub, client: HubClient) -> None:
    """Not datasets-server, not the registry of agents, and what runs here is nobody's business."""
    resolve(TRAIN, client)
    for seen in hub.requests():
        assert seen.path.startswith((f"/api/datasets/{CHAT}", f"/datasets/{CHAT}"))
        assert seen.agent.startswith("phift/")
        assert "torch" not in seen.agent


def test_the_user_s_caches_are_left_alone(client: HubClient, tmp_path: Path) -> None:
    resolve(TRAIN, client)
    assert not (tmp_path / "hf-home").exists()


def test_a_folder_of_the_same_name_is_not_the_data_set(
    client: HubClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / CHAT).mkdir(parents=True)
    (tmp_path / CHAT / "train_sft.jsonl").write_text('{"text": "from this machine"}\n')
    monkeypatch.chdir(tmp_path)
    assert [file.path[:15] for file in resolve(TRAIN, client).files] == ["data/train_sft-"] * 3


def test_files_in_git_are_digested(hub: Hub, client: HubClient) -> None:
    made = resolve(HubRequest("org/bare", split="train"), client)
    blob = hub.repositories["org/bare"].commits[made.revision]["train.jsonl"]
    assert [(file.sha256, file.size) for file in made.files] == [(blob.sha256, blob.size)]
    assert made.builder == "json"
    assert made.columns["messages"] == "list<struct<content: string, role: string>>"
    assert made.licence == ""
    assert len(hub.requests()) <= 12


def test_columns_that_no_card_tells(client: HubClient) -> None:
    parquet = resolve(HubRequest("org/parquet-without-card", split="train"), client)
    assert list(parquet.columns) == ["prompt", "prompt_id", "messages"]
    # Only the whole of a compressed file would tell.
    assert dict(resolve(HubRequest("org/zipped", split="train"), client).columns) == {}


def test_options_of_the_card_are_pinned(client: HubClient) -> None:
    made = resolve(HubRequest("org/configs", config="semicolons", split="train"), client)
    assert dict(made.options) == {"sep": ";"}
    assert dict(made.columns) == {"q": "string", "a": "int64"}
    assert not resolve(HubRequest("org/configs", config="commas", split="train"), client).options


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (
            HubRequest(CHAT, split="trian_sft"),
            f"split: {CHAT} has no split trian_sft | "
            "Did you mean train_sft? It has: train_sft, test_sft, train_gen, test_gen.",
        ),
        (HubRequest(CHAT), f"split: `split` is required for {CHAT} | "
            "Write `split:` with one of: train_sft, test_sft, train_gen, test_gen."),
        (HubRequest(CHAT, "v2", split="train_sft"), f"revision: {CHAT} has no revision v2 | It has: main, v1."),
        (HubRequest(CHAT, config="extra", split="x"), f"config: {CHAT} has no config extra | It has: default."),
        (HubRequest("org/configs", split="train"), "config: `config` is required for org/configs | "
            "Write `config:` with one of: semicolons, commas."),
        (HubRequest("org/configs", config="comma", split="train"),
            "config: org/configs has no config comma | Did you mean commas? It has: semicolons, commas."),
        (HubRequest("org/script", split="train"),
            "hub: org/script is a loading script (script.py); phift does not run code of data sets | "
            "Use `revision: refs/convert/parquet` if the hub has converted it, or download the data and use `path:`."),
        (HubRequest("org/empty", split="train"),
            "hub: org/empty has no data files that can be read | Check its files on the hub, or use `path:`."),
        (HubRequest("org/mixed", split="train"), "hub: the card of org/mixed does not describe files of one format | "
            "Choose another revision, or report it to the authors of the data set."),
        (HubRequest("org/wrong-card", split="train"),
            "hub: the card of org/wrong-card refers to missing files for train (data/nothing-*) | "
            "Choose another revision, or report it to the authors of the data set."),
        (HubRequest("org/wrong-file", split="train"),
            "hub: the card of org/wrong-file refers to missing files for train (data/x.jsonl) | "
            "Choose another revision, or report it to the authors of the data set."),
    ],
    ids=lambda value: str(value) if isinstance(value, HubRequest) else "",
)  # fmt: skip
def test_what_there_is_not(client: HubClient, request_: HubRequest, words: str) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        resolve(request_, client)
    assert said(caught.value) == words


def test_a_renamed_data_set(hub: Hub, client: HubClient) -> None:
    made = resolve(HubRequest("old/name", split="train"), client)
    assert (made.id, made.renamed_from, made.requested) == ("new/name", "old/name", "old/name@main")
    # Only the first request goes by the old name; each other one would be redirected.
    assert sum("old/name" in seen.path for seen in hub.requests()) == 1
    assert HubSplit.from_plain(made.plain()) == made


def test_a_commit_that_only_edits_the_card_is_the_same_data(tmp_path: Path) -> None:
    with Hub(tmp_path / "blobs") as hub:
        ultrachat(hub, tmp_path / "chat", rows={"train_sft": 30})
        with HubClient(hub.url) as client:
            before = resolve(TRAIN, client)
        text = card({split: f"data/{split}-*" for split in SPLITS}) + "More words.\n"
        hub.commit(CHAT, {"README.md": text.encode()}, keep=True)
        with HubClient(hub.url) as client:
            after = resolve(TRAIN, client)
            test = resolve(replace(TRAIN, split="test_sft"), client)
        # Another file of test_sft is other data of that split alone.
        changed = {test.files[0].path: tmp_path / "chat" / Path(after.files[0].path).name}
        hub.commit(CHAT, changed, keep=True)
        with HubClient(hub.url) as client:
            assert resolve(TRAIN, client).contents() == after.contents()
            assert resolve(replace(TRAIN, split="test_sft"), client).contents() != test.contents()
    assert before.revision != after.revision
    assert before.contents() == after.contents()


@pytest.mark.parametrize(
    "head",
    [
        "configs: [",
        "configs: 3",
        "configs:\n- 1",
        "configs:\n- config_name: a",
        "configs:\n- config_name: a\n  data_files: 3",
        "configs:\n- config_name: a\n  data_files: [{split: x}]",
        "configs:\n- config_name: a\n  data_files: [{path: 1, split: 2}]",
        "configs:\n- config_name: 'a/b'\n  data_files: nosuch.csv",
        "configs:\n- config_name: a\n  data_files: nosuch.csv\n  nosuch_option: 1",
        "dataset_info: 3",
        "dataset_info:\n  features: 3",
        "dataset_info:\n  features: [{name: a, dtype: nosuch}]",
        "[]",
        "\x00",
    ],
)
def test_cards_that_are_none(tmp_path: Path, head: str) -> None:
    """Whatever a card says, phift has an error of its own for it."""
    with Hub(tmp_path / "blobs") as hub:
        hub.commit("org/odd", {"README.md": f"---\n{head}\n---\n".encode(), "train.jsonl": b'{"a": 1}\n'})
        with HubClient(hub.url, patience=QUICK) as client:
            try:
                assert resolve(HubRequest("org/odd", split="train"), client).files
            except PhiftError as error:
                assert said(error).partition(" | ")[2]  # noqa: PT017 - some are read nevertheless


def test_clients_and_threads_do_not_meet(hub: Hub) -> None:
    """The libraries have one state for the process: each resolution still asks its own hub, and none waits for ever."""
    requests = [HubRequest(id, split="train") for id in ("org/bare", "org/zipped", "org/parquet-without-card")]
    with HubClient(hub.url) as one, HubClient(hub.url) as other, ThreadPoolExecutor(6) as pool:
        found = list(pool.map(resolve, requests * 2, [one, one, other, other, one, other], timeout=60))
    assert found[:3] == found[3:]


def test_files_inside_archives(tmp_path: Path) -> None:
    head = "---\nconfigs:\n- config_name: default\n  data_files: zip://a.csv::x.zip\n---\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
        archive.writestr("b.csv", "a\n2\n")
    with Hub(tmp_path / "blobs") as hub:
        hub.commit("org/inside", {"README.md": head.encode(), "x.zip": packed.getvalue()})
        hub.commit("org/packed", {"train.zip": packed.getvalue()})
        with HubClient(hub.url, patience=QUICK) as client:
            with pytest.raises(InvalidSpecError, match="refers to missing files for train"):
                resolve(HubRequest("org/inside", split="train"), client)
            made = resolve(HubRequest("org/packed", split="train"), client)
            assert [row for _, _, row in read(made, Selection.all(), client, tmp_path / "s")] == [{"a": 1}, {"a": 2}]


def test_many_files(tmp_path: Path) -> None:
    """Over 64 files the lock file keeps a digest, and the files are listed again when rows are read."""
    files = {f"data/train-{n:03}.jsonl": json.dumps({"n": n}).encode() for n in range(70)}
    with Hub(tmp_path / "blobs", page=20) as hub:
        hub.commit("org/many", files)
        request = HubRequest("org/many", split="train")
        with HubClient(hub.url, patience=QUICK) as client:
            made = HubSplit.from_plain(resolve(request, client).plain())
        assert made.unlisted is not None
        assert made.unlisted.count == 70
        with HubClient(hub.url, patience=QUICK) as client:
            rows = list(read(made, Selection.all(), client, tmp_path / "scratch"))
        assert [row for _, _, row in rows] == [{"n": n} for n in range(70)]
        blobs = hub.repositories["org/many"].commits[made.revision]
        blobs["data/train-003.jsonl"] = blobs["data/train-004.jsonl"]
        with (
            HubClient(hub.url, patience=QUICK) as client,
            pytest.raises(StalePlanError, match="list of files") as caught,
        ):
            list(read(made, Selection.all(), client, tmp_path / "scratch"))
        assert caught.value.exit_code == 5


def test_too_many_small_files(client: HubClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["phift.data.hub.resolving"], "_SMALL_FILES", 0)
    with pytest.raises(HubError, match="1 files that the hub stores without a SHA-256"):
        resolve(HubRequest("org/bare", split="train"), client)


def test_a_long_list_of_files_may_be_cut(client: HubClient, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a list that may be cut does not name is asked for."""
    monkeypatch.setattr("phift.data.hub.known._SURELY_ALL", 0)
    resolve(TRAIN, client)
    assert any(seen.path.endswith("/dataset_infos.json") for seen in hub.requests())
