"""What people put where rows should be: each has a message of its own, that says what it is and the way out."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from phift.data.columns import columns_of
from phift.data.prepare import prepare
from phift.data.recipe import Recipe
from phift.data.sources import identify
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError

USER, ANSWER = {"role": "user", "content": "Two and two?"}, {"role": "assistant", "content": "Four."}
ROW = {"messages": [USER, ANSWER]}
GOOD = json.dumps(ROW).encode() + b"\n"
CELL = json.dumps([USER, ANSWER]).replace('"', '""')
CSV = f'messages\n"{CELL}"\n'.encode()


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


def parquet() -> bytes:
    out = pa.BufferOutputStream()
    pq.write_table(pa.table({"messages": [json.dumps([USER, ANSWER])]}), out)
    return bytes(out.getvalue().to_pybytes())


def refused(folder: Path, name: str, content: bytes, **options: Any) -> list[Diagnostic]:
    """As a plan goes about it: the columns first, and the rows only where these tell nothing."""
    (folder / name).write_bytes(content)

    def planned() -> None:
        identity = identify({"path": name}, folder)
        prepare(Recipe.of(identity, columns=columns_of(identity.files[0]), **options), folder / "out")

    with pytest.raises(InvalidSpecError) as caught:
        planned()
    assert not (folder / "out").exists()
    return list(caught.value.diagnostics)


PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


@pytest.mark.parametrize(
    ("name", "content", "code", "summary", "remedy"),
    [
        ("a.jsonl", PAGE, "html", "an HTML or XML page", "/resolve/"),
        ("a.json", b"\n  <html lang=en>", "html", "an HTML or XML page", "sign-in page"),
        ("a.csv", b'<?xml version="1.0"?><Error><Code>BlobNotFound</Code></Error>', "html", "XML page", "sign-in page"),
        ("a.parquet", PAGE, "html", "an HTML or XML page", "/resolve/"),
        ("a.jsonl", POINTER, "lfs-pointer", "a Git LFS pointer", "git lfs pull"),
        ("a.parquet", POINTER, "lfs-pointer", "a Git LFS pointer", "git lfs pull"),
        ("a.jsonl", b"[" + GOOD.strip() + b"]", "array", "starts with `[`", "rename it to .json"),
        ("a.jsonl", b"[" + GOOD.strip() + b"]\n[]\n", "array", "starts with `[`", "Each line is a list"),
        ("a.jsonl", b"[\n" + GOOD + b",\n" + GOOD + b"]", "array", "starts with `[`", "rename it to .json"),
        ("a.jsonl", GOOD.decode().encode("utf-16"), "encoding", "UTF-16", "UTF-8"),
        ("a.jsonl", GOOD.decode().encode("utf-16-le"), "encoding", "UTF-16", "UTF-8"),
        ("a.csv", CSV.decode().encode("utf-16-be"), "encoding", "UTF-16", "UTF-8"),
        ("a.json", GOOD.decode().encode("utf-32"), "encoding", "UTF-32", "UTF-8"),
        ("a.csv", zipped("[Content_Types].xml", "xl/workbook.xml"), "excel", "an Excel workbook", "Save the sheet"),
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "excel", "an Excel workbook", "Save the sheet"),
        ("a.csv", zipped("train.csv"), "zip", "a zip archive", "Unpack it"),
        ("a.jsonl", parquet(), "parquet", "a Parquet file", "the suffix .parquet"),
        ("a.csv", b"BZh91AY&SY", "bzip2", "compressed with bzip2", "gzip and zstd"),
        ("a.jsonl", b"\xfd7zXZ\0\0", "xz", "compressed with xz", "gzip and zstd"),
        ("a.jsonl", b"%PDF-1.7\n", "pdf", "a PDF document", "one JSON object per line"),
        ("a.jsonl", b"SQLite format 3\0", "sqlite", "an SQLite database", "Export"),
        ("a.csv", b"question;answer\nTwo?;2\n", "delimiter", "separated by semicolons", "commas"),
        ("a.csv", b"question\tanswer\nTwo?\t2\n", "delimiter", "separated by tabs", ".tsv"),
        ("a.tsv", b"question,answer\nTwo?,2\n", "delimiter", "separated by commas", ".csv"),
        ("a.csv", b"messages,messages\n[],[]\n", "duplicate-column", "names in the first line: `messages`", "Rename"),
        ("a.json", json.dumps({"data": [ROW]}).encode(), "nested", "in `data` of a single object", "jq -c '.data[]'"),
        ("a.jsonl", json.dumps({"version": 1, "rows": [ROW]}).encode(), "nested", "in `rows` of a single", "'.rows[]'"),
        ("a.json", json.dumps({"data": [ROW]}, indent=2).encode(), "nested", "a single multi-line object", "jq -c"),
        ("a.jsonl", json.dumps(ROW, indent=2).encode(), "json", "spans several lines", "jq -c"),
        ("a.jsonl", b"PK\x03\x04", "zip", "a zip archive", "Unpack"),
    ],
)  # fmt: skip
def test_a_file_of_something_else(
    tmp_path: Path, name: str, content: bytes, code: str, summary: str, remedy: str
) -> None:
    (found,) = refused(tmp_path, name, content)
    assert (found.code, summary in found.summary, remedy in found.remedy) == (f"data-{code}", True, True), found
    assert found.mark is not None
    assert found.mark.file.endswith(name)
    # No share of rows that may be unfit excuses a whole file.
    (tmp_path / "b.jsonl").write_bytes(GOOD * 200)
    identity = identify({"path": "[ab].*"}, tmp_path)
    with pytest.raises(InvalidSpecError):
        prepare(Recipe.of(identity, unfit={"skip": "50%"}), tmp_path / "out")


def test_a_header_and_nothing_else(tmp_path: Path) -> None:
    (found,) = refused(tmp_path, "a.csv", b"messages,prompt\n")
    assert (found.code, found.summary) == ("data-empty", "the data has no rows")
    assert "after the line of column names" in found.remedy


def test_what_is_no_mistake(tmp_path: Path) -> None:
    """A mark, quoted line ends, unused columns named twice, a lone row with a list of objects in another column."""
    quoted = f'\ufeffnote,messages,note,,\n"one\ntwo, ""three""","{CELL}",x,,\n'.encode()
    lone = json.dumps({"data": [{"a": 1}], **ROW}).encode()
    for name, content in (("a.csv", quoted), ("a.jsonl", lone), ("b.jsonl", b"\xef\xbb\xbf" + GOOD)):
        (tmp_path / name).write_bytes(content)
        assert prepare(Recipe.of(identify({"path": name}, tmp_path)), tmp_path / "out").rows == 1


