"""What the command line costs before it does anything: CPU seconds of whole processes, as ratios in one run.

    python -m benchmarks.cli [RUNS]

`phift --version` beside `python -c pass` (budget 3), `phift validate --no-data` of the quickstart beside importing
what it is made of (budget 1.5), and `phift plan` of an applied stack, which asks an embedded Azure ML, beside
the same imports and those that talk to Azure (budget 1.3). Each ratio is the median of several runs of both in turn,
so that a busy machine hurts both alike.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support import Embedded, Project

from benchmarks.results import at_most
from benchmarks.rounds import SERVING
from phift.emulator.host import lifecycle

REPOSITORY = Path(__file__).resolve().parents[1]
COMMANDS = {
    "pass": ["-c", "pass"],
    "version": ["-m", "phift", "--version"],
    "imports": ["-c", "import typer, yaml, jinja2, pydantic"],
    "validate": ["-m", "phift", "validate", "--quiet", "--no-data", str(REPOSITORY / "configs" / "quickstart.yaml")],
    "imports for Azure": ["-c", "import typer, yaml, jinja2, pydantic, azure.core, requests, rich"],
}
PLAN = "plan"
BUDGETS = (("version", "pass", 3.0), ("validate", "imports", 1.5), (PLAN, "imports for Azure", 1.3))


def seconds(arguments: list[str], environment: Mapping[str, str]) -> float:
    """CPU seconds, user and system, of one process and its children."""
    quiet = [(os.POSIX_SPAWN_OPEN, n, os.devnull, os.O_WRONLY, 0) for n in (1, 2)]
    process = os.posix_spawn(sys.executable, [sys.executable, *arguments], environment, file_actions=quiet)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime


def applied(folder: Path) -> tuple[list[str], dict[str, str]]:
    """The words and the environment of a plan of a served stack without changes; its emulator goes on running."""
    project = Project.small(folder / "project", "startup", Embedded.start(folder / "home"))
    project.spec.write_text(project.spec.read_text().replace("targets:", f"{SERVING}targets:"), encoding="utf-8")
    done = project.run("apply", str(project.spec), "--auto-approve", "--quiet")
    if done.returncode:
        raise SystemExit(f"phift apply: {done.stdout}{done.stderr}")
    words, keywords = project.command(PLAN, str(project.spec))
    return words[1:], keywords["env"]


def measure(runs: int, folder: Path) -> dict[str, list[float]]:
    """CPU seconds of each command, by name, run by run."""
    words, environment = applied(folder)
    commands = {**COMMANDS, PLAN: words}
    # Python keeps what it compiled, as any installation does: without that a process compiles all it imports.
    environment = {n: text for n, text in environment.items() if n != "PYTHONDONTWRITEBYTECODE"}
    for arguments in commands.values():
        seconds(arguments, environment)
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, arguments in commands.items():
            found[name].append(seconds(arguments, environment))
    return found


def main() -> int:
    """0 when every ratio is within its budget."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as name:
        try:
            found = measure(runs, Path(name))
        finally:
            lifecycle.stop(Path(name) / "home")
    for command, each in found.items():
        print(f"{command:<17} {statistics.median(each) * 1000:6.1f} ms CPU")
    within = True
    for command, beside, budget in BUDGETS:
        ratio = statistics.median(a / b for a, b in zip(found[command], found[beside], strict=True))
        within = at_most(f"CPU of {command} over {beside}", ratio, budget) and within
        print(f"{command} / {beside}: {ratio:.2f} (budget {budget:g})")
    return 0 if within else 1


if __name__ == "__main__":
    raise SystemExit(main())
