"""What the tests of the engine share: an emulator whose jobs are rehearsed, and projects applied to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefork import CLIENT, server

from phift import phases
from phift.address import Address
from phift.apply.events import ApplyFinished, Event
from phift.azure.connect import connect
from phift.azure.session import Azure
from phift.emulator.host import lifecycle
from phift.emulator.host.lifecycle import Connection
from phift.errors import NotFoundError
from phift.kinds.registry import KINDS
from phift.phases import ApplyOptions, Request
from phift.plan.model import Plan
from phift.spec import LoadedSpec
from phift.state.desired import Desired

__all__ = ["REPOSITORY", "SPEC", "Embedded", "Project", "actions", "rehearsing", "row", "writes"]

REPOSITORY = Path(__file__).resolve().parents[1]

SPEC = """\
version: 1
name: {stack}
tags: {{purpose: test}}
base_model: azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest
data:
  train: {{path: train.jsonl}}
  test: {{path: test.jsonl}}
compute:
  finetune:
    name: {stack}-gpu
    size: Standard_NC24ads_A100_v4
    min_instances: 0
    max_instances: 1
    idle_time_before_scale_down: 120
finetune:
  component: azureml://registries/azureml/components/chat_completion_pipeline/labels/latest
  parameters:
    max_steps: 3
    learning_rate: 0.008
    apply_deepspeed: false
model: {{name: {stack}}}
targets:
  local: {{default: true}}
