"""Data preparation beside `datasets.load_dataset("json")` + `to_json`, on the same file in one run.

    python -m benchmarks.data [--rows 20000] [--repeats 3]

The rows have ultrachat's shape and about its size (six messages, 6 kB). Both sides start cold, each in a process of
its own, with imports left out of their CPU seconds; the best of the repeats counts. phift also checks every row; what a
plan needs, the digest of the file's bytes, is measured apart, and so are `phift validate`, with and without kept rows,
and each preset of `data.messages`. Memory is the peak as the system counts it.
"""

import argparse
import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.results import at_most

_END = """
status = Path("/proc/self/status")
if status.exists():  # what getrusage says begins with the memory of the process that started this one
    peak = int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
print(cpu, peak)
"""
_PHIFT = (
    """
import resource, sys, time
from pathlib import Path
from phift.data.recipe import Recipe
from phift.data.sources import identify
from phift.data.prepare import prepare
source, out, measured = Path(sys.argv[1]), Path(sys.argv[2]), "MEASURED"
start = time.process_time()
identity = identify({"path": source.name}, source.parent)
if measured != "identify":
    start = time.process_time()
    prepare(Recipe.of(identity, take=None if measured == "all" else measured), out)
cpu = time.process_time() - start
"""
    + _END
)
_DATASETS = (
    """
import resource, sys, time
from pathlib import Path
import datasets
source, out, cache = sys.argv[1:4]
datasets.disable_progress_bars()
start = time.process_time()
datasets.load_dataset("json", data_files=source, split="train", cache_dir=cache).to_json(out)
cpu = time.process_time() - start
"""
    + _END
)
_VALIDATE = (
    """
import os, resource, sys, time
from pathlib import Path
source, out, cache = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
os.environ["PHIFT_HOME"] = cache
from phift.phases.validate_specs import validate
spec = source.with_name("spec.yaml")
spec.write_text('''SPEC'''.replace("ROWS", source.name))
assert next(validate([spec], data=False)).valid
if AGAIN:
    assert next(validate([spec])).valid
start = time.process_time()
assert next(validate([spec])).valid
cpu = time.process_time() - start
"""
    + _END
)
_SPEC = """\
version: 1
name: rows
base_model: azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest
data: {train: {path: ROWS}}
compute: {finetune: {name: gpu, size: Standard_NC24ads_A100_v4}}
finetune: {component: azureml://registries/azureml/components/chat_completion_pipeline/labels/latest}
"""
_VALIDATE = _VALIDATE.replace("SPEC", _SPEC)
_ALL = _PHIFT.replace("MEASURED", "all")
_SIDES = {
    "datasets: load_dataset + to_json": (_DATASETS, "rows.jsonl"),
    "phift prepare": (_ALL, "rows.jsonl"),
    "phift prepare, a tenth of the rows": (_ALL, "tenth.jsonl"),
    "datasets, .json (an array)": (_DATASETS, "rows.json"),
    "phift prepare, .json (an array)": (_ALL, "rows.json"),
    "datasets, .jsonl.gz": (_DATASETS, "rows.jsonl.gz"),
    "phift prepare, .jsonl.gz": (_ALL, "rows.jsonl.gz"),
    "phift prepare, .jsonl.zst": (_ALL, "rows.jsonl.zst"),
    "phift prepare, take 5%": (_PHIFT.replace("MEASURED", "5%"), "rows.jsonl"),
    "phift validate": (_VALIDATE.replace("AGAIN", "False"), "rows.jsonl"),
    "phift validate, unchanged rows": (_VALIDATE.replace("AGAIN", "True"), "rows.jsonl"),
    "phift identify (at plan time)": (_PHIFT.replace("MEASURED", "identify"), "rows.jsonl"),
}


