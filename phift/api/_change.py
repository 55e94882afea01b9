"""Plan and apply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from phift.address import Address
from phift.api._spec import SpecHandle
from phift.apply.events import Event, Listener, ResourceFailed, ignore
from phift.apply.options import ApplyOptions
from phift.display import Displayed
from phift.errors import DetachedError, UsageError
from phift.plan.model import Plan

if TYPE_CHECKING:
    from phift.phases.pin_versions import LockReport
    from phift.workbench.request import Request

__all__ = ["ApplyResult", "apply", "destroy", "lock", "plan", "plan_destroy"]


@dataclass(frozen=True, kw_only=True)
class ApplyResult(Displayed):
    """The result of an apply. added, changed, destroyed: numbers of resources. elapsed: seconds. outputs, errors: by
    address.

    errors: of every resource that failed, was rolled back, or was detached while its operation continues. exit_code:
    that of `phift apply`: 0, or that of the first error in plan order.
    """

    plan: Plan
    added: int
    changed: int
    destroyed: int
    elapsed: float
    outputs: Mapping[str, Mapping[str, Any]]
    errors: Mapping[str, Exception]
    exit_code: int

    @property
    def ok(self) -> bool:
        """Whether the whole plan was applied."""
        return self.exit_code == 0

    def raise_for_errors(self) -> None:
        """Raise the first of `errors`, or DetachedError if the apply stopped before all work was started."""
        for error in self.errors.values():
            raise error
        if not self.ok:
            raise DetachedError("stopped before the plan was applied completely", remedy="Re-run the apply to resume.")


def plan(
    spec: SpecHandle,
    *,
    select: Iterable[str | Address] = (),
    replace: Iterable[str | Address] = (),
    retry_failed: bool = False,
    take_over: bool = False,
    download: bool = False,
    write_lock: bool = True,
) -> Plan:
    """Plan an apply: the changes and the reason for each. Changes nothing in the workspace.

    select: only these addresses (`kind.name`) and their dependencies. replace: replace these resources.
    retry_failed: re-run a failed job. take_over: take ownership of resources of another spec. download: download data
    at an address that is not pinned yet. write_lock: write missing pins to phift.lock.

    Raises InvalidSpecError (exit code 1), UsageError (1) for an address that the stack does not have, RefusedError (4)
    with the findings of the checks, AzureError (1), EmulatorError (1).
    """
    from phift import phases

    return spec._keep(
        phases.draft(
            _fetching(spec._request, download),
            spec._sessions,
            phases.PlanSettings(
                select=_addresses(select, "select"),
                replace=_addresses(replace, "replace"),
                retry_failed=retry_failed,
                take_over=take_over,
                write_lock=write_lock,
            ),
        )
    )


def plan_destroy(spec: SpecHandle, *, archive: bool = False, take_over: bool = False) -> Plan:
    """Plan a destroy, for `apply`. Changes nothing.

    archive: also archive data and models. take_over: include resources of the stack's name that another spec owns.
    Raises as `plan`.
    """
    from phift import phases

    return spec._keep(phases.destroy_draft(spec._request, spec._sessions, archive=archive, take_over=take_over))


def apply(
    spec: SpecHandle,
    plan: Plan,
    *,
    listener: Listener = ignore,
    options: ApplyOptions | None = None,
    recheck: bool = True,
) -> ApplyResult:
    """Apply exactly this plan of an apply or a destroy, new or read from JSON (`Plan.from_dict`).

    listener: receives every event, from several threads. options: see ApplyOptions. recheck: first read all resources
    of the plan again, and reject the plan if any has changed. Without it, the last plan of this handle is applied with
    what it was made from (the spec is not read again), and each resource is only checked before its own write.

    Failures of single resources are in the result. Raises StalePlanError (exit code 5), RefusedError (4) for unfit rows
    or missing secrets, LeaseHeldError (6), AzureError (1), EmulatorError (1), InvalidSpecError (1) and UsageError (1)
    for invalid options, before the first write.
    """
    from phift import phases

    options = options or ApplyOptions()
    _require_options(options)
    errors: dict[str, Exception] = {}

    def listen(event: Event) -> None:
        if isinstance(event, ResourceFailed):
            errors[str(event.address)] = event.error
        listener(event)

    draft = None if recheck else spec._draft_of(plan)
    if draft is not None:
        done = phases.apply_draft(draft, listener=listen, options=options)
    else:
        request = _fetching(spec._request, True)
        done = phases.apply(plan, request, spec._sessions, listener=listen, options=options, saved=recheck)
    return ApplyResult(
        plan=done.plan,
        added=done.added,
        changed=done.changed,
        destroyed=done.destroyed,
        elapsed=done.elapsed,
        outputs=done.outputs,
        errors={str(address): errors[str(address)] for address in done.failed},
        exit_code=done.exit_code,
    )


def destroy(
    spec: SpecHandle,
    *,
    archive: bool = False,
    take_over: bool = False,
    listener: Listener = ignore,
    options: ApplyOptions | None = None,
) -> ApplyResult:
    """Plan and apply a destroy: delete resources that incur cost; keep data and models unless `archive` is set.

    Takes the arguments of `plan_destroy` and `apply`, and raises the same errors.
    """
    found = plan_destroy(spec, archive=archive, take_over=take_over)
    return apply(spec, found, listener=listener, options=options, recheck=False)


def lock(spec: SpecHandle, *, upgrade: bool = False, check: bool = False) -> LockReport:
    """Create or update phift.lock. upgrade: update pins to the newest versions. check: run the data checks.

    Raises as `plan`; findings of the data checks are in the report, unfit rows raise RefusedError (4).
    """
    from phift import phases

    return phases.lock(_fetching(spec._request, True), spec._sessions, upgrade=upgrade, check=check)


def _fetching(request: Request, fetch: bool) -> Request:
    return replace(request, fetch=fetch)


def _addresses(found: Iterable[str | Address], argument: str) -> tuple[Address, ...]:
    if isinstance(found, str):
        raise UsageError(
            f"{argument} must be a list of addresses, not a string", remedy=f"Pass {argument}=[{found!r}]."
        )
    try:
        return tuple(Address.parse(one) if isinstance(one, str) else one for one in found)
    except ValueError as error:
        raise UsageError(f"{argument}: {error}") from error


def _require_options(options: ApplyOptions) -> None:
    from phift.kinds.registry import KINDS

    if options.parallelism < 1:
        raise UsageError(f"parallelism must be at least 1, not {options.parallelism}")
    for kind, seconds in options.timeouts.items():
        if kind not in KINDS:
            raise UsageError(f"timeouts: unknown kind {kind!r}", remedy=f"Kinds: {', '.join(KINDS)}.")
        if seconds <= 0:
            raise UsageError(f"timeouts: the seconds of {kind} must be greater than zero")
