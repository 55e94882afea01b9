"""Planning and carrying out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from phift.address import Address
from phift.api._spec import SpecHandle
from phift.apply.events import Event, Listener, ResourceFailed, ignore
from phift.apply.options import ApplyOptions
from phift.errors import DetachedError, UsageError
from phift.plan.model import Plan

if TYPE_CHECKING:
    from phift.phases.pin_versions import LockReport
    from phift.workbench.request import Request

__all__ = ["ApplyResult", "apply", "destroy", "lock", "plan", "plan_destroy"]


@dataclass(frozen=True, kw_only=True)
class ApplyResult:
    """What an apply did. added, changed, destroyed: resources. elapsed: seconds. outputs, errors: by address.

    errors: of every resource that failed, was rolled back, or was left while its work goes on. exit_code: what
    `phift apply` would end with: 0, or that of the first error in the order of the plan.
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
        """Whether all of the plan was carried out."""
        return self.exit_code == 0

    def raise_for_errors(self) -> None:
        """Raises the first of `errors`, and DetachedError where work was left before it began; else returns."""
        for error in self.errors.values():
            raise error
        if not self.ok:
            raise DetachedError("stopped before the plan was carried out", remedy="Re-run the apply to resume.")


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
    """What an apply would do, and why. Changes nothing in the workspace.

    select: only these addresses (`kind.name`) and what they depend on. replace: delete these and make them again.
    retry_failed: run a failed job once more. take_over: claim what another spec owns. download: fetch data at an
    address that the lock file does not pin yet. write_lock: pin what floats and is not pinned yet in phift.lock.

    Raises InvalidSpecError (exit code 1), UsageError (1) for an address that the stack does not have, RefusedError (4)
    with the findings of the checks, AzureError (1), EmulatorError (1).
    """
    from phift import phases

    return phases.plan(
        _fetching(spec._request, download),
        spec._sessions,
        select=_addresses(select, "select"),
        replace_=_addresses(replace, "replace"),
        retry_failed=retry_failed,
        take_over=take_over,
        write_lock=write_lock,
    )


def plan_destroy(spec: SpecHandle, *, archive: bool = False, take_over: bool = False) -> Plan:
    """What a destroy would do; `apply` carries it out. Changes nothing.

    archive: data and models too. take_over: also what carries the stack's name and another spec owns. Raises as `plan`.
    """
    from phift import phases

    return phases.destroy_plan(spec._request, spec._sessions, archive=archive, take_over=take_over)


def apply(
    spec: SpecHandle,
    plan: Plan,
    *,
    listener: Listener = ignore,
    options: ApplyOptions | None = None,
    recheck: bool = True,
) -> ApplyResult:
    """Carries out exactly this plan, made now or read from JSON (`Plan.from_dict`), of an apply or a destroy.

    listener: takes every event, from several threads. options: how it is carried out. recheck: first read again all
    that the plan read, and refuse a plan that the workspace has moved away from; without it only what is about to be
    written is looked at.

    What becomes of a resource is in the result. Raises StalePlanError (exit code 5), RefusedError (4) for rows or
    secrets that do not do, LeaseHeldError (6), AzureError (1), EmulatorError (1), InvalidSpecError (1) and UsageError
    (1) for options that make no sense, before the first write.
    """
    from phift import phases

    options = options or ApplyOptions()
    _require_options(options)
    errors: dict[str, Exception] = {}

    def listen(event: Event) -> None:
        if isinstance(event, ResourceFailed):
            errors[str(event.address)] = event.error
        listener(event)

    done = phases.apply(
        plan, _fetching(spec._request, True), spec._sessions, listener=listen, options=options, saved=recheck
    )
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
    """Plans a destroy and carries it out at once: deletes what costs; data and models stay unless `archive`.

    Takes and raises what `plan_destroy` and `apply` do.
    """
    found = plan_destroy(spec, archive=archive, take_over=take_over)
    return apply(spec, found, listener=listener, options=options, recheck=False)


def lock(spec: SpecHandle, *, upgrade: bool = False, check: bool = False) -> LockReport:
    """Pins what floats in phift.lock. upgrade: move what is pinned to what is newest now. check: run the data checks.

    Raises as `plan`; what the data checks refuse is in the report, rows that are unfit raise RefusedError (4).
    """
    from phift import phases

    return phases.lock(_fetching(spec._request, True), spec._sessions, upgrade=upgrade, check=check)


def _fetching(request: Request, fetch: bool) -> Request:
    return replace(request, fetch=fetch)


def _addresses(found: Iterable[str | Address], argument: str) -> tuple[Address, ...]:
    if isinstance(found, str):
        raise UsageError(f"{argument} takes several addresses, not a text", remedy=f"Write {argument}=[{found!r}].")
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
            raise UsageError(f"timeouts: there is no kind {kind!r}", remedy=f"The kinds are {', '.join(KINDS)}.")
        if seconds <= 0:
            raise UsageError(f"timeouts: the seconds of {kind} must be above zero")
