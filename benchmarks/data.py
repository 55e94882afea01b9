"""Data preparation beside `datasets.load_dataset("json")` + `to_json`, on the same file in one run.

    python benchmarks/data.py [--rows 20000] [--repeats 3]

The rows have ultrachat's shape and about its size (six messages, 6 kB). Both sides start cold, each in a process of
its own, with imports left out of the time; the best of the repeats counts. phift also checks every row; what a plan
needs, the digest of the file's bytes, is measured apart.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

_PHIFT = """
import resource, sys, time
from pathlib import Path
from phift.data import Recipe, identify, prepare
source, out, measured = Path(sys.argv[1]), Path(sys.argv[2]), "MEASURED"
start = time.perf_counter()
identity = identify({"path": source.name}, source.parent)
if measured != "identify":
    start = time.perf_counter()
    prepare(Recipe.of(identity, take=None if measured == "all" else measured), out)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
_DATASETS = """
import resource, sys, time
import datasets
source, out, cache = sys.argv[1:4]
datasets.disable_progress_bars()
start = time.perf_counter()
datasets.load_dataset("json", data_files=source, split="train", cache_dir=cache).to_json(out)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
_MEGABYTE = 1 << (10 if sys.platform == "linux" else 20)  # ru_maxrss counts kilobytes on Linux, bytes on macOS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    sides = {
        "datasets: load_dataset + to_json": _DATASETS,
        "phift prepare, every row": _PHIFT.replace("MEASURED", "all"),
        "phift prepare, take 5%": _PHIFT.replace("MEASURED", "5%"),
        "phift identify (at plan time)": _PHIFT.replace("MEASURED", "identify"),
    }
    with tempfile.TemporaryDirectory() as name:
        source = _source(Path(name) / "rows.jsonl", options.rows)
        print(f"{options.rows:,} rows, {source.stat().st_size / 1e6:,.0f} MB")
        runs: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
        for number in range(options.repeats):  # by turns, so that a busy moment of the machine meets all sides
            for side, program in sides.items():
                runs[side].append(_run(program, source, Path(name), number))
        reference = min(seconds for seconds, _ in next(iter(runs.values())))
        for side, results in runs.items():
            seconds = min(seconds for seconds, _ in results)
            memory = max(memory for _, memory in results) / _MEGABYTE
            print(
                f"{side:34} {seconds:6.2f} s {options.rows / seconds:10,.0f} rows/s"
                f" {reference / seconds:6.1f} x  {memory:5.0f} MB"
            )


def _source(path: Path, rows: int) -> Path:
    random_ = random.Random(0)
    words = ["".join(random_.choices("abcdefghijklmnopqrstuvwxyz", k=random_.randint(2, 9))) for _ in range(5000)]
    words += ['"quoted"', "line\nbreak"] * 50
    beyond = [*words, *["naïve", "—", "“so”", "数据"] * 50]  # one text of six is not plain ASCII
    with path.open("w", encoding="utf-8") as out:
        for number in range(rows):
            said = [
                " ".join(random_.choices(beyond if (number + turn) % 6 == 0 else words, k=random_.randint(40, 250)))
                for turn in range(6)
            ]
            turns = [{"content": text, "role": ("user", "assistant")[turn % 2]} for turn, text in enumerate(said)]
            row = {"prompt": said[0], "prompt_id": f"{number:064x}", "messages": turns}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def _run(program: str, source: Path, folder: Path, number: int) -> tuple[float, float]:
    """(seconds, peak memory as the system counts it) of one cold run."""
    cache = folder / f"cache-{number}-{abs(hash(program))}"
    out = folder / "out.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", program, str(source), str(out), str(cache)],
        check=True,
        capture_output=True,
        text=True,
        env=_environment(cache),
    )
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), float(memory)


def _environment(cache: Path) -> dict[str, str]:
    root = str(Path(__file__).parent.parent)
    return {**os.environ, "HF_HOME": str(cache), "HF_HUB_OFFLINE": "1", "PYTHONPATH": root}


if __name__ == "__main__":
    main()
