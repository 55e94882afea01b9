"""What a cell of the table is tried on: a stack with every kind in a workspace in memory, and one of its kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memory import MemoryWorkspace
from worlds import SPEC, World

from phift import phases
from phift.address import Address
from phift.apply.events import ApplyFinished
from phift.kinds.base import Kind
from phift.ledger.journal import Intent, Result
from phift.phases import ApplyOptions, Drift, Request, Status
from phift.plan.model import Plan, PlannedResource
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.ownership import PREFIX
from phift.workbench.open import Workbench, open_workbench

__all__ = ["NAME", "Bed", "Killed", "spec"]

NAME = "shop"
SIZE = "Standard_NC24ads_A100_v4"
_PROVIDERS = "/subscriptions/0/resourceGroups/g/providers"
GROUP = f"{_PROVIDERS}/Microsoft.ManagedIdentity"
NETWORK = f"{_PROVIDERS}/Microsoft.Network/virtualNetworks/v"


def spec(tag: str = "one") -> dict[str, Any]:
    """The blocks of a stack in which every kind of the registry has a resource, each with what can be declared of it;
    a kind that is new goes here too. tag: an edit of it changes whatever carries tags."""
    tags = {"tags": {"team": tag}}
    probe = {"initial_delay": 600, "period": 11, "timeout": 3, "success_threshold": 1, "failure_threshold": 31}
    return {
        "description": f"for {tag}",
        "data": {"train": {"path": "train.jsonl"}},
        "compute": {
            "finetune": {
                "name": "gpu",
                "size": SIZE,
                "tier": "dedicated",
                "max_instances": 1,
                "location": "eastus",
                "identity": {
                    "type": "user_assigned",
                    "user_assigned_identities": [f"{GROUP}/userAssignedIdentities/i"],
                },
                "network": {"subnet": f"{NETWORK}/subnets/s", "enable_node_public_ip": False},
                "ssh": {"admin_username": "admin", "ssh_key_value": "ssh-rsa A", "public_access_enabled": True},
                **tags,
            }
        },
        "finetune": {**SPEC["finetune"], "experiment_name": "trials"},
        "model": {"name": "clerk", "description": f"answers for {tag}", **tags},
        "endpoint": {
            "auth_mode": "key",
            "public_network_access": "enabled",
            "identity": {"type": "system_assigned"},
            "properties": {"purpose": "test"},
            **tags,
        },
        "deployment": {
            "instance_type": SIZE,
            "autoscale": {
                "maximum": 2,
                "rules": [
                    {"metric": "RequestsPerMinute", "above": 60, "add": 1, "per_instance": True},
                    {"metric": "RequestsPerMinute", "below": 20, "remove": 1, "per_instance": True},
                ],
                "schedules": {"office": {"days": ["weekdays"], "begin": "08:00", "end": "18:00", "minimum": 2}},
            },
            "environment_variables": {"LEVEL": "info"},
            "code_configuration": {"code": "code", "scoring_script": "score.py"},
            "environment": {"image": "image:1", "description": f"for {tag}", **tags},
            "data_collector": {
                "collections": {
                    "model_inputs": {"enabled": True, "data": "azureml:seen:1", "client_id": "0"},
                    "model_outputs": {"enabled": False},
                },
                "rolling_rate": "day",
                "sampling_rate": 0.5,
                "request_logging": {"capture_headers": ["x-ms-client"]},
            },
            "properties": {"purpose": "test"},
            "app_insights_enabled": True,
            "liveness_probe": probe,
            "readiness_probe": probe,
            "request_settings": {"request_timeout_ms": 90000, "max_concurrent_requests_per_instance": 2},
            **tags,
        },
        "tests": {"smoke": {"rows": 1, "path": "train.jsonl"}},
        **tags,
    }


class Killed(BaseException):
    """The process is gone in the middle of whatever it did."""


@dataclass
class _Life:
    over: bool = False


class _Mortal:
    """A session, or what it gives: once its process is dead, nothing of it reaches the workspace any more."""

    def __init__(self, inner: Any, life: _Life) -> None:
        self._inner, self._life = inner, life

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if name in {"arm", "data_plane", "blobs"}:
            return _Mortal(value, self._life)
        return self._guarded(value) if callable(value) else value

    def _guarded(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if self._life.over:
                raise Killed
            result = function(*arguments, **named)
            return self if result is self._inner else result

        return call


@dataclass
class Bed:
    """kind: the one that a cell is about. request: of the stack's spec in `world`."""

    kind: Kind[Any, Any]
    world: World
    request: Request = field(init=False)

    def __post_init__(self) -> None:
        code = self.world.folder / "code"
        code.mkdir(exist_ok=True)
        (code / "score.py").write_text("def init(): ...\ndef run(data): return data\n", encoding="utf-8")
        self.write()

    @classmethod
    def of(cls, kind: Kind[Any, Any], folder: Path, memory: MemoryWorkspace | None = None) -> Bed:
        folder.mkdir(parents=True, exist_ok=True)
        return cls(kind, World(folder, memory or MemoryWorkspace()))

    def another(self, *, same_workspace: bool) -> Bed:
        """The same spec in a folder of its own, which makes it another one of the same name."""
        folder = self.world.folder
        memory = self.memory if same_workspace else None
        return Bed.of(self.kind, folder.with_name(f"{folder.name}-{same_workspace}"), memory)

    @property
    def memory(self) -> MemoryWorkspace:
        return self.world.memory

    def write(self, blocks: Mapping[str, Any] | None = None) -> Request:
        self.request = self.world.write("a.yaml", NAME, **(blocks or spec()))
        return self.request

    def bench(self) -> Workbench:
        return open_workbench(self.request, self.memory.connect)

    def plan(self, **options: Any) -> Plan:
        return self.world.plan(self.request, **options)

    def destroy(self, *, archive: bool = False) -> Plan:
        return phases.destroy_plan(self.request, self.memory.connect, archive=archive)

    def apply(self, plan: Plan | None = None) -> ApplyFinished:
        """It must go well."""
        return self.world.apply(self.request, plan)

    def applied(self) -> Bed:
        """The same bed, with its spec applied."""
        self.apply()
        return self

    def drift(self) -> Drift:
        return phases.drift(self.request, self.memory.connect)

    def status(self) -> Status:
        return phases.status(self.request, self.memory.connect)

    def settled(self) -> None:
        """The workspace is what the spec wants."""
        plan = self.plan()
        moved = [f"{r.address} {r.action}: {r.reason}" for r in plan.resources if r.action.changes_something]
        assert moved == []

    def wanted(self) -> tuple[Desired[Any], ...]:
        """The stack's resources of the kind; at least one."""
        found = self.bench().stack.of_kind(self.kind.name)
        assert found, f"no resource of kind {self.kind.name}: give spec() in bed.py a block that makes one"
        return found

    @property
    def desired(self) -> Desired[Any]:
        return self.wanted()[0]

    @property
    def address(self) -> Address:
        return self.desired.address

    def live(self) -> Live | None:
        """The object as the kind reads it."""
        found: Live | None = self.kind.wire.read(self.bench().context, self.desired).live
        return found

    def there(self) -> Live:
        live = self.live()
        assert live is not None, f"{self.address} is not there"
        return live

    def document(self) -> dict[str, Any]:
        """The object's own document, to be changed by somebody else."""
        return self.memory.documents[self.there().object_id.lower()]

    def paths(self) -> set[str]:
        """Everything that is in the workspace."""
        return set(self.memory.documents)

    def planned(self, plan: Plan) -> PlannedResource:
        return plan.resource(self.address)

    def lose_tags(self) -> None:
        """Somebody removes phift's tags; properties of versions and jobs nobody can change."""
        document = self.document()
        for bag in (document.get("tags"), document["properties"].get("tags")):
            for name in [n for n in bag or {} if n.startswith(PREFIX)]:
                del bag[name]

    def written(self) -> Iterator[Result]:
        """What the ledger says was written of the kind, oldest first."""
        for record in reversed(phases.history(self.request, self.memory.connect)):
            yield from (r for r in record.results if r.intent.address.partition(".")[0] == self.kind.name)

    def left_open(self) -> list[Intent]:
        """Writes of which the ledger knows nothing more."""
        return [i for record in phases.history(self.request, self.memory.connect) for i in record.open]

    def apply_and_die(self) -> None:
        """An apply whose process is killed when the first write of the kind has reached the workspace, before anything
        is known of it; its lease is then broken."""
        life, wire, plan = _Life(), self.kind.wire, self.plan()
        write = wire.create

        def last(*arguments: Any) -> Any:
            write(*arguments)
            life.over = True
            raise Killed

        wire.create = last  # type: ignore[method-assign]
        try:
            phases.apply(
                plan,
                self.request,
                lambda loaded: _Mortal(self.memory, life),  # type: ignore[arg-type, return-value]
                listener=self.world.events.append,
                options=ApplyOptions(parallelism=1),
            )
        except Killed:
            pass
        finally:
            del wire.create  # type: ignore[misc]
        assert life.over, f"nothing of kind {self.kind.name} was written"
        phases.force_unlock(self.request, self.memory.connect)
