"""Files of data that are none: nothing of their content is told, and none of them fills the memory."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from phift.data import limits
from phift.data.prepare import prepare
from phift.data.problems import named
from phift.data.recipe import Recipe
from phift.data.sources import identify
from phift.errors import InvalidSpecError

CONFIGS = Path(__file__).parents[2] / "configs" / "data"
SECRETS = (
    "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:hunter2\n",
    "hunter2 hunter2,hunter2-b\nhunter2,x\n",
    "-----BEGIN hunter2-----\nhunter2\n",
    '{"hunter2 key": "hunter2"}\n{"a": "hunter2"}\n',
    '[{"messages": [{"role": "hunter2", "content": "hunter2", "hunter2!": 1}]}]\n',
    "[hunter2",
    '{"messages": "hunter2"}\n{"messages": [["hunter2"]]}\nhunter2\n',
    "messages\n\"[{'role': 'hunter2'}]\"\nhunter2,hunter2\n",
    "hf_hunter2hunter2hunter2hunter2\n",
)


def refused(folder: Path, name: str) -> InvalidSpecError:
    with pytest.raises(InvalidSpecError) as error:
        prepare(Recipe.of(identify({"path": name}, folder)), folder / "out")
    return error.value


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "parquet"])
@pytest.mark.parametrize("content", SECRETS)
def test_nothing_of_it_is_told(tmp_path: Path, content: str, suffix: str) -> None:
    (tmp_path / "secret").write_text(content)
    (tmp_path / f"train.{suffix}").symlink_to("secret")
    error = refused(tmp_path, f"train.{suffix}")
    for found in error.diagnostics:
        assert "hunter2" not in repr(found)
        assert "root:x" not in repr(found)
        assert found.mark is not None
        assert found.mark.file.endswith(f"train.{suffix}")


def test_columns_are_named_where_they_are_identifiers() -> None:
    assert named(["prompt", "text_2"]) == "`prompt`, `text_2`"
    assert named(["prompt", "a b", 3]) == "`prompt` and 2 whose name is not an identifier"
    assert named(["root:x:0"]) == "1 whose name is not an identifier"
    assert named([]) == "none"
    assert named([f"c{n}" for n in range(20)]).count("`") == 16


def test_a_role_is_named_where_it_is_one_of_another_format(tmp_path: Path) -> None:
    def said(role: str) -> str:
        row = {"messages": [{"role": role, "content": "a"}, {"role": "assistant", "content": "b"}]}
        (tmp_path / "a.jsonl").write_text(json.dumps(row))
        return refused(tmp_path, "a.jsonl").diagnostics[0].summary

    assert said("human") == "message 1 has role `human`"
    assert said("Assistant") == "message 1 has role `Assistant`"
    assert said("somebody") == "message 1 has an unknown role"


@pytest.mark.parametrize(
    ("name", "head", "words"),
    [("a.jsonl", '{"a": "', "the line has more than"), ("a.csv", 'messages\n"', "not CSV")],
)
def test_a_line_without_end_is_not_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, head: str, words: str
) -> None:
    monkeypatch.setattr(limits, "LONGEST", 1000)
    (tmp_path / name).write_text(head + "x" * 5000)
    assert words in refused(tmp_path, name).diagnostics[0].summary


def test_damaged_parquet_names_its_file(tmp_path: Path) -> None:
    raw = (CONFIGS / "train.parquet").read_bytes()
    rnd = random.Random(5)
    told = 0
    for _ in range(60):
        damaged = bytearray(raw)
        for _ in range(rnd.choice((1, 3, 20))):
            damaged[rnd.randrange(len(damaged))] = rnd.randrange(256)
        (tmp_path / "a.parquet").write_bytes(damaged)
        try:
            prepare(Recipe.of(identify({"path": "a.parquet"}, tmp_path)), tmp_path / "out")
        except InvalidSpecError as error:
            told += all(
                d.mark and d.mark.file.endswith("a.parquet") for d in error.diagnostics if d.code != "data-more"
            )
    assert told > 20
