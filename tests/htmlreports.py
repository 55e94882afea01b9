"""A report and plans with a bit of everything, for the tests of their documents."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, cast

from plans import change, resource

from phift.address import Address
from phift.diagnostics import Diagnostic, Mark, Severity
from phift.errors import NotFoundError
from phift.ledger.journal import Intent, Record, Result
from phift.ledger.words import ApplyOutcome, Verb, WriteOutcome
from phift.phases import ManyPlans, Request
from phift.phases.build_report import Missing, Report, TrainingRun, Trainings
from phift.phases.inspect_data import Preview, PreviewRow
from phift.phases.read_logs import Point
from phift.phases.results import Planned, Unplanned
from phift.phases.show_status import Status, StatusRow
from phift.plan.action import Action, ChangeAction, ChangedBy
from phift.plan.cost import Cost, CostLine, Price, Range
from phift.plan.model import Plan
from phift.spec import Origin, OriginKind, Rendered

__all__ = ["COST", "PLAN", "REPORT", "SEVERAL", "VALUES", "big_plan", "never_applied", "poisoned"]

A100 = "Standard_NC24ads_A100_v4"


COST = Cost(
    "eastus",
    (
        CostLine(
            Address("job", "finetune"), "run", A100, 1, Price(3.67, "workspace", "2026-11-20"),
            hours=Range(1.8, 2.1, 2.5), duration=Range(1.8, 2.1, 2.5), basis="9,800 tokens/s in 3 earlier jobs",
        ),
        CostLine(Address("deployment", "main"), "always_on", A100, 1, Price(3.67, "workspace", "2026-11-20"), now=0),
    ),
)  # fmt: skip

PLAN = Plan(
    stack="quickstart",
    target="prod",
    workspace="rg-ml/ws-ml",
    spec_path="configs/quickstart.yaml",
    source="github.com/o/r#configs/quickstart.yaml",
    spec_digest="0",
    created="2026-03-01T10:00:00Z",
    cost=COST,
    warnings=(
        Diagnostic(
            "the base model retires in 20 days", Severity.WARNING, code="model-retires", detail="On 2026-03-21.",
            remedy="Choose another base model.", mark=Mark("configs/quickstart.yaml", 15, 13),
        ),
    ),
    notes=("Phi-3-mini-4k-instruct 17 is available",),
    resources=(
        resource("compute.finetune", Action.NO_OP, "gpu-cluster", unchanged=7, fingerprint="a", desired={"size": A100}),
        resource("data.train", Action.REUSE, "quickstart-train:87fb", reason="same content"),
        resource(
            "job.finetune", Action.RUN, "quickstart-d95a", after="compute.finetune data.train",
            reason="learning_rate changed since model version 1", unchanged=12, notes=("memory: fits",),
            changes=(change("learning_rate", 0.005, 0.0025, ChangeAction.RETRAIN, by=ChangedBy.YOU),),
            details={"parameters": {"learning_rate": 0.0025, "lora_r": 32}, "gpus": 1},
        ),
        resource("model.finetuned", Action.CREATE, "quickstart (expected 2)", after="job.finetune", reason="new"),
        resource(
            "deployment.main", Action.CREATE, "d-a948", after="model.finetuned", reason="model changed since d-c4cb",
            changes=(
                change("model", "quickstart@d002", "quickstart@d95a", ChangeAction.NEW_DEPLOYMENT),
                change("environment_variables.TOKEN", "old", "new", sensitive=True),
                change("description", "before", None),
                change("size", "a", "b", ChangeAction.SUPPRESSED, rule="case", reason="the service changes the case"),
                change("instance_count", 3, 2, by=ChangedBy.OUTSIDE, applied=1),
            ),
            desired={"instance_type": A100, "instance_count": 2, "tags": {"team": "a"}},
        ),
        resource("test.smoke", Action.RUN, "smoke", after="deployment.main"),
        resource("traffic.main", Action.SHIFT, "d-a948 100 %", after="deployment.main test.smoke", reason="its tests"),
        resource("deployment.d-c4cb", Action.DELETE, "d-c4cb", after="traffic.main", reason="replaced by d-a948"),
    ),
)  # fmt: skip


def _value(path: str, value: Any, kind: OriginKind, detail: str = "", line: int = 0) -> Rendered:
    return Rendered(path, value, Origin(kind, detail, Mark("configs/quickstart.yaml", line, 5) if line else None))


VALUES = (
    _value("finetune.parameters.learning_rate", 0.0025, OriginKind.SPEC, line=36),
    _value("finetune.parameters.lora_r", 32, OriginKind.MODEL_DEFAULT, "Phi-3-mini-4k-instruct:16"),
    _value("deployment.instance_count", 2, OriginKind.TARGET, "prod", 70),
    _value("deployment.instance_type", A100, OriginKind.VAR, "size", 51),
    _value("tags.team", "a", OriginKind.SPEC, line=13),
    _value("version", 1, OriginKind.SPEC, line=10),
)


def _points(factor: float) -> tuple[Point, ...]:
    return tuple(Point(step, factor * 3 / (step + 1), 0) for step in range(0, 300, 10))


def _run(version: str, rate: float, **more: Any) -> TrainingRun:
    series = {"loss": _points(rate * 200), "learning_rate": _points(rate), "eval_exact": (Point(300, 0.95, 0),)}
    inputs = {"base_model": "Phi-3:16", "data": {"train": "87fb"}, "parameters": {"learning_rate": rate, "lora_r": 32}}
    return TrainingRun(
        version, f"quickstart-{version}", "Completed", "2026-03-01T09:00:00Z", inputs=inputs, series=series, **more
    )


def _apply(n: int, outcome: ApplyOutcome | None, *results: Result) -> Record:
    at = f"2026-03-0{n}T10:00:00Z"
    return Record(
        f"apply{n}", at, at if outcome else "", outcome, plan={"counts": {"add": 5, "change": 1, "destroy": 1}},
        results=results, open=() if outcome else (Intent(f"apply{n}", 9, "traffic.main", Verb.UPDATE, "d-a948"),),
        holder={"user": "ann", "host": "ci", "commit": "5cda6cda9a15", "run_url": "https://ci.example/1"},
        seconds={"job.finetune": 3600.0, "deployment.main": 420.5, "test.smoke": 2.0} if outcome else {},
    )  # fmt: skip


def _result(address: str, identity: str, outcome: WriteOutcome = WriteOutcome.DONE, **facts: Any) -> Result:
    return Result(Intent("a", 1, address, Verb.CREATE, identity), outcome, "2026-03-01T10:00:00Z", facts)


HISTORY = (
    _apply(4, ApplyOutcome.DONE, _result("test.smoke", "smoke", exact_match=0.5)),
    _apply(3, None, _result("job.finetune", "quickstart-2")),
    _apply(
        2,
        ApplyOutcome.FAILED,
        _result("job.finetune", "quickstart-2"),
        _result("deployment.main", "d-b1"),
        _result("test.smoke", "smoke", WriteOutcome.FAILED, error="test smoke failed on deployment d-b1"),
    ),
    _apply(
        1,
        ApplyOutcome.DONE,
        _result("job.finetune", "quickstart-1"),
        _result("deployment.main", "d-c4cb"),
        _result("test.smoke", "smoke", exact_match=0.98),
    ),
)

REPORT = Report(
    stack="quickstart",
    target="prod",
    workspace="rg-ml/ws-ml",
    spec_path="configs/quickstart.yaml",
    created="2026-03-02T10:00:00Z",
    plan=PLAN,
    status=Status(
        "quickstart",
        "rg-ml/ws-ml",
        (StatusRow("model.finetuned", "quickstart:2", "Succeeded", {"job": "quickstart-2", "rows": 590}),),
        ("The base model is a stand-in.",),
    ),
    trainings=Trainings(
        (
            _run("2", 0.005, wanted=True),
            _run("1", 0.001, served=True),
            TrainingRun("", "quickstart-9", "Failed", series=Missing("gone")),
        ),
        left_out=3,
    ),
    history=HISTORY,
    values=VALUES,
    notes=("ignored model defaults: a",),
)


def never_applied() -> Report:
    """The report of a stack that was never applied, whose plan is rejected and whose ledger cannot be read."""
    return replace(
        REPORT,
        plan=Missing("the size is not allowed", "Choose another.", PLAN.warnings),
        status=Missing("not signed in"),
        trainings=Trainings(()),
        history=Missing("the storage account is not reachable", "Ask for a role."),
        values=Missing("no"),
    )


def _stack(name: str, plan: Plan) -> Planned:
    return Planned(Request(Path(f"{name}.yaml")), name, replace(plan, stack=name), bench=cast(Any, None))


SEVERAL = ManyPlans(
    (
        _stack("a", PLAN),
        _stack("b", replace(PLAN, resources=PLAN.resources[:2], cost=None, warnings=(), notes=())),
        Unplanned(Request(Path("bad.yaml")), NotFoundError("no such thing", remedy="Create it.")),
    )
)


def big_plan(count: int) -> Plan:
    """A plan in which this many resources change."""
    attributes = {f"property_{n}": f"value {n}" for n in range(12)}
    made = tuple(
        resource(
            f"deployment.n{n}", Action.UPDATE, f"n{n}", after=f"deployment.n{n - 1}" if n % 10 else "",
            changes=(change("instance_count", 1, 2),), desired=attributes, reason="instance_count changed",
        )
        for n in range(count)
    )  # fmt: skip
    return replace(PLAN, resources=made, cost=None)


def poisoned(value: Any, poison: str) -> Any:
    """The value with a text at the end of every text in it that a stranger may choose."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return value + poison
    if isinstance(value, dict):
        return {key if _known(key) else key + poison: poisoned(item, poison) for key, item in value.items()}
    if isinstance(value, tuple | list):
        items = [poisoned(item, poison) for item in value]
        return value._make(items) if hasattr(value, "_make") else type(value)(items)
    if isinstance(value, Address):
        return Address(value.kind, value.name + poison)
    if is_dataclass(value) and not isinstance(value, type):
        kept = {"series"} if isinstance(value, TrainingRun) and isinstance(value.series, Missing) else set()
        changed = {
            f.name: poisoned(getattr(value, f.name), poison)
            for f in fields(value)
            if f.name not in kept | {"severity", "address", "started", "ended", "created", "decided", "spec_options"}
            or isinstance(getattr(value, f.name), Address)
        }
        return replace(value, **changed)
    return value


def _known(key: str) -> bool:
    return key in {
        "counts",
        "add",
        "change",
        "destroy",
        "job.finetune",
        "deployment.main",
        "test.smoke",
        "exact_match",
        "error",
    }


ROWS = (
    Preview(
        "quickstart", "train", "train.jsonl", "first", False,
        (
            PreviewRow("train.jsonl", 1, {
                "messages": [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "secret row"}],
                "prompt": "Hello?", "prompt_id": "p",
            }),
        ),
    ),
)  # fmt: skip
