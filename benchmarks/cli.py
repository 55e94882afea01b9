"""What the command line costs before it does anything: CPU seconds of whole processes, as ratios in one run.

    python -m benchmarks.cli [RUNS]

`phift --version` beside `python -c pass` (budget 3), and `phift validate` of the quickstart beside importing what it is
made of (budget 1.5). Of each the least of several runs, taken in turn, so that a busy machine hurts all alike.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks.results import at_most

REPOSITORY = Path(__file__).resolve().parents[1]
COMMANDS = {
    "pass": ["-c", "pass"],
    "version": ["-m", "phift", "--version"],
    "imports": ["-c", "import typer, yaml, jinja2, pydantic"],
    "validate": ["-m", "phift", "validate", "--quiet", str(REPOSITORY / "configs" / "quickstart.yaml")],
}
BUDGETS = (("version", "pass", 3.0), ("validate", "imports", 1.5))


def seconds(arguments: list[str]) -> float:
    """CPU seconds, user and system, of one process and its children."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = os.posix_spawn(sys.executable, [sys.executable, *arguments], environment, file_actions=quiet)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    """0 when every ratio is within its budget."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    least = dict.fromkeys(COMMANDS, float("inf"))
    for _ in range(runs):
        for name, arguments in COMMANDS.items():
            least[name] = min(least[name], seconds(arguments))
    for name, cpu in least.items():
        print(f"{name:<9} {cpu * 1000:6.1f} ms CPU")
    within = True
    for name, beside, budget in BUDGETS:
        ratio = least[name] / least[beside]
        within = at_most(f"CPU of {name} over {beside}", ratio, budget) and within
        print(f"{name} / {beside}: {ratio:.2f} (budget {budget:g})")
    return 0 if within else 1


if __name__ == "__main__":
    raise SystemExit(main())
