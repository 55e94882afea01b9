"""How long an apply takes beside its critical path, with simulated durations; and beside one thing after another.

    python -m benchmarks.makespan [SCALE]

Runs the graph of a first apply through the engine's executor. Minutes of the real service become SCALE seconds each
(0.02 when not given). Budget: at most 1.02 of the critical path.
"""

from __future__ import annotations

import sys
import time

from benchmarks.results import at_most, report
from phift.graph.dag import Graph
from phift.graph.executor import run

BUDGET = 1.02
STEPS: dict[str, tuple[float, tuple[str, ...]]] = {
    "compute.finetune": (3, ()),
    "data.train": (2, ()),
    "data.test": (1, ()),
    "job.finetune": (60, ("compute.finetune", "data.train", "data.test")),
    "model.finetuned": (1, ("job.finetune",)),
    "endpoint.main": (3, ()),
    "deployment.main": (12, ("endpoint.main", "model.finetuned")),
    "test.smoke": (1, ("deployment.main",)),
    "traffic.main": (1, ("test.smoke",)),
}
"""Minutes, and what each waits for: the order of a fine-tune with an endpoint. The durations are made up."""


def critical(name: str) -> float:
    """Minutes of the longest way up to and with a step."""
    minutes, needs = STEPS[name]
    return minutes + max((critical(n) for n in needs), default=0.0)


def main() -> int:
    """0 within the budget."""
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 0.02
    graph: Graph[str] = Graph()
    for name, (_, needs) in STEPS.items():
        graph.add(name, after=needs)
    start = time.perf_counter()
    outcomes = run(graph, lambda name, failed: time.sleep(STEPS[name][0] * scale), parallelism=10)
    elapsed = (time.perf_counter() - start) / scale
    if not all(o.ok for o in outcomes.values()):
        raise SystemExit("a step failed")
    longest, serial = max(map(critical, STEPS)), sum(m for m, _ in STEPS.values())
    print(f"critical path       {longest:6.1f} min")
    print(f"makespan            {elapsed:6.1f} min   ratio {elapsed / longest:.3f} (budget {BUDGET})")
    print(f"one after another   {serial:6.1f} min   ratio {serial / elapsed:.3f} of the makespan")
    report("one after another over the makespan", f"{serial / elapsed:.3f}")
    return 0 if at_most("makespan over the critical path", elapsed / longest, BUDGET, digits=3) else 1


if __name__ == "__main__":
    sys.exit(main())
