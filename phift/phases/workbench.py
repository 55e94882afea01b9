"""What every phase after loading works on: a session, the facts, the compiled stack, and what is live."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from phift.address import Address
from phift.azure.facts import AzureFacts
from phift.azure.session import Azure
from phift.compile.compiler import compile_stack
from phift.compile.desired import Desired, Stack
from phift.digest import digest_of
from phift.lock import StackLock, lock_path, read_lock
from phift.phases.request import Connector, Request, load
from phift.phases.resolve import Resolved, resolve
from phift.resources.base import Context, Observation, Snapshot
from phift.resources.registry import KINDS
from phift.resources.rules import Behaviour, rules_of
from phift.spec import LoadedSpec

__all__ = ["Workbench", "observe", "open_workbench"]

_PARALLEL_READS = 10


@dataclass(frozen=True)
class Workbench:
    """One spec on one target. pinned: what the lock file said of the stack before."""

    loaded: LoadedSpec
    azure: Azure
    resolved: Resolved
    stack: Stack
    lock_path: Path
    pinned: StackLock
    snapshot: Snapshot = field(default_factory=Snapshot)

    @property
    def context(self) -> Context:
        """For reads, each list once."""
        return Context(self.azure, self.stack.name, self.stack.source, snapshot=self.snapshot)

    @property
    def digest(self) -> str:
        """Of everything the stack wants: a saved plan is stale when it moved."""
        wanted = [[str(r.address), r.name, r.digest, r.properties, r.azure, r.owned] for r in self.stack.resources]
        return digest_of([self.loaded.digest, wanted])


def open_workbench(request: Request, connect: Connector, *, upgrade: bool = False) -> Workbench:
    """Load, connect, pin, read the facts, compile. upgrade: take over what is newer than what was pinned.

    Raises InvalidSpecError, RefusedError, AzureError, EmulatorError.
    """
    loaded = load(request)
    azure = connect(loaded)
    path = lock_path(loaded.path)
    pinned = read_lock(path).stack(loaded.stack)
    resolved = resolve(
        loaded,
        pinned,
        AzureFacts(azure),
        arm_id=azure.workspace.arm_id,
        location=azure.location,
        neutral=_neutral_parameters(),
        upgrade=upgrade,
    )
    stack = compile_stack(loaded, resolved.facts, source_of(loaded.path))
    return Workbench(loaded, azure, resolved, stack, path, pinned)


def observe(bench: Workbench) -> dict[Address, Observation]:
    """What is live of every resource, read at once; a job only where its model is not there."""
    context = bench.context
    first = [r for r in bench.stack.resources if r.address.kind != "job"]
    seen = _read_all(context, first)
    if not any(seen[m.address].live for m in bench.stack.of_kind("model")):
        seen |= _read_all(context, list(bench.stack.of_kind("job")))
    return seen


def source_of(path: Path) -> str:
    """`repository#path`: which file, of which repository, a stack belongs to; the same on every clone."""
    folder = path.resolve().parent
    top = _git(folder, "rev-parse", "--show-toplevel")
    if not top:
        return f"#{path.resolve().name}"
    remote = _git(folder, "config", "--get", "remote.origin.url")
    inside = path.resolve().relative_to(Path(top).resolve()).as_posix()
    return f"{_without_credentials(remote)}#{inside}"


def _read_all(context: Context, wanted: list[Desired]) -> dict[Address, Observation]:
    with ThreadPoolExecutor(max_workers=_PARALLEL_READS) as pool:
        found = pool.map(lambda d: KINDS[d.address.kind].read(context, d), wanted)
        return {d.address: seen for d, seen in zip(wanted, found, strict=True)}


def _neutral_parameters() -> frozenset[str]:
    fields = (r.field for r in rules_of("job") if r.behaviour is Behaviour.NEUTRAL)
    return frozenset(f.removeprefix("parameters.") for f in fields)


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""  # without git a stack is owned by its file name alone
    return done.stdout.strip() if done.returncode == 0 else ""


def _without_credentials(remote: str) -> str:
    scheme, separator, rest = remote.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if separator else remote
