"""Data of the hub beside `datasets.load_dataset` + `to_json`, on the same stand-in hub in one run.

    python -m benchmarks.hub [--scale 0.25] [--repeats 1]

The data set has the shape of HuggingFaceH4/ultrachat_200k: at scale 1, train_sft has 207,865 rows in 3 files of 829 MB,
in row groups of 1,000. Each side is a process of its own that starts cold; imports are left out of its CPU seconds, and
`datasets` is imported on both sides. phift resolves the data set, reads, checks every row, and writes the canonical
file; the other side does what the fine-tuning notebook does. Memory is the peak as the system counts it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from hub import Hub
from hubdata import CHAT, ultrachat

from benchmarks.results import at_most

_START = """
import json, resource, sys, time
from pathlib import Path
import datasets, pyarrow.parquet
endpoint, out, folder, CHAT, what = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], sys.argv[5]
"""
_END = """
import shutil
disk = sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
status = Path("/proc/self/status")
if status.exists():  # what getrusage says begins with the memory of the process that started this one
    peak = int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
print(json.dumps([cpu, peak, disk / 1e6, rows]))
"""
_DATASETS = (
    _START
    + """
datasets.disable_progress_bars()
start = time.process_time()
loaded = datasets.load_dataset(CHAT, split=what)
loaded.to_json(str(out))
cpu, rows = time.process_time() - start, len(loaded)
"""
    + _END
)
_PHIFT = (
    _START
    + """
from phift.data.hub import HubClient, HubRequest, Selection, read, resolve
from phift.data.messages import encoded, problems_of
from phift.data.output import Sink, written_whole
from phift.data.take import Take
import huggingface_hub, httpx2
split, _, take = what.partition(" ")
start = time.process_time()
with HubClient(endpoint) as client:
    pin = resolve(HubRequest(CHAT, split=split), client, count=take == "first")
    if take == "first":
        selection = Selection.first(round(pin.rows * 0.05))
    elif take == "hash":
        selection = Selection.where(Take.parse("5%").picked(0, lambda: 0).row)
    else:
        selection = Selection.all()
    rows = 0
    with written_whole(out) as stream:
        sink = Sink(stream)
        for _, _, row in read(pin, selection, client, folder / "scratch"):
            assert not problems_of(row)
            sink.write(encoded(row))
            rows += 1
cpu = time.process_time() - start
"""
    + _END
)
_SIDES = {
    "datasets, first 5%": (_DATASETS, "train_sft[:5%]"),
    "datasets, whole split": (_DATASETS, "train_sft"),
    "phift, first 5%": (_PHIFT, "train_sft first"),
    "phift, hash 5%": (_PHIFT, "train_sft hash"),
    "phift, whole split": (_PHIFT, "train_sft"),
    "phift, a ninth of it (test_sft)": (_PHIFT, "test_sft"),
}


class Run(NamedTuple):
    """One process. cpu: seconds; peak, disk (left beside the output), read: megabytes."""

    cpu: float
    peak: float
    disk: float
    rows: int
    read: float
    requests: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.25)
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    counts = {"train_sft": 207_865, "test_sft": 23_110, "train_gen": 3_000, "test_gen": 1_000}
    rows = {split: max(2_000, round(count * options.scale)) for split, count in counts.items()}
    with tempfile.TemporaryDirectory() as name, Hub(Path(name) / "blobs") as hub:
        folder = Path(name)
        ultrachat(hub, folder / "data", rows=rows, group=1000, length=1450)
        sizes = [path.stat().st_size for path in sorted((folder / "data").glob("train_sft*"))]
        print(f"train_sft: {rows['train_sft']:,} rows, {len(sizes)} files, {sum(sizes) / 1e6:,.0f} MB")
        runs: dict[str, list[Run]] = {side: [] for side in _SIDES}
        for number in range(options.repeats):  # by turns, so that a busy moment of the machine meets all sides
            for side, (program, what) in _SIDES.items():
                runs[side].append(_run(program, what, hub, folder / f"{number}-{len(runs[side])}-{abs(hash(side))}"))
        best = {side: min(found, key=lambda run: run.cpu) for side, found in runs.items()}
        for side, run in best.items():
            print(
                f"{side:32} {run.rows:8,} rows {run.cpu:6.2f} CPU s {run.peak:6.0f} MB peak {run.read:7.1f} MB read"
                f" {run.disk:7.0f} MB disk {run.requests:4} requests"
            )
        _budgets(best, sum(sizes) / 1e6, rows["train_sft"])


def _budgets(best: dict[str, Run], size: float, rows: int) -> None:
    first, loaded = best["phift, first 5%"], best["datasets, first 5%"]
    whole, loaded_whole = best["phift, whole split"], best["datasets, whole split"]
    hashed = best["phift, hash 5%"]
    group = size * 1000 / rows
    share = size * first.rows / rows + 2 * group
    small = best["phift, a ninth of it (test_sft)"].peak
    for name, value, budget in (
        ("first 5%: CPU", first.cpu / loaded.cpu, 1 / 6),
        (f"first 5%: bytes of {share:,.1f} MB (share + 2 row groups)", first.read / share, 1),
        ("first 5%: MB on disk beside the output", first.disk, 0),
        ("hash 5%: CPU", hashed.cpu / loaded.cpu, 1 / 1.6),
        ("whole split: CPU", whole.cpu / loaded_whole.cpu, 2 / 3),
        ("whole split: MB peak", whole.peak, 350),
        ("whole split: peak beside a ninth of it", whole.peak / small, 1.2),
    ):
        at_most(name, value, budget, digits=3)
        print(f"{name:56} {value:8.3f}  budget {budget:7.3f}  {'ok' if value <= budget else 'OVER'}")


def _run(program: str, what: str, hub: Hub, folder: Path) -> Run:
    folder.mkdir()
    hub.clear()
    arguments = [sys.executable, "-c", program, hub.url, str(folder / "out.jsonl"), str(folder / "files"), CHAT, what]
    (folder / "files").mkdir()
    done = subprocess.run(arguments, check=True, capture_output=True, text=True, env=_environment(hub, folder))
    cpu, peak, disk, rows = json.loads(done.stdout.splitlines()[-1])
    seen = hub.requests()
    for path in folder.rglob("*"):
        if path.is_file() or path.is_symlink():
            path.unlink()
    return Run(cpu, peak, disk, rows, hub.read() / 1e6, len(seen))


def _environment(hub: Hub, folder: Path) -> dict[str, str]:
    root = str(Path(__file__).parent.parent)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    named = {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "files"), "HF_HUB_DISABLE_XET": "1", "PYTHONPATH": root}
    return {**kept, **named, "NO_PROXY": "127.0.0.1"}


if __name__ == "__main__":
    main()
