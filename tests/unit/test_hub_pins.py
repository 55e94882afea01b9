"""Pins of hub data: what is asked, what the lock keeps, what a plan knows without asking or importing anything."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phift.data.hub import HubFile, HubRequest, HubSplit, Selection, transfer
from phift.errors import InvalidSpecError
from phift.spec import yaml12
from phift.spec.tree import plain

ROOT = Path(__file__).parents[2]
COMMIT = "8049631c405ae6576f93f445c6b8166f76f5505a"


def sha(number: int) -> str:
    return f"{number:064x}"


def pin(shards: int = 3, **changes: Any) -> HubSplit:
    """train_sft of ultrachat_200k: 69,288 rows and 70 row groups a file."""
    made = HubSplit(
        requested="HuggingFaceH4/ultrachat_200k@main",
        id="HuggingFaceH4/ultrachat_200k",
        revision=COMMIT,
        config="default",
        split="train_sft",
        builder="parquet",
        rows=69_288 * shards,
        columns={"prompt": "string", "messages": "list<struct<content: string, role: string>>"},
        files=tuple(HubFile(f"data/train_sft-{n:05}.parquet", 276_000_000, sha(n), 69_288, 70) for n in range(shards)),
        licence="mit",
    )
    return replace(made, **changes)


@pytest.mark.parametrize("id", ["HuggingFaceH4/ultrachat_200k", "a/b", "o-1/n_2.x", "_x/1"])
def test_names_of_the_hub(id: str) -> None:
    assert HubRequest(id, split="train").id == id


@pytest.mark.parametrize(
    ("id", "remedy"),
    [
        ("squad", "Use the form OWNER/NAME, such as HuggingFaceH4/ultrachat_200k."),
        ("a/b/c", "Use the form OWNER/NAME, such as HuggingFaceH4/ultrachat_200k."),
        ("https://huggingface.co/datasets/a/b", "Use a/b."),
        ("hf://datasets/a/b", "Use a/b."),
        ("data/x/train.jsonl", "For local files, use `path:`."),
        ("../x", None),
        ("a/../b", None),
        ("a/b c", None),
        ("a/b--c", None),
        ("a/b.git", None),
        ("a/b\n", None),
        ("ä/b", None),
        ("a/" + "b" * 97, None),
        ("", None),
    ],
)
def test_what_is_not_a_name(id: str, remedy: str | None) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        HubRequest(id)
    (found,) = caught.value.diagnostics
    assert found.path == "hub"
    assert found.code == "data-hub-hub"
    if remedy:
        assert found.remedy == remedy


@pytest.mark.parametrize(("field", "value"), [("revision", ""), ("revision", "a b"), ("config", "x\n"), ("split", " ")])
def test_other_fields_are_names_too(field: str, value: str) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        HubRequest("a/b", **{field: value})
    assert caught.value.diagnostics[0].path == field


def test_a_pin_holds_while_the_spec_says_the_same() -> None:
    request = HubRequest("HuggingFaceH4/ultrachat_200k", split="train_sft")
    assert pin().answers(request)
    assert not pin().answers(replace(request, split="test_sft"))
    assert not pin().answers(replace(request, revision="v2"))
    assert not pin().answers(replace(request, config="default"))
    assert str(pin()) == "HuggingFaceH4/ultrachat_200k@8049631c default/train_sft"


@pytest.mark.parametrize(
    "made",
    [
        pin(),
        pin(id="HuggingFaceH4/chat", gated=True, licence=""),
        pin(rows=None, files=(HubFile("a b/ü: #1.jsonl", 0, sha(1)),), builder="json", columns={}),
        pin(builder="csv", options={"sep": ";", "names": ["a", "b"], "header": None}),
        pin(rows=0),
    ],
)
def test_the_lock_file_keeps_a_pin(made: HubSplit) -> None:
    """Through the very text that lock files consist of."""
    text = "".join(yaml12.block_lines(made.plain(), one_line=(0, "")))
    root, found = yaml12.parse(text, "phift.lock")
    assert root is not None
    assert not found
    assert HubSplit.from_plain(plain(root)) == made


def test_many_files_are_kept_as_a_count_and_a_digest() -> None:
    made = pin(65)
    kept = made.plain()
    assert set(kept["files"]) == {"count", "digest", "size"}
    read = HubSplit.from_plain(kept)
    assert read.files == ()
    assert read.unlisted is not None
    assert (read.size, read.rows) == (made.size, made.rows)
    # What the plan's identity is made of does not depend on whether the files are at hand.
    assert read.contents() == made.contents()
    assert read.plain() == kept
    assert pin(64).plain()["files"].keys() == {file.path for file in pin(64).files}


def test_the_content_identifies_a_split() -> None:
    elsewhere = pin(
        id="other/name", requested="other/name@v1", revision="f" * 40, rows=None,
        files=tuple(replace(file, path=f"x/{file.path}", rows=None, groups=None) for file in pin().files),
    )  # fmt: skip
    assert pin().contents() == elsewhere.contents() == [{"format": "parquet", "sha256": sha(n)} for n in range(3)]
    assert pin(builder="json").contents() != pin().contents()
    assert pin(builder="csv", options={"sep": ";"}).contents() != pin(builder="csv").contents()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("revision", "main"),
        ("revision", None),
        ("requested", 3),
        ("rows", -1),
        ("rows", True),
        ("rows", "12"),
        ("columns", ["a"]),
        ("files", {}),
        ("files", {"a": {"sha256": "12", "size": 1}}),
        ("files", {"a": {"sha256": sha(1)}}),
        ("files", {"a": 1}),
        ("files", {"count": 100, "digest": "x", "size": 1}),
    ],
)
def test_a_pin_that_phift_did_not_write(key: str, value: object) -> None:
    with pytest.raises(InvalidSpecError, match="lock file"):
        HubSplit.from_plain({**pin().plain(), key: value})


def test_a_pin_of_a_later_release_is_read() -> None:
    assert HubSplit.from_plain({**pin().plain(), "novelty": 1}) == pin()


def test_what_is_transferred() -> None:
    made = pin()
    size = made.size
    assert transfer(made, Selection.all()) == (size, size)
    assert transfer(made, Selection.where(lambda n: n % 20 == 0)) == (size, size)
    # 10,393 rows lie in 11 of the first file's 70 row groups.
    assert transfer(made, Selection.first(10_393)) == (round(276_000_000 * 11 / 70), size)
    assert transfer(made, Selection.first(69_289)) == (276_000_000 + round(276_000_000 / 70), size)
    assert transfer(made, Selection.first(10**9)) == (size, size)
    assert transfer(made, Selection.blocks(lambda n: n in (0, 69, 70))) == (
        2 * round(276e6 / 70) + round(276e6 / 70),
        size,
    )
    assert transfer(made, Selection.blocks(lambda n: False)) == (0, size)


def test_what_is_not_known_is_not_promised() -> None:
    uncounted = pin(files=(), rows=None)
    uncounted = replace(uncounted, files=tuple(replace(file, rows=None, groups=None) for file in pin().files))
    assert transfer(uncounted, Selection.first(1)) == (uncounted.size, uncounted.size)
    assert transfer(pin(builder="json"), Selection.first(1)) == (pin().size, pin().size)
    many = HubSplit.from_plain(pin(100).plain())
    assert transfer(many, Selection.first(many.rows // 2)) == (many.size // 2, many.size)


def test_a_full_pin_imports_nothing_heavy() -> None:
    code = f"""
import sys
from phift.data.hub import HubClient, HubRequest, HubSplit, Selection, newest, read, resolve, splits_of, transfer
pin = HubSplit.from_plain({pin().plain()!r})
assert pin.answers(HubRequest("HuggingFaceH4/ultrachat_200k", split="train_sft"))
transfer(pin, Selection.first(10)), pin.contents(), str(pin)
client = HubClient()
client.token_source, client.place.host
client.close()
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert modules & {"datasets", "huggingface_hub", "pyarrow", "httpx2", "numpy", "pandas", "torch", "azure"} == set()
