"""Preparation reads a stream: memory does not grow with the file."""

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from phift.data.json_array import read_array

ROW = {
    "prompt": "What is 7?",
    "messages": [{"role": "user", "content": "What is 7?"}, {"role": "assistant", "content": "It is 7."}],
    "prompt_id": "7",
    "padding": "x" * 40,
}

PROGRAM = """
import resource, sys
from pathlib import Path
from phift.data.recipe import Recipe
from phift.data.sources import identify
from phift.data.prepare import prepare
folder = Path(sys.argv[1])
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1 << 20)
prepare(Recipe.of(identify({"path": "small" + sys.argv[2]}, folder)), folder / "small.out")
before = peak()
large = Recipe.of(identify({"path": "large" + sys.argv[2]}, folder), take=sys.argv[3] or None)
done = prepare(large, folder / "large.out")
print(done.rows, peak() - before)
"""


@pytest.mark.parametrize(
    ("suffix", "rows", "take"),
    [
        (".jsonl", 200_000, ""),
        (".jsonl", 200_000, "1000"),
        (".json", 50_000, ""),
        (".csv", 50_000, ""),
        (".parquet", 50_000, ""),
        (".jsonl.gz", 100_000, ""),
        (".jsonl.zst", 100_000, ""),
        (".tsv.gz", 50_000, "1000"),
    ],
)
def test_memory_is_flat(tmp_path: Path, suffix: str, rows: int, take: str) -> None:
    """Many rows (200,000: 40 MB) need no more memory than 5,000, give or take 8 MB; in Parquet by row groups."""
    for name, count in (("small", 5_000), ("large", rows)):
        write_many(tmp_path / f"{name}{suffix}", count)
    run = [sys.executable, "-c", PROGRAM, str(tmp_path), suffix, take]
    done = subprocess.run(run, check=True, capture_output=True, text=True)
    prepared_rows, grown = done.stdout.split()
    assert int(prepared_rows) == int(take or rows)
    assert float(grown) < 8


def write_many(path: Path, count: int) -> None:
    if path.suffix in (".gz", ".zst"):
        plain = path.with_suffix("")
        write_many(plain, count)
        content = plain.read_bytes()
        path.write_bytes(gzip.compress(content, 1) if path.suffix == ".gz" else zst(content))
        plain.unlink()
        return
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist([ROW] * count), path, row_group_size=5_000)
        return
    text = json.dumps(ROW)
    with path.open("w", newline="") as out:
        if path.suffix in (".csv", ".tsv"):
            cell = json.dumps(ROW["messages"]).replace('"', '""')
            out.write("messages\n")
            out.writelines(f'"{cell}"\n' for _ in range(count))
        elif path.suffix == ".json":
            out.write("[" + ",\n".join([text] * count) + "]")
        else:
            out.writelines(f"{text}\n" for _ in range(count))


def zst(content: bytes) -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(content)
    return bytes(out.getvalue().to_pybytes())


def test_the_window_on_an_array_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """An element that the edge of the window cuts off is no reason to read a larger piece than the last time."""
    sizes = []

    class Text(io.StringIO):
        def read(self, size: int | None = -1, /) -> str:
            sizes.append(size)
            return super().read(size)

    text = Text(json.dumps([ROW] * 20_000))
    assert sum(1 for _ in read_array(text, lambda: True)) == 20_000
    assert len(sizes) > 10
    assert max(size or 0 for size in sizes) < 300_000
