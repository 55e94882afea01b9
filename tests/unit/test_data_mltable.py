"""The file MLTable: which files it names, how they are read, and what phift does not carry out."""

from __future__ import annotations

import pytest

from phift.data.mltable import TablePath, literal_folder, matcher, read_table
from phift.errors import InvalidSpecError

PATHS = "paths:\n  - file: ./a.csv\n  - pattern: sub/*.csv\n  - folder: more\n"


def table(steps: str, paths: str = PATHS) -> str:
    return f"$schema: https://azuremlschemas.azureedge.net/latest/MLTable.schema.json\ntype: mltable\n{paths}{steps}"


def test_paths_and_format() -> None:
    found = read_table(table("transformations: [read_parquet]").encode(), "azureml:t:1")
    assert found.paths == (TablePath("file", "./a.csv"), TablePath("pattern", "sub/*.csv"), TablePath("folder", "more"))
    assert found.format == "parquet"


@pytest.mark.parametrize(
    ("step", "format"),
    [
        ("read_json_lines: {encoding: utf8, invalid_lines: error, include_path_column: false}", "jsonl"),
        ("read_json: ", "json"),
        ("read_parquet: {include_path_column: false}", "parquet"),
        ("read_delimited: {delimiter: ',', encoding: ascii, header: all_files_same_headers}", "csv"),
    ],
)
def test_formats(step: str, format: str) -> None:
    assert read_table(table(f"transformations:\n  - {step}").encode(), "t").format == format


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        ("transformations: [read_delta_lake]", "read_delta_lake"),
        ("transformations:\n  - read_parquet\n  - keep_columns: [a]", "keep_columns"),
        ("transformations:\n  - take: 10", "take"),
        ("transformations: [read_parquet, read_json]", "read_json"),
        ("transformations:\n  - read_delimited: {delimiter: ';'}", "delimiter"),
        ("transformations:\n  - read_delimited: {header: no_header}", "no_header"),
        ("transformations:\n  - read_json_lines: {encoding: utf16}", "utf16"),
        ("transformations:\n  - read_json_lines: {invalid_lines: drop}", "drop"),
        ("transformations:\n  - read_json_lines: 3", "3"),
        ("", "transformations"),
        ("transformations: []", "transformations"),
        ("transformations: [[1]]", "not a name"),
    ],
)
def test_what_is_not_carried_out_is_named(steps: str, named: str) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        read_table(table(steps).encode(), "azureml:t:1")
    (found,) = caught.value.diagnostics
    assert found.code == "data-mltable"
    assert named in found.summary
    assert found.remedy


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"\xff\xfe", b"a: [", b"paths: []\n", b"paths: [{file: a, folder: b}]\ntransformations: [read_json]"],
)
def test_what_is_no_table(content: bytes) -> None:
    with pytest.raises(InvalidSpecError):
        read_table(content, "azureml:t:1")


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("a/*.csv", "a/b.csv", True),
        ("a/*.csv", "a/b/c.csv", False),
        ("a/**/*.csv", "a/c.csv", True),
        ("a/**/*.csv", "a/b/b/c.csv", True),
        ("a/**", "a/b/c.csv", True),
        ("**/c.csv", "c.csv", True),
        ("a/[bc].csv", "a/b.csv", True),
        ("a/?.csv", "a/bb.csv", False),
        ("**/**/x/**/y", "a/x/b/y", True),
    ],
)
def test_patterns(pattern: str, name: str, fits: bool) -> None:
    assert matcher(pattern)(name) is fits


def test_a_pattern_takes_no_long_time() -> None:
    assert not matcher("/".join(["**", "*a*a*a*a*a*b"] * 20))("/".join(["a" * 200] * 60))


@pytest.mark.parametrize(
    ("pattern", "folder"), [("a/b/*.csv", "a/b/"), ("a/*/c.csv", "a/"), ("*.csv", ""), ("**/a", ""), ("a/b.csv", "a/")]
)
def test_where_a_listing_begins(pattern: str, folder: str) -> None:
    assert literal_folder(pattern) == folder
