"""Compressed files: the same rows as the plain one, damage told apart, and no bomb goes off."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from phift.data import limits
from phift.data.columns import columns_of
from phift.data.prepare import prepare
from phift.data.recipe import Recipe
from phift.data.sources import identify
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError


def row(number: int) -> dict[str, Any]:
    said = [{"role": "user", "content": f"What is {number}?"}, {"role": "assistant", "content": f"It is\n{number}."}]
    return {"prompt": f"What is {number}?", "messages": said, "prompt_id": str(number)}


ROWS = [row(n) for n in range(300)]
LINES = b"".join(json.dumps(r).encode() + b"\n" for r in ROWS)


def table(delimiter: str) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(ROWS[0])
    writer.writerows([r["prompt"], json.dumps(r["messages"]), r["prompt_id"]] for r in ROWS)
    return out.getvalue().encode()


def zst(content: bytes) -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(content)
    return bytes(out.getvalue().to_pybytes())


PLAIN = {"jsonl": LINES, "json": json.dumps(ROWS).encode(), "csv": table(","), "tsv": table("\t")}


def gz(content: bytes) -> bytes:
    """The same bytes each time: every worker must name its cases alike."""
    return gzip.compress(content, mtime=0)


CODECS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gz, ".zst": zst}


def prepared(folder: Path, name: str, content: bytes | None = None, **options: Any) -> str:
    if content is not None:
        (folder / name).write_bytes(content)
    return prepare(Recipe.of(identify({"path": name}, folder), **options), folder / "out").digest


def refused(folder: Path, name: str, content: bytes, **options: Any) -> Diagnostic:
    with pytest.raises(InvalidSpecError) as caught:
        prepared(folder, name, content, **options)
    assert not (folder / "out").exists()
    (found,) = caught.value.diagnostics
    assert found.mark is not None
    assert found.mark.file.endswith(name)
    assert found.remedy
    return found


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("kind", PLAIN)
def test_every_format_gives_the_same_bytes_compressed_or_not(tmp_path: Path, kind: str, codec: str) -> None:
    expected = prepared(tmp_path, "plain.jsonl", LINES)
    content = CODECS[codec](PLAIN[kind])
    assert prepared(tmp_path, f"ROWS.{kind}{codec}", content) == expected
    marked = CODECS[codec](b"\xef\xbb\xbf" + PLAIN[kind])
    assert prepared(tmp_path, f"marked.{kind}{codec}", marked) == expected
    sample = {"take": "20%", "seed": 3}
    assert prepared(tmp_path, f"ROWS.{kind}{codec}", **sample) == prepared(tmp_path, "plain.jsonl", **sample)
    assert prepared(tmp_path, f"ROWS.{kind}{codec}", take=7) == prepared(tmp_path, "plain.jsonl", take=7)
    wanted = {"prompt", "messages", "prompt_id"}
    assert set(columns_of(identify({"path": f"ROWS.{kind}{codec}"}, tmp_path).files[0]) or ()) == wanted


def test_a_glob_over_compressed_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    lines = LINES.splitlines(keepends=True)
    (tmp_path / "part-0.jsonl.gz").write_bytes(gz(b"".join(lines[:100])))
    (tmp_path / "part-1.jsonl.gz").write_bytes(gz(b"".join(lines[100:])))
    assert prepared(tmp_path, "part-*.jsonl.gz") == prepared(tmp_path, "plain.jsonl", LINES)


def test_the_identity_is_that_of_the_bytes_as_they_are(tmp_path: Path) -> None:
    for name, content in {
        "a.jsonl": LINES,
        "a.jsonl.gz": gzip.compress(LINES, 9, mtime=0),
        "b.jsonl.gz": gzip.compress(LINES, 1, mtime=0),
        "c.jsonl.gz": gzip.compress(LINES, 9, mtime=0),
    }.items():
        (tmp_path / name).write_bytes(content)
    a, a_gz, b_gz, c_gz = (
        Recipe.of(identify({"path": n}, tmp_path)).version
        for n in ("a.jsonl", "a.jsonl.gz", "b.jsonl.gz", "c.jsonl.gz")
    )
    assert len({a, a_gz, b_gz}) == 3
    assert a_gz == c_gz
    (tmp_path / "d.jsonl").write_bytes((tmp_path / "a.jsonl.gz").read_bytes())
    assert Recipe.of(identify({"path": "d.jsonl"}, tmp_path)).version != a_gz, "the format is part of it"


HALVES = LINES[: len(LINES) // 2], LINES[len(LINES) // 2 :]


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        ("gz", b"".join(gz(half) for half in HALVES)),
        ("gz", gz(HALVES[0]) + gz(b"") + gz(HALVES[1])),
        ("gz", gz(LINES) + b"\0" * 1024),
        ("gz", gz(HALVES[0]) + b"\0" * 300_000 + gz(HALVES[1])),
        ("zst", b"".join(zst(half) for half in HALVES)),
        ("zst", b"\x50\x2a\x4d\x18\x04\0\0\0note" + zst(LINES)),
    ],
)
def test_members_one_after_another(tmp_path: Path, suffix: str, content: bytes) -> None:
    assert prepared(tmp_path, f"a.jsonl.{suffix}", content) == prepared(tmp_path, "plain.jsonl", LINES)


WIDE = b"\x28\xb5\x2f\xfd\x00\xa8" + b"\0" * 9
"""Of a frame that needs a window of 2 GiB."""


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("a.jsonl.gz", gz(LINES)[:-20], "gzip-truncated", "is cut off, after"),
        ("a.jsonl.gz", gz(LINES)[:-1], "gzip-truncated", "is cut off, after 4"),
        ("a.jsonl.gz", gz(LINES)[:5], "gzip-truncated", "is cut off, after 0 bytes"),
        ("a.jsonl.gz", gz(LINES)[:-8] + b"\0" * 8, "gzip", "is damaged"),
        ("a.csv.gz", gz(PLAIN["csv"])[:-9], "gzip-truncated", "is cut off"),
        ("a.json.gz", gz(PLAIN["json"])[:-9], "gzip-truncated", "is cut off"),
        ("a.jsonl.gz", gz(LINES) + b"trailing", "gzip", "followed by data that is not gzip"),
        ("a.jsonl.gz", gz(LINES) + b"\x1f", "gzip", "followed by data"),
        ("a.jsonl.gz", LINES, "compression", "ends in .gz, but the file is not compressed with gzip"),
        ("a.jsonl.gz", zst(LINES), "compression", "compressed with zstd"),
        ("a.jsonl.gz", b"<!DOCTYPE html><html>", "compression", "HTML"),
        ("a.jsonl.gz", gz(b"<!DOCTYPE html><html>"), "html", "HTML"),
        ("a.jsonl.gz", gz(gz(LINES)), "gz", "compressed with gzip"),
        ("a.jsonl", gz(LINES), "gz", "compressed with gzip"),
        ("a.csv", zst(PLAIN["csv"]), "zst", "compressed with zstd"),
        ("a.jsonl.zst", zst(LINES)[:-20], "zstd", "cut off, damaged, or followed"),
        ("a.jsonl.zst", zst(LINES)[: len(zst(LINES)) // 2], "zstd", "cut off"),
        ("a.jsonl.zst", zst(LINES) + b"trailing", "zstd", "cut off, damaged, or followed"),
        ("a.jsonl.zst", LINES, "compression", "not compressed with zstd"),
        ("a.jsonl.zst", gz(LINES), "compression", "compressed with gzip"),
        ("a.jsonl.zst", WIDE, "zstd-window", "window of 2,048 MiB"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, content: bytes, code: str, words: str) -> None:
    found = refused(tmp_path, name, content)
    assert found.code == f"data-{code}"
    assert words in found.summary
    # What a plan looks up before any row is read leaves the words to the rows, and no share of rows excuses damage.
    columns_of(identify({"path": name}, tmp_path).files[0])
    assert refused(tmp_path, name, content, unfit={"skip": "50%"}) == found


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_damage_anywhere_is_refused(tmp_path: Path, suffix: str) -> None:
    content = CODECS[f".{suffix}"](LINES)
    for at in range(4, len(content), max(1, len(content) // 25)):
        damaged = bytearray(content)
        damaged[at] ^= 0x55
        try:
            digest = prepared(tmp_path, f"a.jsonl.{suffix}", bytes(damaged))
        except InvalidSpecError:
            continue
        # A time stamp or a flag of the header may change nothing; zstd has a checksum only where its writer made one.
        assert at < 12 or suffix == "zst" or digest == prepared(tmp_path, "plain.jsonl", LINES)


# Bombs


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_bomb_is_refused_and_repetitive_rows_are_not(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = CODECS[f".{suffix}"]
    monkeypatch.setattr(limits, "PLENTY", 200_000)
    line = json.dumps(ROWS[0]).encode() + b"\n"
    same = pack(line * 1_000)
    assert len(line) * 1_000 / len(same) > 100
    prepared(tmp_path, f"a.jsonl.{suffix}", same)
    (tmp_path / "out").unlink()
    found = refused(tmp_path, f"a.jsonl.{suffix}", pack(line * 40_000))
    assert found.code == "data-bomb"
    assert f"{limits.RATIO} times its size" in found.summary
    monkeypatch.setattr(limits, "LARGEST", 400_000)
    assert "decompresses to more than" in refused(tmp_path, f"b.jsonl.{suffix}", pack(LINES * 20)).summary


def test_repetitive_rows_of_ninety_megabytes_pass_by_the_true_limits() -> None:
    assert limits.PLENTY > 100 << 20


MEASURED = """
import sys
from pathlib import Path
from phift.data.recipe import Recipe
from phift.data.sources import identify
from phift.data.prepare import prepare
from phift.errors import InvalidSpecError
import pyarrow
def peak():
    text = Path("/proc/self/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) / 1024
folder, name = Path(sys.argv[1]), sys.argv[2]
identity = identify({"path": name}, folder)
before = peak()
try:
    prepare(Recipe.of(identity), folder / "out")
except InvalidSpecError as error:
    print(error.diagnostics[0].code, round(peak() - before))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize(
    ("name", "head", "code"),
    [
        ("a.jsonl.gz", b'{"messages": "', "data-long"),
        ("a.jsonl.zst", b'{"messages": "', "data-long"),
        ("a.csv.gz", b'messages\n"', "data-csv"),
        ("a.json.gz", b'[{"messages": "', "data-json"),
        ("a.jsonl", b"", "data-long"),
    ],
)
def test_a_line_of_a_gigabyte_is_refused_in_bounded_memory(tmp_path: Path, name: str, head: bytes, code: str) -> None:
    size, chunk = 1 << 30, b"x" * (1 << 20)
    path = tmp_path / name
    if name.endswith(".gz"):
        part = gz(chunk * 16)  # members joined: a gigabyte packed once would take seconds
        path.write_bytes(gz(head) + part * (size // len(chunk) // 16))
    elif name.endswith(".zst"):
        path.write_bytes(zst(head) + zst(chunk * 16) * (size // len(chunk) // 16))
    else:
        with path.open("wb") as out:
            out.truncate(size >> 2)  # sparse; a quarter, as its bytes are digested too
    run = [sys.executable, "-c", MEASURED, str(tmp_path), name]
    found, grown = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
    assert found == code
    assert int(grown) < 500