def said(*messages: object) -> dict[str, Any]:
    return {"messages": list(messages)}


PARTS = [{"type": "text", "text": "Two?"}, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]


@pytest.mark.parametrize(
    ("row", "code", "summary", "remedy"),
    [
        (
            said({**USER, "role": "User"}, ANSWER),
            "role",
            "has role `User`",
            "in lower case. Or map it: `messages: {turns: messages, roles: {User: user",
        ),
        (said({**USER, "role": "human"}, ANSWER), "role", "has role `human`", "roles: {human: user"),
        (said(USER, {**ANSWER, "role": "gpt"}), "role", "has role `gpt`", "roles: {gpt: assistant"),
        (said({**USER, "role": "developer"}, ANSWER), "role", "`developer`", "`messages: openai`"),
        (said(USER, {"role": "tool", "content": "4"}), "role", "has role `tool`", "does not train on tool calls"),
        (
            said({"from": "human", "value": "Two?"}, {"from": "gpt", "value": "2"}),
            "turn-names",
            "has `from` and `value` instead of `role` and `content`",
            "messages: sharegpt",
        ),
        (
            said({"role": "user", "text": "Two?"}, {"role": "assistant", "text": "2"}),
            "turn-names",
            "has `role` and `text` instead",
            "content: text",
        ),
        (
            said({"speaker": "a", "text": "Two?"}),
            "turn-names",
            "has `speaker` and `text`",
            "role: speaker, content: text",
        ),
        (
            said(USER, {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}),
            "tools",
            "has `tool_calls`: phift does not train on tool calls",
            "unfit",
        ),
        (said({"role": "user", "content": PARTS[:1]}, ANSWER), "parts", "not a list of parts", "`messages: openai`"),
        (said({"role": "user", "content": PARTS}, ANSWER), "parts", "does not train on images", "Drop such rows"),
        (said({"role": "user", "content": 5}, ANSWER), "type", "must be text, not a number", "on text only"),
        (said({"role": "user", "content": ""}, ANSWER), "empty-content", "has empty content", "drop the row"),
        (said(USER, {"role": "assistant", "content": "\u200b"}), "empty-content", "only invisible characters", "drop"),
        (said(USER, {"role": "assistant", "content": "a\0"}), "control-character", "a NUL character", "Remove it"),
        (said(USER, {"role": "assistant", "content": "a\b"}), "control-character", "U+0008", "Remove it"),
        (said(USER, {"role": "assistant", "content": "a\fb"}), "control-character", "U+000C", "Remove it"),
        (
            said(USER, {"role": "assistant", "content": "4<|endoftext|>"}),
            "control-token",
            "<|endoftext|>",
            "The template adds these tokens itself",
        ),
        (said({"role": "user", "content": "<|user|>\nTwo?"}, ANSWER), "control-token", "<|user|>", "Remove it"),
    ],
)
def test_rows(tmp_path: Path, row: dict[str, Any], code: str, summary: str, remedy: str) -> None:
    found = refused(tmp_path, "a.jsonl", GOOD + json.dumps(row).encode() + b"\n")[0]
    assert (found.code, summary in found.summary, remedy in found.remedy) == (f"data-{code}", True, True), found
    assert found.mark is not None
    assert found.mark.line == 2


