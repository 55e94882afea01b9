"""All benchmarks one after another, then one table: `python -m benchmarks [NAME ...]`, or `make bench`.

They need `phift[local]` and no network. Their own output goes to stderr, the table to stdout. Beside phift run
`datasets` and `azure-storage-blob`, which it brings, and `terraform` or `tofu` where one is on the PATH.
Exit code 1 where a benchmark did not run to its end, or not within a quarter of an hour, after which it is stopped; a
budget that is exceeded is a word in the table. Seconds and latencies are those of a machine that does nothing else: how
busy it was is told beside them. Ratios and processor seconds hold on a busy one too.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.results import ROWS, Row, collected, table

REPOSITORY = Path(__file__).resolve().parents[1]
BENCHMARKS: dict[str, tuple[str, ...]] = {
    "cli": (),
    "makespan": (),
    "rounds": (),
    "plan_scale": (),
    "data": (),
    "hub": (),
    "emulator": (),
    "serving": (),
    "training": (),
    "blob_upload": (),
    "blob_memory": ("--gib", "1"),
}
"""With the arguments that the numbers in docs/benchmarks.md were measured with."""
LONGEST = 900.0
"""Seconds of one benchmark."""
STOPPING = 60.0
"""Seconds in which a benchmark that takes too long stops what it started."""
STAT = Path("/proc/stat")
NOTICED = 0.2
"""Share of the processors from which on other work is told of: seconds and latencies are then longer than they are."""


def run(name: str, rows: Path) -> list[Row]:
    """The rows of a benchmark, and one more where it failed."""
    environment = {**os.environ, ROWS: str(rows), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", f"benchmarks.{name}", *BENCHMARKS[name]]
    before, start = busy(), time.monotonic()
    code = _ended(subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=sys.stderr, start_new_session=True))
    found = collected(rows)
    print(f"-- {name} took {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    # A benchmark whose only trouble is a budget says so with its exit code too.
    if not found or code < 0 or (code and not any(row.ok is False for row in found)):
        found.append(Row("did not run to its end", f"exit code {code}", "", False))
    if (most := max(before, busy())) > NOTICED:
        found.append(Row("processors busy with other work, just before or after", f"{most:.0%}"))
    return [Row(f"{name}: {row.name}", row.value, row.budget, row.ok) for row in found]


def busy(seconds: float = 1.0) -> float:
    """The share of the processors that is taken while nothing is measured; 0 where the system does not tell."""
    if not STAT.exists():
        return 0.0

    def times() -> tuple[int, int]:
        spent = [int(text) for text in STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
        return sum(spent), spent[3] + spent[4]  # idle, and idle while a disk works

    (total, idle), _, (later, idle_later) = times(), time.sleep(seconds), times()
    return 1 - (idle_later - idle) / max(later - total, 1)


def _ended(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a benchmark, which is stopped with all it started when it takes too long or this one ends."""
    try:
        return process.wait(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)  # it stops what it started, emulators too
        return process.wait(timeout=STOPPING)
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        raise


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; by default all")
    names = parser.parse_args().names or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        parser.error(f"there is no benchmark {unknown[0]}: there are {', '.join(BENCHMARKS)}")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name in names:
                print(f"== {name}", file=sys.stderr, flush=True)
                rows += run(name, Path(folder) / f"{name}.jsonl")
        finally:  # what was measured before an interrupt is shown too
            print(table(rows))
    return 1 if any(row.name.endswith("did not run to its end") for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
