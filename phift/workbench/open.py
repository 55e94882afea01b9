"""The workbench of all phases after loading: a session, the facts, the compiled stack, and live objects."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from phift.address import Address
from phift.azure.facts import RemoteFacts
from phift.azure.session import Azure
from phift.azure.stores import WorkspaceStores
from phift.compile.compiler import compile_stack
from phift.diagnostics import Diagnostic
from phift.digest import digest_of
from phift.kinds.context import Context, Snapshot
from phift.kinds.registry import KINDS
from phift.lock import Lock, StackLock, lock_path
from phift.spec import LoadedSpec
from phift.state.desired import Desired, Stack
from phift.state.live import Observation
from phift.state.ownership import inputs_in
from phift.state.rules import Behaviour, rules_of
from phift.workbench.ahead import reading_ahead
from phift.workbench.last_applied import Remembered
from phift.workbench.parallel import reading
from phift.workbench.request import Connector, Request, load
from phift.workbench.resolve import Resolved, resolve
from phift.workbench.sessions import Shared
from phift.workbench.unidentified import stand_ins

__all__ = ["Workbench", "observe", "open_read_only", "open_workbench", "workbench_of"]

_PARALLEL_READS = 10


@dataclass(frozen=True)
class Workbench:
    """One spec on one target. pinned: the previous pins of the stack. remote: cached facts of the workspace.
    remembered: past applies."""

    loaded: LoadedSpec
    azure: Azure
    resolved: Resolved
    stack: Stack
    lock_path: Path
    pinned: StackLock
    remote: RemoteFacts
    remembered: Remembered
    snapshot: Snapshot = field(default_factory=Snapshot)
    unidentified: tuple[Diagnostic, ...] = ()
    """A warning for each split whose source is not available, for a workbench without writes."""
    inline: bool = False
    """Whether reads are sequential, because stacks are already processed concurrently."""

    @property
    def context(self) -> Context:
        """The context for reads, with shared lists."""
        return Context(self.azure, self.stack.name, self.stack.claim, snapshot=self.snapshot)

    @property
    def digest(self) -> str:
        """The digest of the desired stack; a saved plan is stale if it has changed."""
        wanted = [[str(r.address), r.name, r.digest, r.properties, r.azure, r.owned] for r in self.stack.resources]
        return digest_of([self.loaded.digest, wanted])


def open_workbench(
    request: Request, connect: Connector, *, upgrade: bool = False, looking: bool = False, planning: bool = False
) -> Workbench:
    """Load, connect, pin, read the facts, and compile. upgrade: update the pins to newer versions.

    looking: the command does not create anything; if data is not available, use the newest version in the workspace.
    planning: the command plans writes; read the roles of the caller too, without an additional round trip.

    Raises InvalidSpecError, RefusedError, AzureError, EmulatorError.
    """
    shared = Shared(
        data_root=request.data_root, fetch=request.fetch, looking=looking, planning=planning, tell=request.tell
    )
    return workbench_of(load(request), connect, upgrade=upgrade, shared=shared)


def open_read_only(request: Request, connect: Connector) -> Workbench:
    """Open a workbench that rejects writes, for commands that only show. Raises the errors of `open_workbench`."""
    return open_workbench(request, lambda loaded: connect(loaded).read_only(), looking=True)


def workbench_of(
    loaded: LoadedSpec, connect: Connector, *, upgrade: bool = False, shared: Shared | None = None
) -> Workbench:
    """Open the workbench of a loaded spec. See open_workbench."""
    shared = shared or Shared()
    session = shared.session(loaded, connect)
    azure = session.azure
    path = lock_path(loaded.path)
    pinned = _pinned(shared.lock(path), loaded)
    with nullcontext() if shared.inline else reading_ahead(loaded, session, pinned, planning=shared.planning):
        resolved = resolve(
            loaded,
            pinned,
            session.remote,
            shared,
            lambda: WorkspaceStores(azure),
            arm_id=azure.workspace.arm_id,
            location=lambda: azure.location,
            neutral=_neutral_parameters(),
            upgrade=upgrade,
        )
    claim = shared.claim(loaded)
    stack = compile_stack(loaded, resolved.facts, claim, KINDS)
    unidentified: tuple[Diagnostic, ...] = ()
    if resolved.unidentified:
        stood = stand_ins(loaded, resolved.unidentified, azure, claim, stack.former)
        unidentified = stood.warnings
        resolved = replace(resolved, facts=replace(resolved.facts, data={**resolved.facts.data, **stood.facts}))
        stack = compile_stack(loaded, resolved.facts, claim, KINDS)
    remembered = Remembered(azure, stack.name, claim)
    bench = Workbench(
        loaded, azure, resolved, stack, path, pinned, session.remote, remembered, session.snapshot, unidentified,
        shared.inline,
    )  # fmt: skip
    if _deployed_as_written(bench):
        resolved = _as_written(resolved)
        bench = replace(bench, resolved=resolved, stack=compile_stack(loaded, resolved.facts, claim, KINDS))
    if kept := _kept_names(bench):
        resolved = replace(resolved, facts=replace(resolved.facts, kept_names=kept))
        bench = replace(bench, resolved=resolved, stack=compile_stack(loaded, resolved.facts, claim, KINDS))
    return bench


def observe(bench: Workbench) -> dict[Address, Observation]:
    """Read all resources concurrently; a job only if its model does not exist or its `azure:` block must be
    compared."""
    runs = [r for r in bench.stack.resources if r.traits.trains]
    seen = _read_all(bench, [r for r in bench.stack.resources if not r.traits.trains])
    made = (seen[d.address].live for run in runs for d in bench.stack.dependents(run.address))
    if not any(made) or any(run.azure for run in runs):
        seen |= _read_all(bench, runs)
    return seen


def _read_all(bench: Workbench, wanted: list[Desired[Any]]) -> dict[Address, Observation]:
    context = bench.context
    if bench.inline:
        return {d.address: KINDS[d.address.kind].wire.read(context, d) for d in wanted}
    with reading(_PARALLEL_READS) as pool:
        found = pool.map(lambda d: KINDS[d.address.kind].wire.read(context, d), wanted)
        return {d.address: seen for d, seen in zip(wanted, found, strict=True)}


def _pinned(lock: Lock, loaded: LoadedSpec) -> StackLock:
    """Return the pins of a stack, including those under former names."""
    end = loaded.stack.removeprefix(loaded.spec.name)
    names = (loaded.stack, *(f"{name}{end}" for name in loaded.spec.renamed_from))
    return next((lock.stacks[name] for name in names if name in lock.stacks), StackLock())


def _kept_names(bench: Workbench) -> dict[Address, str]:
    """Return the names of resources of a renamed stack that exist under a former name only."""
    kept = {}
    for desired in bench.stack.resources:
        if not desired.former_names or KINDS[desired.address.kind].wire.read(bench.context, desired).live:
            continue
        for name in desired.former_names:
            live = KINDS[desired.address.kind].wire.read(bench.context, replace(desired, name=name)).live
            if live is not None and live.ours:
                kept[desired.address] = name
                break
    return kept


def _deployed_as_written(bench: Workbench) -> bool:
    """Return whether the environment is pinned for the first time, and the stack has a deployment whose digest contains
    the reference as written: releases that did not pin it created it, and it keeps its name."""
    pin = bench.resolved.pins.environment
    if pin is None or bench.pinned.environment_for(pin.requested):
        return False
    return any(
        inputs_in(live.marks).get("environment") == pin.requested
        for desired in bench.stack.resources
        if desired.traits.serves
        for seen in [KINDS[desired.address.kind].wire.read(bench.context, desired)]
        for live in (seen.live, *seen.others)
        if live is not None and live.ours
    )


def _as_written(resolved: Resolved) -> Resolved:
    """Return the facts and pins with the digest of the deployment over the environment as written."""
    pin = resolved.pins.environment
    pins = {"environment": pin.model_copy(update={"as_written": True}) if pin else None}
    facts = replace(resolved.facts, environment_as_written=True)
    return replace(resolved, facts=facts, pins=resolved.pins.model_copy(update=pins))


@cache
def _neutral_parameters() -> frozenset[str]:
    fields = (r.field for r in rules_of("job") if r.behaviour is Behaviour.NEUTRAL)
    return frozenset(f.removeprefix("parameters.") for f in fields)
