"""From files to the canonical file: formats agree, bad input is told with its place, nothing half-done is left."""

import csv
import errno
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from phift.data.prepare import Prepared, prepare
from phift.data.recipe import Recipe
from phift.data.sources import identify
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError, PhiftError, StalePlanError


def conversation(number: int, **columns: object) -> dict[str, Any]:
    question = f"What is {number}?"
    said = [{"role": "user", "content": question}, {"role": "assistant", "content": f"It is {number}."}]
    return {"prompt": question, "messages": said, "prompt_id": str(number), **columns}


def lines(rows: Iterable[object]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def prepared(folder: Path, path: str, **options: Any) -> Prepared:
    progress = options.pop("progress", None)
    recipe = Recipe.of(identify({"path": path}, folder), **options)
    return prepare(recipe, folder / "out" / "train.jsonl", progress=progress)


def refused(folder: Path, name: str, content: bytes | None = None, **options: Any) -> list[Diagnostic]:
    """The diagnostics that `content` as the file `name` brings; checks that nothing is left behind."""
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(InvalidSpecError) as caught:
        prepared(folder, name, **options)
    out = folder / "out"
    assert not out.exists() or list(out.iterdir()) == []
    return list(caught.value.diagnostics)


def only(diagnostics: list[Diagnostic]) -> Diagnostic:
    assert len(diagnostics) == 1, diagnostics
    return diagnostics[0]


def place(diagnostic: Diagnostic) -> tuple[str, int]:
    assert diagnostic.mark is not None
    return Path(diagnostic.mark.file).name, diagnostic.mark.line


def as_csv(
    path: Path, rows: list[dict[str, Any]], columns: tuple[str, ...] = ("prompt", "messages", "prompt_id")
) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(columns)
        for row in rows:
            writer.writerow(row[c] if isinstance(row[c], str) else json.dumps(row[c]) for c in columns)


def as_parquet(path: Path, rows: list[dict[str, Any]], group: int = 1000) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=group)


ROWS = [conversation(n) for n in range(10)]


# Formats


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


# Bad input


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


GOOD = lines(ROWS[:1])
CELL = b'"%s"' % json.dumps(ROWS[0]["messages"]).replace('"', '""').encode()
HALF_A_PAIR = GOOD.replace(b"What is", b"\\ud800")


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


# Samples and versions


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
