"""From files to the canonical file: formats agree, versions follow the content, nothing half-done is left."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from datafiles import GOOD, ROWS, as_csv, as_parquet, conversation, lines, only, place, prepared, refused

from phift.data.prepare import prepare
from phift.data.recipe import Recipe
from phift.data.sources import identify
from phift.errors import PhiftError, StalePlanError


def test_all_formats_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(ROWS))
    (tmp_path / "a.json").write_text(json.dumps(ROWS, indent=2))
    (tmp_path / "lines.json").write_bytes(lines(ROWS))
    as_csv(tmp_path / "a.csv", ROWS)
    as_parquet(tmp_path / "a.parquet", ROWS, group=4)
    as_parquet(tmp_path / "text.parquet", [{**row, "messages": json.dumps(row["messages"])} for row in ROWS])
    results = [
        prepared(tmp_path, name) for name in ("a.jsonl", "a.json", "lines.json", "a.csv", "a.parquet", "text.parquet")
    ]
    assert len(set(results)) == 1
    result = results[0]
    content = result.path.read_bytes()
    assert [json.loads(line) for line in content.splitlines()] == ROWS
    assert (result.rows, result.size) == (10, len(content))


def test_byte_order_marks_carriage_returns_and_blank_lines(tmp_path: Path) -> None:
    plain = lines(ROWS)
    as_csv(tmp_path / "a.csv", ROWS)
    (tmp_path / "plain.jsonl").write_bytes(plain)
    (tmp_path / "windows.jsonl").write_bytes(b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n") + b"\r\n  \r\n")
    (tmp_path / "windows.json").write_bytes(
        b"\xef\xbb\xbf\r\n" + json.dumps(ROWS, indent=1).replace("\n", "\r\n").encode()
    )
    (tmp_path / "windows.csv").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "a.csv").read_bytes())
    (tmp_path / "unended.jsonl").write_bytes(plain.rstrip())
    names = ("plain.jsonl", "windows.jsonl", "windows.json", "windows.csv", "unended.jsonl")
    assert len({prepared(tmp_path, name).digest for name in names}) == 1


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\n", "\r\n"])
def test_line_ends_inside_texts_split_no_row(tmp_path: Path, end: str) -> None:
    row = conversation(1)
    row["messages"][1]["content"] = f"one{end}two"
    (tmp_path / "a.jsonl").write_bytes(lines([row, row]))
    (tmp_path / "a.json").write_bytes(json.dumps([row, row], ensure_ascii=False).encode())
    as_csv(tmp_path / "a.csv", [row, row])
    for name in ("a.jsonl", "a.json", "a.csv"):
        text = prepared(tmp_path, name).path.read_text(encoding="utf-8")
        assert [json.loads(line) for line in text.splitlines()] == [row, row]


@pytest.mark.parametrize("name", ["big.jsonl", "big.json", "big.csv"])
def test_huge_rows(tmp_path: Path, name: str) -> None:
    row = conversation(1)
    row["messages"][1]["content"] = 'wörd "quoted" ' * 200_000
    (tmp_path / "big.jsonl").write_bytes(lines([row] * 2))
    (tmp_path / "big.json").write_text(json.dumps([row] * 2), encoding="utf-8")
    as_csv(tmp_path / "big.csv", [row] * 2)
    result = prepared(tmp_path, name)
    assert result.rows == 2
    assert json.loads(result.path.read_bytes().splitlines()[1]) == row


def test_a_glob_follows_the_names(tmp_path: Path) -> None:
    for part in (2, 0, 1):
        (tmp_path / f"part-{part}.jsonl").write_bytes(lines(ROWS[part * 3 : part * 3 + 3]))
    result = prepared(tmp_path, "part-*.jsonl")
    assert [json.loads(line)["prompt_id"] for line in result.path.read_text().splitlines()] == [
        str(n) for n in range(9)
    ]


def test_templates_make_messages_of_other_columns(tmp_path: Path) -> None:
    (tmp_path / "qa.csv").write_text('question,answer,hint\n"Two?",2,\n"Three?",3,Count.\n')
    templates = {"system": "{{ hint }}", "user": "{{ question }}", "assistant": "It is {{ answer }}."}
    first, second = (
        json.loads(line) for line in prepared(tmp_path, "qa.csv", messages=templates).path.read_text().splitlines()
    )
    assert [message["role"] for message in first["messages"]] == ["user", "assistant"]
    assert [message["content"] for message in second["messages"]] == ["Count.", "Three?", "It is 3."]
    assert second["prompt"] == "Three?"
    shutil.rmtree(tmp_path / "out")
    finding = refused(tmp_path, "qa.csv", messages={"user": "{{ text }}", "assistant": "a"})[0]
    assert place(finding) == ("qa.csv", 2)
    assert "unknown column `text`; columns: `question`, `answer`, `hint`" in finding.summary
    two = {"user": "{{ text }}?", "assistant": "a"}
    finding = refused(tmp_path, "qa.csv", messages=two)[0]
    assert "'text' is undefined; columns: `question`, `answer`, `hint`" in finding.summary
    assert "is not a role" in only(refused(tmp_path, "qa.csv", messages={"bot": "a"})).summary
    assert "not a valid Jinja template" in only(refused(tmp_path, "qa.csv", messages={"user": "{{ a"})).summary


def test_a_file_that_changes_after_it_was_identified(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_bytes(GOOD)
    identity = identify({"path": "a.jsonl"}, tmp_path)
    os.utime(source, (1, 1))  # touched, but the same content
    assert prepare(Recipe.of(identity), tmp_path / "ok.jsonl").rows == 1
    source.write_bytes(b"{}\n")
    os.utime(source, (2, 2))
    with pytest.raises(StalePlanError, match="has changed since it was planned"):
        prepare(Recipe.of(identity), tmp_path / "no.jsonl")
    source.unlink()
    with pytest.raises(PhiftError, match="No such file"):
        prepare(Recipe.of(identity), tmp_path / "no.jsonl")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ok.jsonl"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "a.jsonl").write_bytes(GOOD)
    monkeypatch.setattr("phift.data.output.Sink.write", full)
    with pytest.raises(PhiftError, match="No space left") as caught:
        prepared(tmp_path, "a.jsonl")
    assert "Free some disk space" in caught.value.remedy
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.parquet"])
@pytest.mark.parametrize("take", ["20%", 25])
def test_a_sample_is_the_same_in_every_format(tmp_path: Path, name: str, take: object) -> None:
    rows = [conversation(n) for n in range(100)]
    (tmp_path / "a.jsonl").write_bytes(lines(rows))
    (tmp_path / "a.json").write_text(json.dumps(rows))
    as_csv(tmp_path / "a.csv", rows)
    as_parquet(tmp_path / "a.parquet", rows, group=7)
    expected = prepared(tmp_path, "a.jsonl", take=take, seed=5)
    assert 0 < expected.rows < 50
    assert prepared(tmp_path, name, take=take, seed=5) == expected
    assert prepared(tmp_path, name, take=take, seed=6).digest != expected.digest


def test_rows_that_are_not_taken_are_not_parsed(tmp_path: Path) -> None:
    everything = [json.dumps(conversation(n)) for n in range(50)]
    (tmp_path / "a.jsonl").write_text("\n".join(everything))
    kept = {
        json.loads(line)["prompt_id"]
        for line in prepared(tmp_path, "a.jsonl", take=5, seed=1).path.read_text().splitlines()
    }
    (tmp_path / "b.jsonl").write_text("\n".join(line if str(n) in kept else "{" for n, line in enumerate(everything)))
    assert prepared(tmp_path, "b.jsonl", take=5, seed=1).rows == 5


def test_samples_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(ROWS))
    assert only(refused(tmp_path, "a.jsonl", take=11)).summary == "take: 11 exceeds the number of rows (10)"
    assert only(refused(tmp_path, "a.jsonl", take="0.001%")).summary == "take: 0.001% selects none of the 10 rows"


def test_the_version_follows_content_and_recipe_and_nothing_else(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(GOOD)
    (tmp_path / "c.jsonl").write_bytes(GOOD * 2)
    a, b, c = (identify({"path": f"{name}.jsonl"}, tmp_path) for name in "abc")
    version = Recipe.of(a).version
    assert version == "590eafab1826"
    assert Recipe.of(b).version == version
    assert Recipe.of(a, seed=9).version == version
    assert Recipe.of(a, take="100%", seed=9).version == version
    others = {
        Recipe.of(c).version,
        Recipe.of(a, take="5%", seed=1).version,
        Recipe.of(a, take="5%", seed=2).version,
        Recipe.of(a, take=5, seed=1).version,
        Recipe.of(a, messages={"user": "{{ q }}"}).version,
        Recipe.of(identify({"path": "[ab].jsonl"}, tmp_path)).version,
    }
    assert len(others | {version}) == 7
    assert Recipe.of(a, take="5%", seed=1).version == Recipe.of(a, take="5.0%", seed=1).version


def test_progress_counts_rows(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(GOOD * 2500)
    seen: list[int] = []
    prepared(tmp_path, "a.jsonl", progress=lambda rows, skipped: seen.append(rows))
    assert seen == [1000, 2000, 2500]
