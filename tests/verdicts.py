"""Generated worlds and specs: what a plan accepts, an apply must be able to do.

Each seed makes a world (quota, roles and date of an in-process emulator) and one or two versions of a spec with every
field that a spec can set without `azure:`, at and beyond the limits of the service. A world in which a plan is accepted
and the service then refuses a write is a finding.
"""

from __future__ import annotations

import json
import random
import string
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inprocess import InProcess

from phift import phases
from phift.apply.events import Event, ResourceFailed
from phift.emulator.core.quota import LOW_PRIORITY, TOTAL
from phift.emulator.core.roles import built_in
from phift.emulator.core.sizes import sizes
from phift.errors import AzureError, InvalidSpecError, JobFailedError, PhiftError, RefusedError
from phift.phases import ApplyOptions, Request
from phift.spec import load

__all__ = ["Outcome", "Tally", "run"]

MODEL = "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest"
COMPONENT = "azureml://registries/azureml/components/chat_completion_pipeline/labels/latest"
GOOD = ("Standard_NC24ads_A100_v4", "Standard_NC48ads_A100_v4", "standard_nc24ADS_a100_V4")
DATES = ("2024-05-01", "2025-07-15", "2025-12-01", "2026-11-01", "2027-06-01")
ML = "Microsoft.MachineLearningServices/workspaces"
LACKS = (
    "Microsoft.Insights/autoscaleSettings/write",
    f"{ML}/computes/write",
    f"{ML}/data/versions/write",
    f"{ML}/jobs/write",
    f"{ML}/models/versions/write",
    f"{ML}/onlineEndpoints/write",
    f"{ML}/onlineEndpoints/deployments/write",
    f"{ML}/onlineEndpoints/listKeys/action",
    f"{ML}/computes/delete",
    f"{ML}/onlineEndpoints/delete",
    f"{ML}/onlineEndpoints/deployments/delete",
)
WARNED = {
    "quota-exceeded": "quota that may become available during the apply",
    "quota-shared": "quota that the cluster may release before the deployment",
    "permission-data": "actions on data that may be allowed in another way",
}
"""Warnings after which the service may refuse: the plan has announced it."""


@dataclass
class Outcome:
    """What became of a world.

    invalid: codes of specs that were drawn and not valid. refused: codes of the plan. warned: codes of WARNED with
    which a plan was accepted. broken: what the service refused after a plan without such a warning.
    """

    seed: int
    applied: int = 0
    empty: int = 0
    invalid: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


@dataclass
class Tally:
    """Sums over worlds."""

    worlds: int = 0
    applied: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    warned: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def add(self, one: Outcome) -> None:
        self.worlds += 1
        self.applied += one.applied
        self.refused.update(set(one.refused))
        self.warned.update(set(one.warned))
        self.broken += [f"seed {one.seed}: {text}" for text in one.broken]

    def __str__(self) -> str:
        return (
            f"{self.worlds} worlds: {self.applied} applies without a refusal; plans refused for "
            f"{', '.join(f'{code} ({n})' for code, n in sorted(self.refused.items()))}; announced by a warning: "
            f"{', '.join(f'{code} ({n})' for code, n in sorted(self.warned.items())) or 'none'}"
        )


