"""What planning costs when nothing changed: 143 and 1,430 stacks of 7 resources, every answer from memory.

    python -m benchmarks.plan_scale [STACKS ...]

Prints seconds and the most memory of the whole process, the engine's cost a resource by phase, and what was asked of
the workspace. Beside it `terraform plan` of as many `terraform_data` resources, where terraform is on the PATH; the
budget is a quarter of its time (of 22 s for 10,010 where it is not) and less than its memory (685 MB).

Up to 200 stacks both are run three times in turn, each in a process of its own, and the medians count. Of more, once,
and terraform is stopped when the ratio is known to be within the budget: it takes minutes.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.results import at_most, report

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

BUDGET = 0.25
SMALL, ROUNDS = 200, 3
PUBLISHED = (("models", "Phi-3-mini-4k-instruct"), ("components", "chat_completion_pipeline"))

TERRAFORM_SECONDS, TERRAFORM_MB = 22.0, 685.0
"""Of `terraform plan` on 10,010 unchanged `terraform_data` resources, measured on a machine of two cores."""

SPEC = """\
version: 1
name: {name}
tags: {{purpose: scale}}
base_model: azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest
data:
  train: {{path: train.jsonl}}
compute:
  finetune:
    name: {name}-gpu
    size: Standard_NC24ads_A100_v4
    min_instances: 0
    max_instances: 1
    idle_time_before_scale_down: 120
finetune:
  component: azureml://registries/azureml/components/chat_completion_pipeline/labels/latest
  parameters:
    num_train_epochs: 3
    learning_rate: 5e-6
    lr_scheduler_type: cosine
    apply_lora: true
model: {{name: {name}}}
endpoint: {{auth_mode: key}}
deployment:
  instance_type: Standard_NC24ads_A100_v4
  instance_count: 1
  request_settings: {{request_timeout_ms: 90000, max_concurrent_requests_per_instance: 1}}
rollout: {{strategy: blue_green}}
targets:
  local: {{default: true}}