@pytest.mark.parametrize(
    ("row", "options", "summary"),
    [
        ({"question": "Two?", "answer": ["2", "two"]}, {}, "messages.assistant: `answer` must be text, not a list"),
        ({"question": "Two?", "answer": {"text": "2"}}, {}, "`answer` must be text, not an object"),
        ({"prompt": None, "completion": "2"}, {}, "`prompt` is null"),
        ({"conversations": {"from": "human"}}, {}, "`conversations` must be a list of messages, not an object"),
        (
            {"conversations": [{"role": "user", "content": "Two?"}]},
            {},
            "message 1 has no `from`; keys: `role`, `content`",
        ),
        ({"conversations": ["Two?"]}, {}, "message 1 must be an object, not text"),
    ],
)
def test_rows_that_a_preset_cannot_map(
    tmp_path: Path, row: dict[str, Any], options: dict[str, Any], summary: str
) -> None:
    (found,) = refused(tmp_path, "a.jsonl", json.dumps(row).encode(), **options)
    assert summary in found.summary
    assert found.remedy


@pytest.mark.parametrize(
    ("content", "summary"),
    [
        (GOOD + b"\0" * 4096, "the line contains NUL bytes"),
        (GOOD + b'{"messages": [{"role": "us\0er"}]}\n', "the line contains NUL bytes"),
    ],
)
def test_bytes_of_a_write_that_was_cut_off(tmp_path: Path, content: bytes, summary: str) -> None:
    (found,) = refused(tmp_path, "a.jsonl", content)
    assert found.summary == summary
    assert found.mark is not None
    assert found.mark.line == 2


@pytest.mark.parametrize(
    ("columns", "code", "summary", "remedy"),
    [
        (("prompt", "chosen", "rejected"), "preference", "preference pairs", "`messages: chosen`"),
        (("input_ids", "attention_mask"), "messages", "tokenized data", "text conversations"),
        (("image", "text"), "messages", "does not train on images", "text conversations"),
        (("frage", "antwort"), "columns", "do not match a preset: `frage`, `antwort`", "Set `data.messages`"),
    ],
)
def test_columns_that_are_refused_by_name(
    tmp_path: Path, columns: tuple[str, ...], code: str, summary: str, remedy: str
) -> None:
    (found,) = refused(tmp_path, "a.jsonl", json.dumps(dict.fromkeys(columns, "x")).encode())
    assert (found.code, summary in found.summary, remedy in found.remedy) == (f"data-{code}", True, True), found
