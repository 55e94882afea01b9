"""Specs of several stacks over a workspace in memory: written, planned, applied."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memory import MemoryWorkspace

from phift import phases
from phift.apply.events import ApplyFinished, Event
from phift.phases import ApplyOptions, ManyApplied, ManyPlans, Request
from phift.plan.model import Plan

__all__ = ["World", "changes", "spec_text"]

SPEC: dict[str, Any] = {
    "version": 1,
    "base_model": "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest",
    "data": {"train": {"path": "train.jsonl"}},
    "compute": {"finetune": {"name": "gpu", "size": "Standard_NC24ads_A100_v4", "max_instances": 1}},
    "finetune": {
        "component": "azureml://registries/azureml/components/chat_completion_pipeline/labels/latest",
        "parameters": {"learning_rate": 0.001},
    },
    "endpoint": {"auth_mode": "key"},
    "deployment": {"instance_type": "Standard_NC24ads_A100_v4", "instance_count": 1},
    "targets": {"local": {"default": True}},
}


def spec_text(name: str, **blocks: Any) -> str:
    """A whole spec, blocks replaced by those given; None leaves one out."""
    spec = {**SPEC, "name": name, **blocks}
    return json.dumps({key: value for key, value in spec.items() if value is not None}, indent=1)


@dataclass
class World:
    """A folder of specs and the workspace they go to."""

    folder: Path
    memory: MemoryWorkspace = field(default_factory=MemoryWorkspace)
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        row = {"messages": [{"role": "user", "content": "a?"}, {"role": "assistant", "content": "b"}]}
        (self.folder / "train.jsonl").write_text((json.dumps(row) + "\n") * 3, encoding="utf-8")

    def write(self, file: str, name: str, **blocks: Any) -> Request:
        """A spec; the request to plan it."""
        path = self.folder / file
        path.write_text(spec_text(name, **blocks), encoding="utf-8")
        return Request(path)

    def plan(self, request: Request, **options: Any) -> Plan:
        return phases.plan(request, self.memory.connect, phases.PlanSettings(**options))

    def apply(self, request: Request, plan: Plan | None = None) -> ApplyFinished:
        """It must go well. plan: the one to carry out, where it is made already."""
        plan = plan or self.plan(request)
        result = phases.apply(plan, request, self.memory.connect, listener=self.events.append, options=ApplyOptions())
        assert result.exit_code == 0, [e for e in self.events if "Failed" in type(e).__name__]
        return result

    def plan_many(self, *requests: Request) -> ManyPlans:
        return phases.plan_many(requests, self.memory.connect)

    def apply_many(self, planned: ManyPlans) -> ManyApplied:
        return phases.apply_many(
            planned, listener=lambda stack, event: self.events.append(event), options=ApplyOptions(parallelism=2)
        )

    def names(self, collection: str) -> list[str]:
        """What there is of a collection, such as "jobs"."""
        path = f"{self.memory.workspace.arm_id}/{collection}".lower()
        return sorted(str(d["name"]) for d in self.memory.children.get(path, {}).values())


def changes(plan: Plan) -> dict[str, str]:
    """What is planned where something is."""
    return {str(r.address): r.action.value for r in plan.resources if r.action.changes_something}