"""


def write_specs(folder: Path, stacks: int) -> list[Path]:
    """One spec a stack, over one file of data."""
    rows = [{"messages": [{"role": "user", "content": "a?"}, {"role": "assistant", "content": "b"}]}] * 3
    (folder / "train.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    paths = []
    for number in range(stacks):
        path = folder / f"s{number:04d}.yaml"
        path.write_text(SPEC.format(name=f"stack-{number:04d}"), encoding="utf-8")
        paths.append(path)
    return paths


def populate(memory: Any, paths: list[Path]) -> None:
    """Applies the first spec, and lays down what applying the others would have made."""
    from memory import cloned

    from phift import phases
    from phift.state.ownership import marks_of
    from phift.workbench.open import workbench_of
    from phift.workbench.sessions import Shared

    first = phases.Request(paths[0])
    plan = phases.plan(first, memory.connect)
    result = phases.apply(
        plan, first, memory.connect, listener=lambda event: None, options=phases.ApplyOptions(parallelism=4)
    )
    if result.exit_code:
        raise SystemExit(f"the first stack could not be applied: {result.failed}")
    shared = Shared(inline=True)
    benches = [
        workbench_of(phases.load(phases.Request(p), every_target=False), memory.connect, shared=shared) for p in paths
    ]
    old = benches[0].stack
    templates = {
        address: (path, document)
        for path, document in memory.documents.items()
        if (address := _address(document)) is not None
    }
    serving = {str(d.address): d.name for d in old.resources}
    for bench in benches[1:]:
        for desired in bench.stack.resources:
            found = templates.get(str(desired.address))
            if found is None:
                continue
            new = {str(d.address): d.name for d in bench.stack.resources}
            path, document = found
            for address in ("endpoint.main", "deployment.main"):
                path = path.replace(serving[address], new[address])
                document = cloned(document, serving[address], new[address])
            path, document = path.replace(old.name, bench.stack.name), cloned(document, old.name, bench.stack.name)
            if desired.address.kind == "job":
                path = path.rpartition("/")[0] + f"/{desired.name}"
                document["name"] = desired.name
            document["id"] = path
            marks = marks_of(desired, stack=bench.stack.name, claim=bench.stack.claim, object_id=path)
            _mark(document, marks)
            memory.keep(path, document)


def _bags(document: dict[str, Any]) -> list[dict[str, Any]]:
    inner = document.get("properties") or {}
    return [b for b in (document.get("tags"), inner.get("tags"), inner.get("properties")) if isinstance(b, dict)]


def _address(document: dict[str, Any]) -> str | None:
    return next((bag["phift.address"] for bag in _bags(document) if "phift.address" in bag), None)


def _mark(document: dict[str, Any], marks: dict[str, str]) -> None:
    for bag in _bags(document):
        bag.update({name: marks[name] for name in bag if name in marks})


@dataclass(frozen=True)
class Measured:
    """One plan of all stacks. megabytes: the most memory of the process that only planned, answers included.

    cpu: seconds of the processor, all threads. phases: seconds of each, over all stacks. asked: how often each kind of
    request was.
    """

    seconds: float
    cpu: float
    megabytes: float
    phases: dict[str, float]
    asked: dict[str, int]


def measure(stacks: int, folder: Path) -> Measured:
    """Applies and pins in one process, plans in another: this one stays small, so that the memory of what it starts
    is that alone."""
    return _in_process(_laid_down, stacks, folder)


def _in_process(work: Callable[..., None], *given: Any) -> Measured:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=work, args=(*given, queue))
    process.start()
    found: Measured | str = queue.get(timeout=900)
    process.join()
    if isinstance(found, str):
        raise SystemExit(found)
    return found


def _laid_down(stacks: int, folder: Path, queue: Any) -> None:
    """Puts into the queue what a plan of so many applied stacks costs, or what is wrong with it."""
    from memory import MemoryWorkspace

    from phift import phases

    paths = write_specs(folder, stacks)
    memory = MemoryWorkspace()
    try:
        populate(memory, paths)
        phases.plan_many([phases.Request(path) for path in paths], memory.connect)  # pins what floats
        queue.put(_in_process(_plan, paths, memory.documents, memory.children))
    except SystemExit as end:
        queue.put(str(end))


def _plan(paths: list[Path], documents: dict[str, Any], children: dict[str, Any], queue: Any) -> None:
    """Puts into the queue what a plan of the specs costs, or what is wrong with it. The process is one of a command."""
    from phift import startup

    startup.begin()
    from memory import MemoryWorkspace

    from phift import phases

    memory = MemoryWorkspace()
    memory.documents, memory.children = documents, children
    for kind, name in PUBLISHED:  # the service would have read them long ago
        memory.registry("azureml").list(f"{kind}/{name}/versions", "")
    memory.asked.clear()
    requests = [phases.Request(path) for path in paths]
    plan_many = phases.plan_many  # imported before the clock runs, as terraform is compiled
    start, processor = time.perf_counter(), time.process_time()
    planned = plan_many(requests, memory.connect)
    text = render(planned)
    elapsed, cpu = time.perf_counter() - start, time.process_time() - processor
    megabytes, asked = most_memory(), dict(memory.asked)
    if planned.failed:
        queue.put(f"{planned.failed[0].stack}: {planned.failed[0].error}")
        return
    count = sum(len(p.resources) for p in planned.plans)
    if planned.changes_something or count != 7 * len(paths) or not text:
        changed = [(str(r.address), r.reason) for p in planned.plans for r in p.resources if r.action.changes_something]
        queue.put(f"not a plan without changes of {7 * len(paths)} resources: {count}, {changed[:5]}")
        return
    queue.put(Measured(elapsed, cpu, megabytes, by_phase(requests, memory, planned), asked))


def most_memory() -> float:
    """The most megabytes this program has held; on Linux without those of the process that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def render(planned: Any) -> str:
    """As `phift plan` prints them."""
    from phift.views.human.plan import render as text

    return "\n".join(text(plan) for plan in planned.plans)


def by_phase(requests: list[Any], memory: Any, planned: Any) -> dict[str, float]:
    """Seconds of each phase over all stacks, one after another."""
    from phift.compile.compiler import compile_stack
    from phift.kinds.registry import KINDS
    from phift.lock import lock_path
    from phift.plan.planner import Policy, decide
    from phift.preflight import Subject, check
    from phift.spec import yaml12
    from phift.workbench.open import observe, workbench_of
    from phift.workbench.request import load
    from phift.workbench.sessions import Shared

    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        found = work()
        seconds[name] = time.perf_counter() - start
        return found

    timed("parse YAML", lambda: [yaml12.read(r.path) for r in requests])
    loaded = timed("load, YAML and all", lambda: [load(r, every_target=False) for r in requests])
    shared = Shared(inline=True)
    timed("lock file", lambda: shared.lock(lock_path(requests[0].path)))
    benches = timed("facts and compile", lambda: [workbench_of(s, memory.connect, shared=shared) for s in loaded])
    timed("compile alone", lambda: [compile_stack(b.loaded, b.resolved.facts, b.stack.claim, KINDS) for b in benches])
    seconds["facts and pins"] = seconds.pop("facts and compile") - seconds["compile alone"]
    observed = timed("read live", lambda: [observe(b) for b in benches])
    pairs = list(zip(benches, observed, strict=True))
    decided = timed("diff", lambda: [decide(b.stack, o, KINDS, Policy()) for b, o in pairs])
    timed(
        "preflight",
        lambda: [
            list(check(Subject(b.loaded, b.stack, b.resolved.facts, o, d[0], b.remote)))
            for (b, o), d in zip(pairs, decided, strict=True)
        ],
    )
    timed("spec digest", lambda: [b.digest for b in benches])
    timed("render text", lambda: render(planned))
    return seconds


