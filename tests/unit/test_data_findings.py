"""Files that cannot be read, and rows that are unfit: each finding names the place and the reason."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from datafiles import GOOD, ROWS, as_parquet, conversation, lines, only, place, prepared, refused

from phift.data.sources import identify
from phift.errors import InvalidSpecError

CELL = b'"%s"' % json.dumps(ROWS[0]["messages"]).replace('"', '""').encode()


HALF_A_PAIR = GOOD.replace(b"What is", b"\\ud800")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.jsonl", "no such file"),
        ("none/a.jsonl", "does not exist)"),
        ("*.jsonl", "no file matches"),
        (".", "is a folder"),
    ],
)
def test_missing_files(tmp_path: Path, name: str, words: str) -> None:
    finding = only(refused(tmp_path, name))
    assert words in finding.summary
    assert str(tmp_path) in finding.summary
    assert finding.remedy


def test_a_source_of_no_known_kind(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpecError, match="no data source; known keys"):
        identify({"file": "a.jsonl"}, tmp_path)


@pytest.mark.parametrize("name", ["a.txt", "a", "a.gz", "a.jsonl.bz2", "a.xlsx"])
def test_unknown_suffix(tmp_path: Path, name: str) -> None:
    assert "format" in only(refused(tmp_path, name, lines(ROWS))).summary


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(ROWS))
    (tmp_path / "a.jsonl").chmod(0)
    assert "Permission denied" in only(refused(tmp_path, "a.jsonl")).summary


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", b""),
        ("a.jsonl", b"\n \r\n"),
        ("a.json", b"[]"),
        ("a.json", b" [ ] \n"),
        ("a.json", b"\n"),
        ("a.csv", b"prompt,messages,prompt_id\n"),
        ("a.csv", b"\n"),
    ],
)
def test_empty_data(tmp_path: Path, name: str, content: bytes) -> None:
    finding = refused(tmp_path, name, content)[0]
    assert finding.code in ("data-empty", "data-missing-key")
    assert place(finding)[0] == name


def test_empty_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"messages": pa.array([], pa.string())}), tmp_path / "a.parquet")
    assert only(refused(tmp_path, "a.parquet")).summary == "the data has no rows"


@pytest.mark.parametrize(
    ("name", "content", "line", "words"),
    [
        ("a.jsonl", GOOD * 2 + b'{"prompt": \n' + GOOD, 3, "not JSON: expecting value"),
        ("a.jsonl", GOOD + b"\n\n{} {}\n", 4, "not JSON: extra data"),
        ("a.jsonl", GOOD + b"\xff\n", 2, "not UTF-8"),
        ("a.jsonl", GOOD + b"[" * 100_000 + b"\n", 2, "unreadable JSON"),
        ("a.jsonl", GOOD + b'{"n": ' + b"9" * 5000 + b"}", 2, "a number is too long"),
        ("a.jsonl", GOOD.decode().encode("utf-16"), 1, "UTF-16"),
        ("a.jsonl", GOOD + HALF_A_PAIR, 2, "surrogate"),
        ("a.json", b"[\n" + GOOD + b",\n{]", 4, "not JSON: expecting property name"),
        ("a.json", b"[\n" + GOOD + b"\n" + GOOD + b"]", 4, "expected `,` or `]` between rows, found {"),
        ("a.json", b"[\n" + GOOD, 3, "found the end of the file"),
        ("a.json", b"[" + GOOD + b",\n]", 3, "not JSON: expecting value"),
        ("a.json", b"[" + GOOD + b"]\n[]", 3, "unexpected text after the array"),
        ("a.json", b"[" + GOOD + b',\n{"prompt": "\xff"}]', 3, "not UTF-8"),
        ("a.json", b"[" + GOOD + b",\n" + b"[" * 100_000 + b"]", 3, "too deeply nested"),
        ("a.json", b"[" + GOOD + b', {"messages": "' + b"x" * 300_000, 2, "not JSON: unterminated string"),
        ("a.csv", b"prompt,text\na,b\n", 1, "no column `messages`; columns: `prompt`, `text`"),
        ("a.csv", b"messages,note\n" + CELL + b',"a\nb"\n[],c\n', 4, "`messages` is empty"),
        ("a.csv", b"prompt,messages\na\n", 2, "1 cells, but 2 columns in the first line"),
        ("a.csv", b'messages\n"a" b\n', 2, "not CSV"),
        ("a.csv", b'messages\n"\n\n', 2, "not CSV"),
        ("a.csv", b"messages\n[{'role': 'user'}]\n", 2, "`messages` is not JSON"),
        ("a.csv", b"messages\n\xff\n", 2, "not UTF-8"),
        ("a.parquet", b"PAR1 no", 0, "not a readable Parquet file"),
    ],
)  # fmt: skip
def test_broken_files(tmp_path: Path, name: str, content: bytes, line: int, words: str) -> None:
    first, *more = refused(tmp_path, name, content)
    assert words in first.summary
    assert place(first) == (name, line)
    assert more == []


def test_a_json_array_under_the_name_of_lines(tmp_path: Path) -> None:
    finding = refused(tmp_path, "a.jsonl", b"[\n" + GOOD + b"]")[0]
    assert finding.remedy == "The file looks like a JSON array: rename it to .json."


def test_findings_name_line_and_column_over_several_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(GOOD + lines([{"messages": []}]))
    (tmp_path / "b.jsonl").write_bytes(GOOD + b'{"messages": nope}\n' + GOOD + b'{"messages": "\n')
    findings = refused(tmp_path, "*.jsonl")
    assert [place(finding) for finding in findings] == [("a.jsonl", 2), ("b.jsonl", 2), ("b.jsonl", 4)]
    assert [finding.mark.column for finding in findings if finding.mark] == [0, 14, 14]


def test_rows_in_parquet_are_told_by_number(tmp_path: Path) -> None:
    rows = [conversation(n) for n in range(30)]
    rows[17]["messages"][1]["role"] = "user"
    as_parquet(tmp_path / "a.parquet", rows, group=8)
    finding = only(refused(tmp_path, "a.parquet"))
    assert place(finding) == ("a.parquet", 18)
    assert finding.code == "data-role-order"


def test_findings_of_one_kind_are_one(tmp_path: Path) -> None:
    bad = [conversation(n, prompt=1) for n in range(30)] + [{}, conversation(9), {}]
    first, second = refused(tmp_path, "a.jsonl", lines(bad))
    assert first.summary == "30 rows: `prompt` must be text, not a number"
    assert first.detail == "The first is line 1; the others: 2, 3, 4, 5 and 25 more."
    assert (place(first), place(second)) == (("a.jsonl", 1), ("a.jsonl", 31))
    assert second.detail == "The first is line 31; the others: 33."
    with pytest.raises(InvalidSpecError, match="32 problems in the data"):
        prepared(tmp_path, "a.jsonl")


def test_findings_differ_by_file_and_by_more_than_numbers(tmp_path: Path) -> None:
    row = conversation(1)
    row["messages"] = [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}] * 2
    (tmp_path / "b.jsonl").write_bytes(lines([row]))
    findings = refused(tmp_path, "*.jsonl") if (tmp_path / "a.jsonl").write_bytes(lines([row, row])) else []
    assert [(place(f), f.summary) for f in findings] == [
        (("a.jsonl", 1), "2 rows: message 1 (user) has empty content"),
        (("a.jsonl", 1), "2 rows: message 2 (assistant) has empty content"),
        (("b.jsonl", 1), "message 1 (user) has empty content"),
        (("b.jsonl", 1), "message 2 (assistant) has empty content"),
    ]
    assert findings[2].detail == "2 messages of that row are affected."


def test_more_kinds_of_findings_than_are_listed_are_counted(tmp_path: Path) -> None:
    bad = [{f"column_{chr(97 + n)}": 1} for n in range(25)] + [conversation(1, prompt=1)] * 3
    findings = refused(tmp_path, "a.jsonl", lines(bad))
    assert len(findings) == 21
    assert findings[20].summary == "8 more problems"
    assert findings[20].detail == "5 x missing-key, 3 x type"
    with pytest.raises(InvalidSpecError, match="28 problems in the data"):
        prepared(tmp_path, "a.jsonl")


def test_rows_of_an_array_are_told_by_number_too(tmp_path: Path) -> None:
    rows = [conversation(n) for n in range(9)]
    rows[3]["messages"].pop()
    first, *more = refused(tmp_path, "a.json", json.dumps(rows).encode())
    assert (place(first), first.detail, more) == (("a.json", 1), "It is row 4.", [])
    rows[7]["messages"].pop()
    (first,) = refused(tmp_path, "a.json", json.dumps(rows, indent=1).encode())
    assert first.detail == "The first is row 4; the others: 8."


def test_repeated_prompt_ids_are_no_finding(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(GOOD * 3)
    assert prepared(tmp_path, "a.jsonl").rows == 3
