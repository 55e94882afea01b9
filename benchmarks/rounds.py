"""How many answers a plan that changes nothing waits for, one after another, and what an apply asks beside its plan.

    python -m benchmarks.rounds [--repeats 3]

A stack is applied to an embedded Azure ML with rehearsed jobs. Then every answer is delayed by half a second: what
`phift plan` takes longer, in half seconds, is the number of answers that waited for each other. The least of several
plans counts, with and without the delay: a busy machine adds to both.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support import Embedded, Project

from benchmarks.results import at_most, report
from phift.emulator.host import lifecycle

DELAY = 0.5  # seconds
SERVICE = r"azure|microsoftonline"
"""The service's answers; not those of the emulator about itself."""
ROUNDS = 4.5
"""Four, and the noise of a machine."""
SERVING = """\
endpoint: {auth_mode: key}
deployment: {instance_type: Standard_NC24ads_A100_v4, instance_count: 1}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        embedded = Embedded.start(home)
        try:
            return _measure(Project.small(Path(scratch) / "project", "rounds", embedded), repeats)
        finally:
            lifecycle.stop(home)


def _measure(project: Project, repeats: int) -> int:
    embedded = project.embedded
    project.spec.write_text(project.spec.read_text().replace("targets:", f"{SERVING}targets:"), encoding="utf-8")
    _run(project, "apply", "spec.yaml", "--auto-approve", "--quiet")
    plain = min(_run(project, "plan", "spec.yaml") for _ in range(repeats))
    mark = embedded.mark()
    _run(project, "plan", "spec.yaml")
    requests = len(_of_service(embedded.since(mark)))
    embedded.admin("POST", "/faults", {"pattern": SERVICE, "delay": DELAY, "count": 100_000})
    delayed = min(_run(project, "plan", "spec.yaml") for _ in range(repeats))
    embedded.admin("DELETE", "/faults")
    rounds = (delayed - plain) / DELAY

    project.edit("max_instances: 1", "max_instances: 2")
    mark = embedded.mark()
    _run(project, "plan", "spec.yaml")
    planned = len(_of_service(embedded.since(mark)))
    mark = embedded.mark()
    _run(project, "apply", "spec.yaml", "--auto-approve", "--quiet")
    applied = len(_of_service(embedded.since(mark)))

    print(f"plan, nothing changed: {requests} requests; {plain:.2f} s, and {delayed:.2f} s with the delay")
    print(f"one changed field: plan {planned} requests, apply {applied}")
    report("requests of a plan without changes", str(requests))
    report("requests of an apply with one changed field", str(applied))
    within = at_most("answers that a plan without changes waits for, one after another", rounds, ROUNDS, digits=1)
    return 0 if within else 1


def _of_service(requests: list[dict[str, object]]) -> list[dict[str, object]]:
    """Without those to the emulator itself."""
    return [r for r in requests if r["host"] != "127.0.0.1"]


def _run(project: Project, *words: str) -> float:
    """Seconds that a command takes."""
    start = time.monotonic()
    done = project.run(*words)
    if done.returncode:
        raise SystemExit(f"phift {' '.join(words)}: {done.stdout}{done.stderr}")
    return time.monotonic() - start


if __name__ == "__main__":
    sys.exit(main())