@dataclass(frozen=True)
class Peer:
    """A `terraform plan`. finished: whether it was left to its end."""

    seconds: float
    cpu: float
    megabytes: float
    finished: bool = True


def terraform(resources: int, most: float) -> Peer | None:
    """`terraform plan` of that many applied resources, stopped after `most` seconds; None without terraform."""
    program = shutil.which("terraform") or shutil.which("tofu")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        main = 'resource "terraform_data" "r" {{\n  count = {}\n  input = "value"\n}}\n'
        (folder / "main.tf").write_text(main.format(1))
        for words in (["init"], ["apply", "-auto-approve"]):
            subprocess.run([program, *words], cwd=folder, check=True, capture_output=True)
        # Applying thousands takes minutes; what is measured is a plan, so the state is multiplied as it stands.
        state_file = folder / "terraform.tfstate"
        state = json.loads(state_file.read_text())
        (one,) = state["resources"][0]["instances"]
        state["resources"][0]["instances"] = [{**one, "index_key": n} for n in range(resources)]
        state_file.write_text(json.dumps(state))
        (folder / "main.tf").write_text(main.format(resources))
        start = time.perf_counter()
        process = subprocess.Popen(
            [program, "plan", "-no-color", "-detailed-exitcode"], cwd=folder, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        late = threading.Timer(most, process.kill)
        late.start()
        _, status, usage = os.wait4(process.pid, 0)
        late.cancel()
        elapsed = time.perf_counter() - start
        stopped = elapsed >= most and os.WIFSIGNALED(status)
        if status and not stopped:
            raise SystemExit(f"terraform plan ended with {os.waitstatus_to_exitcode(status)}")
        return Peer(elapsed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, finished=not stopped)


def compare(stacks: int) -> bool:
    """Measures both, prints and reports; whether it is within the budget."""
    resources = 7 * stacks
    runs: list[tuple[Measured, Peer | None]] = []
    for _ in range(ROUNDS if stacks <= SMALL else 1):
        with tempfile.TemporaryDirectory() as name:
            found = measure(stacks, Path(name))
        most = 600.0 if stacks <= SMALL else found.seconds / BUDGET + 1
        runs.append((found, terraform(resources, most)))
    found, beside = runs[-1]
    seconds = statistics.median(m.seconds for m, _ in runs)
    print(f"\n{resources:,} resources in {stacks:,} stacks, nothing to change")
    each = seconds / resources * 1e6
    print(f"  phift plan      {seconds:7.2f} s  {found.megabytes:6.0f} MB   {each:6.0f} µs a resource")
    elsewhere = Peer(TERRAFORM_SECONDS * resources / 10_010, 0, TERRAFORM_MB)
    pairs = [(m, peer or elsewhere) for m, peer in runs]
    ratio = statistics.median(m.seconds / peer.seconds for m, peer in pairs)
    peer = pairs[-1][1]
    where = "" if beside else " (measured elsewhere: there is none on the PATH)"
    where = where if peer.finished else f" (stopped: the ratio is below {BUDGET})"
    terraform_seconds = statistics.median(peer.seconds for _, peer in pairs)
    print(f"  terraform plan  {terraform_seconds:7.2f} s  {peer.megabytes:6.0f} MB{where}")
    if peer.finished:
        print(f"  ratio           {ratio:7.2f}    (budget {BUDGET})")
    for phase, cost in sorted(found.phases.items(), key=lambda item: -item[1]):
        print(f"    {phase:<18} {cost / resources * 1e6:7.1f} µs a resource")
    print(f"  asked: {', '.join(f'{n} {what}' for what, n in sorted(found.asked.items()))}")
    what = f"plan of {resources:,} resources"
    named = "terraform plan" if beside else "terraform plan, measured elsewhere"
    if not peer.finished:
        report(f"{what}, time over {named}", f"under {BUDGET}", f"at most {BUDGET}", True)
        within = True
    else:
        within = at_most(f"{what}, time over {named}", ratio, BUDGET)
    if beside and peer.finished:
        cpu = statistics.median(m.cpu / peer.cpu for m, peer in pairs)
        report(f"{what}, processor time over {named}", f"{cpu:.2f}")
    report(f"{what}, processor time", f"{statistics.median(m.cpu for m, _ in runs):.2f} s")
    # What a terraform that was stopped held is less than it would have.
    megabytes = peer.megabytes if peer.finished else TERRAFORM_MB
    return at_most(f"{what}, memory", found.megabytes, megabytes, "MB", digits=0) and within


def main() -> int:
    """0 when every run is within its budget."""
    within = [compare(stacks) for stacks in [int(a) for a in sys.argv[1:]] or [143, 1430]]
    return 0 if all(within) else 1


if __name__ == "__main__":
    sys.exit(main())