"""

_READS = ("list", "lease", "token", "query")
"""How the last part of a POST begins that changes nothing: listSecrets, listKeys, token."""


def row(question: str, answer: str, number: int = 0) -> str:
    """A line of training data."""
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"prompt": question, "messages": messages, "prompt_id": f"p{number}"})


PLENTY = 100_000
"""vCPUs."""
_ATTENDED = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
"""Runs a command that heeds Ctrl-C, also where the tests run in the background and it is ignored."""
_REHEARSED = {"PHIFT_EMULATOR_JOBS": "rehearse", "PHIFT_EMULATOR_DEPLOYMENTS": "rehearse"}


@contextmanager
def rehearsing() -> Iterator[None]:
    """An emulator started within it rehearses its jobs and deployments."""
    before = {name: os.environ.get(name) for name in _REHEARSED}
    os.environ.update(_REHEARSED)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@dataclass
class Embedded:
    """An emulator that runs. home: its own."""

    home: Path
    connection: Connection

    @classmethod
    def start(cls, home: Path) -> Embedded:
        with rehearsing():
            running = cls(home, lifecycle.ensure(home, idle_seconds=3600))
        # What one test leaves standing must not be told in another's plan.
        running.admin("PUT", "/quota", dict.fromkeys(running.admin("GET", "/quota")["limits"], PLENTY))
        return running

    def azure(self) -> Azure:
        return connect(None, local=self.connection)

    def connector(self, loaded: LoadedSpec) -> Azure:
        """A phases.Connector."""
        assert loaded.target.local
        return self.azure()

    def requests(self) -> list[dict[str, Any]]:
        """All it has answered, oldest first."""
        lines = (self.home / "logs" / "requests.log").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def mark(self) -> int:
        """How many requests there were, once the log of the last one is written."""
        count = -1
        while count != (now := len(self.requests())):
            count = now
            time.sleep(0.05)
        return count

    def since(self, mark: int) -> list[dict[str, Any]]:
        """The requests after a mark."""
        self.mark()
        return self.requests()[mark:]

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        return lifecycle.request(self.connection, method, path, body)


def writes(requests: list[dict[str, Any]]) -> list[str]:
    """Those that change something, as "METHOD path"."""
    return [f"{r['method']} {r['path']}" for r in requests if not _only_reads(r["method"], r["path"])]


def _only_reads(method: str, path: str) -> bool:
    if method in {"GET", "HEAD", "CONNECT", "OPTIONS"}:
        return True
    last = path.rstrip("/").rpartition("/")[2].lower()
    return method == "POST" and (any(last.startswith(word) for word in _READS) or last == "search")


@dataclass
class Project:
    """A folder with one spec and its data, and a stack name of its own. Everything it does goes to `embedded`."""

    folder: Path
    stack: str
    embedded: Embedded
    spec: Path
    events: list[Event] = field(default_factory=list)

    @classmethod
    def small(cls, folder: Path, stack: str, embedded: Embedded) -> Project:
        """Three rows of data, three steps."""
        folder.mkdir(parents=True, exist_ok=True)
        spec = folder / "spec.yaml"
        spec.write_text(SPEC.format(stack=stack), encoding="utf-8")
        for split in ("train", "test"):
            lines = [row(f"{split} {n}?", str(n), n) for n in range(3)]
            (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return cls(folder, stack, embedded, spec)

    @property
    def request(self) -> Request:
        return Request(self.spec, "local")

    def edit(self, old: str, new: str) -> None:
        """Replace a text that must be in the spec once."""
        text = self.spec.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is in the spec {text.count(old)} times"
        self.spec.write_text(text.replace(old, new), encoding="utf-8")

    def tag(self, **tags: str) -> None:
        """Add tags of the stack."""
        added = "".join(f", {k.replace('__', '.')}: {json.dumps(v)}" for k, v in tags.items())
        self.edit("purpose: test", f"purpose: test{added}")

    def plan(self, **options: Any) -> Plan:
        return phases.plan(self.request, self.embedded.connector, phases.PlanSettings(**options))

    def apply(self, plan: Plan | None = None, **options: Any) -> ApplyFinished:
        """Apply a plan, or one made now; does not look at how it ended."""
        retry_failed = options.pop("retry_failed", False)
        made = plan or self.plan(retry_failed=retry_failed)
        return phases.apply(
            made, self.request, self.embedded.connector, listener=self.events.append, options=ApplyOptions(**options)
        )

    def applied(self, **options: Any) -> ApplyFinished:
        """Apply, and it must go well."""
        result = self.apply(**options)
        assert result.exit_code == 0, [e for e in self.events if "Failed" in type(e).__name__]
        return result

    def destroy(self, *, archive: bool = False) -> ApplyFinished:
        plan = phases.destroy_plan(self.request, self.embedded.connector, archive=archive)
        return phases.apply(
            plan, self.request, self.embedded.connector, listener=self.events.append, options=ApplyOptions()
        )

    def command(self, *arguments: str, **environment: str) -> tuple[list[str], dict[str, Any]]:
        """The words and the Popen keywords of a phift command in the project's folder."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "PHIFT_"))}
        variables: Mapping[str, str] = {
            **kept,
            "PHIFT_HOME": str(self.embedded.home),
            **_REHEARSED,
            "PYTHONPATH": str(REPOSITORY),
            **environment,
        }
        words = [sys.executable, "-m", "phift", *arguments]
        return words, {"cwd": self.folder, "env": variables, "stdin": subprocess.DEVNULL}

    def run(self, *arguments: str, timeout: float = 180, **environment: str) -> subprocess.CompletedProcess[str]:
        """A phift command to its end, in a child of the process that has its imports."""
        _, keywords = self.command(*arguments, **environment)
        words = [sys.executable, "-ISc", CLIENT, str(server()), *arguments]
        return subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False, **keywords)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """A phift command, running as if at a terminal. The caller ends it."""
        words, keywords = self.command(*arguments, **environment)
        words = [sys.executable, "-c", _ATTENDED, *words]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **keywords)

    def jobs(self) -> list[dict[str, Any]]:
        """The stack's jobs as the workspace lists them."""
        azure = self.embedded.azure()
        found = azure.arm.list(f"{azure.workspace.arm_id}/jobs", "2024-10-01")
        return [job for job in found if job["name"].startswith(f"{self.stack}-")]

    def models(self, name: str = "") -> list[str]:
        """The versions of a model (default: of the stack's name), archived ones too."""
        azure = self.embedded.azure()
        path = f"{azure.workspace.arm_id}/models/{name or self.stack}/versions"
        try:
            return sorted(m["name"] for m in azure.arm.list(path, "2024-10-01", listViewType="All"))
        except NotFoundError:
            return []


def actions(plan: Plan) -> dict[str, str]:
    """What is planned, by address."""
    return {str(r.address): r.action.value for r in plan.resources}


def wanted(
    kind: str, name: str, identity: str, properties: Mapping[str, Any] | None = None, **more: Any
) -> Desired[Any]:
    """A resource as the compiler makes it, with the traits of its kind."""
    return Desired(Address(kind, name), identity, properties or {}, traits=KINDS[kind].traits, **more)