class Run(NamedTuple):
    """One process. cpu: seconds; peak: megabytes."""

    cpu: float
    peak: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = _source(folder / "rows.jsonl", options.rows)
        _source(folder / "tenth.jsonl", options.rows // 10)
        _compressed(source)
        lines = source.read_text(encoding="utf-8").split("\n")
        source.with_suffix(".json").write_text(f"[{','.join(lines[:-1])}]", encoding="utf-8")
        print(f"{options.rows:,} rows, {source.stat().st_size / 1e6:,.0f} MB")
        runs: dict[str, list[Run]] = {side: [] for side in _SIDES}
        for number in range(options.repeats):  # by turns, so that a busy moment of the machine meets all sides
            for side, (program, file) in _SIDES.items():
                runs[side].append(_run(program, folder / file, folder, number))
    best = {side: min(found) for side, found in runs.items()}
    for side, run in best.items():
        rows = options.rows // (10 if "tenth" in side else 1)
        print(f"{side:36} {run.cpu:6.2f} CPU s {rows / run.cpu:10,.0f} rows/CPU s  {run.peak:5.0f} MB peak")
    mapping = _mapping()
    for preset, micros in mapping.items():
        print(f"messages: {preset:26} {micros:6.2f} us a row")
    _budgets(best, mapping)


def _budgets(best: dict[str, Run], mapping: dict[str, float]) -> None:
    ours, theirs = best["phift prepare"], best["datasets: load_dataset + to_json"]
    array, theirs_array = best["phift prepare, .json (an array)"], best["datasets, .json (an array)"]
    zipped, theirs_zipped = best["phift prepare, .jsonl.gz"], best["datasets, .jsonl.gz"]
    small = best["phift prepare, a tenth of the rows"].peak
    for name, value, budget in (
        ("CPU beside datasets", ours.cpu / theirs.cpu, 1 / 3),
        ("CPU beside datasets, .json", array.cpu / theirs_array.cpu, 1 / 3),
        ("CPU beside datasets, .jsonl.gz", zipped.cpu / theirs_zipped.cpu, 1 / 2),
        ("CPU of validate beside datasets", best["phift validate"].cpu / theirs.cpu, 1 / 2.5),
        ("the same, unchanged rows", best["phift validate, unchanged rows"].cpu / theirs.cpu, 1 / 15),
        ("peak beside a tenth of the rows", ours.peak / small, 1.2),
        ("slowest preset, us a row", max(mapping.values()), 12),
    ):
        at_most(name, value, budget, digits=3)
        print(f"{name:36} {value:8.3f}  budget {budget:7.3f}  {'ok' if value <= budget else 'OVER'}")


def _mapping() -> dict[str, float]:
    """Microseconds a row by preset, the best of five; rows have two texts of 3 kB, or six messages of 1 kB."""
    from phift.data.mapping import compiled, mapped, written_out
    from phift.data.presets import presets

    found = {}
    for name, preset in presets().items():
        mapper = compiled(written_out(name, None))
        if mapper is None:
            continue  # rows as they are
        rows = [{column: _cell(column, number) for column in (*preset.needs, *preset.may)} for number in range(5_000)]
        times = []
        for _ in range(5):
            start = time.process_time()
            for row in rows:
                mapped(mapper, row)
            times.append(time.process_time() - start)
        found[name] = min(times) / len(rows) * 1e6
    return found


def _cell(column: str, number: int) -> Any:
    keys = {"conversations": ("from", "value", "human", "gpt"), "messages": ("role", "content", "user", "assistant")}
    if column in keys:
        role, content, *names = keys[column]
        return [{role: names[turn % 2], content: f"{number} " * 200} for turn in range(6)]
    return f"{number} " * 600


def _compressed(source: Path) -> None:
    import pyarrow as pa

    with source.open("rb") as rows, gzip.open(f"{source}.gz", "wb", 6) as out:
        shutil.copyfileobj(rows, out, 1 << 20)
    with source.open("rb") as rows, pa.CompressedOutputStream(f"{source}.zst", "zstd") as stream:
        while piece := rows.read(1 << 20):
            stream.write(piece)


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


def _run(program: str, source: Path, folder: Path, number: int) -> Run:
    """One cold run."""
    cache = folder / f"cache-{number}-{abs(hash((program, source)))}"
    out = folder / "out.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", program, str(source), str(out), str(cache)],
        check=True,
        capture_output=True,
        text=True,
        env=_environment(cache),
    )
    shutil.rmtree(cache, ignore_errors=True)
    cpu, peak = done.stdout.split()[-2:]
    return Run(float(cpu), float(peak))


def _environment(cache: Path) -> dict[str, str]:
    root = str(Path(__file__).parent.parent)
    return {**os.environ, "HF_HOME": str(cache), "HF_HUB_OFFLINE": "1", "PYTHONPATH": root}


if __name__ == "__main__":
    main()