def run(seed: int) -> Outcome:
    """Make a world and its specs from a seed; plan, apply, change, and destroy. Return what became of it."""
    draw = _Draw(random.Random(seed))
    outcome = Outcome(seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        home = InProcess(folder / "home")
        try:
            _Run(home, folder, draw, outcome).all()
        finally:
            home.close()
    return outcome


@dataclass
class _Run:
    home: InProcess
    folder: Path
    draw: _Draw
    outcome: Outcome

    def all(self) -> None:
        for split, rows in (("train", 3), ("test", 2)):
            lines = [json.dumps(_row(split, n)) + "\n" for n in range(rows)]
            (self.folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
        self._world()
        spec = self._valid(self.draw.spec)
        self._apply(spec)
        if self.draw.one_in(2):
            if self.draw.one_in(2):
                self._world()
            self._apply(self._valid(lambda: self.draw.edited(spec)))
        if self.draw.one_in(4):
            if self.draw.one_in(2):
                self._world()
            self._change(lambda request: phases.destroy_plan(request, self.home.connector))

    def _world(self) -> None:
        quota, date, roles = self.draw.quota(), self.draw.date(), self.draw.roles()

        def change() -> None:
            emulator = self.home.emulator
            for name, vcpus in quota.items():
                emulator.quota.set_limit(name, vcpus)
            emulator.clock.set(now=datetime.fromisoformat(date).replace(tzinfo=UTC))
            emulator.roles.assign(roles)

        self.home.inside(change)

    def _valid(self, draw: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Draw until the spec is valid: what `phift validate` rejects does not reach a plan."""
        while True:
            spec = draw()
            path = self.folder / "spec.yaml"
            path.write_text(json.dumps(spec), encoding="utf-8")
            try:
                load(path, environ={})
            except InvalidSpecError as error:
                self.outcome.invalid += [d.code for d in error.diagnostics]
            else:
                return spec

    def _apply(self, spec: dict[str, Any]) -> None:
        (self.folder / "spec.yaml").write_text(json.dumps(spec), encoding="utf-8")
        self._change(lambda request: phases.plan(request, self.home.connector))

    def _change(self, planning: Any) -> None:
        request = Request(self.folder / "spec.yaml")
        try:
            plan = planning(request)
        except (InvalidSpecError, RefusedError) as error:
            self.outcome.refused += [d.code for d in error.diagnostics if d.severity == "error"]
            return
        except AzureError as error:
            if error.method == "GET":  # the plan itself may not read, and says so
                self.outcome.refused.append("reads")
                return
            raise
        if not plan.changes_something:
            self.outcome.empty += 1
            return
        announced = sorted({w.code for w in plan.warnings} & set(WARNED))
        events: list[Event] = []
        mark = len(self.home.requests)
        told: list[str] = []
        try:
            phases.apply(plan, request, self.home.connector, listener=events.append, options=ApplyOptions())
        except RefusedError as error:
            told.append(f"RefusedError: {error}")
        except PhiftError as error:
            told.append(f"{type(error).__name__}: {error}")
        told += [str(e.error) for e in events if isinstance(e, ResourceFailed) and not _of_a_test(e)]
        told += list(_refusals(self.home.requests[mark:]))
        if not told:
            self.outcome.applied += 1
        elif announced:
            self.outcome.warned += announced
        else:
            self.outcome.broken += told


def _of_a_test(failed: ResourceFailed) -> bool:
    """Whether the failure is none of the service: nothing answers the tests of a spec here, and jobs can fail."""
    return failed.address.kind == "test" or isinstance(failed.error, JobFailedError)


def _refusals(requests: Iterable[tuple[str, str, int]]) -> Iterable[str]:
    """The writes that the resource manager refused. Blobs have conditions that fail in the course of things."""
    for method, url, status in requests:
        if method not in ("GET", "HEAD") and 400 <= status < 500 and "://management.azure.com/" in url:
            yield f"{status} {method} {url.rpartition('/workspaces/')[2]}"


def _row(split: str, number: int) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"{split} {number}?"}, {"role": "assistant", "content": str(number)}]
    return {"prompt": f"{split} {number}?", "messages": messages, "prompt_id": f"{split}{number}"}


class _Draw:
    """Draws values, mostly ordinary ones, and now and then one at or beyond a limit."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self.one_of = source.choice

    def one_in(self, n: int) -> bool:
        return self._source.randrange(n) == 0

    def upto(self, most: int, least: int = 0) -> int:
        return self._source.randint(least, most)

    def text(self, alphabet: str, most: int, least: int = 0) -> str:
        return "".join(self._source.choices(alphabet, k=self.upto(most, least)))

    # the world

    def quota(self) -> dict[str, int]:
        found = {}
        for size in sizes().values():
            found[size.family.name] = self.one_of([0, 6, 24, 48, 100, 192, 1000]) if self.one_in(4) else 1000
        found[TOTAL] = self.one_of([0, 24, 60, 100]) if self.one_in(6) else 4000
        found[LOW_PRIORITY] = self.one_of([0, 24, 100]) if self.one_in(3) else 500
        return found

    def date(self) -> str:
        return self.one_of(DATES)

    def roles(self) -> list[Any]:
        match self.upto(9):
            case 0:
                chosen = [name for name in built_in() if self.one_in(3)]
                return ["Reader", *chosen]
            case 1 | 2:
                return [
                    {"actions": ["*"], "notActions": [a for a in LACKS if self.one_in(3)], "dataActions": ["*"]},
                ]
            case 3:
                return ["Contributor"]
            case 4:
                return [{"actions": ["*"], "notActions": [f"{ML}/datastores/listSecrets/action"]}]
            case _:
                return ["Owner", "Storage Blob Data Contributor"]

    # the spec

    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = {"version": 1, "name": self.stack(), "tags": self.tags()}
        serves = self.one_in(3) is False
        if self.one_in(8):
            spec["model"] = self.one_of(
                ["azureml:none:1", "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/versions/16"]
            )
            serves = True
        else:
            spec |= self.training()
        if serves:
            spec |= self.serving()
        if self.one_in(3):
            spec["description"] = self.words()
        if self.one_in(10):
            spec["protect"] = True
        spec["targets"] = {"local": {"default": True}}
        return spec

    def edited(self, spec: dict[str, Any]) -> dict[str, Any]:
        """The spec with some blocks drawn again, its name kept."""
        other = self.spec()
        changed = {k: other.get(k, v) if self.one_in(2) else v for k, v in spec.items() if k not in ("name", "targets")}
        if isinstance(changed.get("model"), str) and "finetune" in changed:
            changed["model"] = spec.get("model")
        return {**spec, **changed}

    def stack(self) -> str:
        if self.one_in(6):
            return self.one_of("abcz") + self.text(string.ascii_lowercase + string.digits + "--", 23, 1)
        return "stack-" + self.text(string.ascii_lowercase, 6, 2)

    def words(self) -> str:
        return self.text("abc äöü 字 '\"<>&%\\/\n" + string.ascii_letters, self.one_of([10, 60, 600, 5000]), 1) + "."

    def tags(self, most: int = 4) -> dict[str, str]:
        found = {}
        if self.one_in(25):
            most = 55
        for _ in range(self.upto(most)):
            name = self.text(string.ascii_letters + " .-_:äé", 12, 1)
            if self.one_in(40):
                name = self.one_of(["", "phift.stack", "a/b", "a<b", "n" * 513, "n" * 512, "Team", "team", "TEAM"])
            found[name] = (
                self.one_of(["", "x", "v" * 256, "ü", "v" * self.one_of([256, 256, 257])])
                if self.one_in(15)
                else self.text("abc ", 9)
            )
        return found

    def size(self) -> str:
        return self.one_of(list(sizes())) if self.one_in(5) else self.one_of(GOOD)

    def training(self) -> dict[str, Any]:
        cluster: dict[str, Any] = {
            "name": self.one_of(["gpu", "g", "gpu-1-", "1gpu", "g" * 32, "g" * 33, "gpu--x"])
            if self.one_in(8)
            else "gpu",
            "size": self.size(),
            "tags": self.tags(),
        }
        if self.one_in(2):
            cluster["max_instances"] = (
                self.one_of([1, 1, 2, 4]) if not self.one_in(6) else self.one_of([50, 65_000, 65_001])
            )
        if self.one_in(4):
            cluster["min_instances"] = self.upto(3)
        if self.one_in(3):
            cluster["idle_time_before_scale_down"] = self.one_of([0, 1, 120, 3600, 10_000_000])
        if self.one_in(3):
            cluster["tier"] = self.one_of(["dedicated", "low_priority", "any"])
        if self.one_in(4):
            cluster["description"] = self.words()
        compute: Any = {"finetune": "azureml:gpu" if self.one_in(12) else cluster}
        if self.one_in(8):
            compute = {"finetune": f"serverless:{self.size()}"}
        finetune: dict[str, Any] = {
            "component": COMPONENT,
            "parameters": {"max_steps": 3, "learning_rate": self.one_of([0.008, 1e-5, 5e-6]), "apply_deepspeed": False},
        }
        if self.one_in(5):
            finetune["instance_count"] = self.upto(3, 1)
        if self.one_in(4):
            finetune["experiment_name"] = self.one_of([self.words(), "e", "e/x", "e" * 300, " ", "exp 1"])
        if self.one_in(5):
            finetune["retries"] = self.upto(3)
        block = {
            "base_model": MODEL,
            "data": {"train": {"path": "train.jsonl"}, **({"test": {"path": "test.jsonl"}} if self.one_in(2) else {})},
            "compute": compute,
            "finetune": finetune,
        }
        if self.one_in(2):
            named = self.one_of(["m", "m", "m-1_x", "m" * 255, "M", self.one_of(["m.1", "m" * 256, "-m", "mödel"])])
            block["model"] = {"name": named, "tags": self.tags()}
            if self.one_in(3):
                block["model"]["description"] = self.words()
        return block

    def serving(self) -> dict[str, Any]:
        endpoint: dict[str, Any] = {"auth_mode": self.one_of(["key", "aml_token", "aad_token"]), "tags": self.tags()}
        if self.one_in(3):
            endpoint["name"] = self.one_of(
                ["ep1", "e" * 32, "ep-1", "Ep-Mixed", self.one_of(["ep", "e" * 33, "a--b", "a-", "1ep"])]
            )
        if self.one_in(4):
            endpoint["description"] = self.words()
        if self.one_in(4):
            endpoint["public_network_access"] = self.one_of(["enabled", "disabled"])
        if self.one_in(6):
            endpoint["identity"] = self.one_of(
                [
                    {"type": "system_assigned"},
                    {"type": "user_assigned", "user_assigned_identities": ["/subscriptions/s/resourceGroups/g/x"]},
                    {"type": "user_assigned"},
                ]
            )
        deployment: dict[str, Any] = {"instance_type": self.size(), "tags": self.tags()}
        if self.one_in(2):
            count = self.one_of([1, 1, 1, 2, 3, 5, 50]) if not self.one_in(20) else 51
            deployment["instance_count"] = {"initial": count} if self.one_in(4) else count
        if self.one_in(6):
            deployment.pop("instance_count", None)
            least = self.upto(3, 1)
            deployment["autoscale"] = {"minimum": least, "maximum": least + self.one_of([0, 1, 4, 60])}
        for probe in ("liveness_probe", "readiness_probe"):
            if self.one_in(3):
                deployment[probe] = {
                    key: self.one_of([1, 2, 10, 600, 100_000])
                    for key in ("initial_delay", "period", "timeout", "success_threshold", "failure_threshold")
                    if self.one_in(2)
                }
        if self.one_in(3):
            deployment["request_settings"] = {
                "request_timeout_ms": self.one_of([1, 5000, 90_000, 180_000, 180_001]),
                "max_concurrent_requests_per_instance": self.one_of([1, 10, 1000]),
                "max_queue_wait_ms": self.one_of([1, 500, 60_000, 500_000]),
            }
        if self.one_in(3):
            deployment["environment_variables"] = {
                self.one_of(
                    ["A", "a.b", "A B", "ÄÖ", "AZUREML_MODEL_DIR", "x" * 300, "1", self.one_of(["A=B", "", "B"])]
                ): self.one_of(["", "1", "ü\n", "v" * 5000, "a\0b"])
                for _ in range(self.upto(3))
            }
        if self.one_in(5):
            deployment["environment"] = self.one_of(
                [
                    "azureml:none:1",
                    "azureml://registries/azureml/environments/sklearn-1.5/versions/1",
                    "azureml://registries/azureml/environments/sklearn-1.5/versions/2",
                    "azureml://registries/azureml/environments/sklearn-1.5/versions/999",
                    "azureml:sklearn-1.5@latest",
                ]
            )
        if self.one_in(4):
            deployment["egress_public_network_access"] = self.one_of(["enabled", "disabled"])
        if self.one_in(4):
            deployment["app_insights_enabled"] = self.one_in(2)
        if self.one_in(4):
            deployment["description"] = self.words()
        block: dict[str, Any] = {"endpoint": endpoint, "deployment": deployment}
        if self.one_in(3):
            block["rollout"] = {
                "strategy": self.one_of(["blue_green", "in_place", "replace"]),
                "keep_previous": self.upto(2),
            }
        if self.one_in(4):
            block["tests"] = {"smoke": {"rows": 1, "path": "test.jsonl"}}
        return block
