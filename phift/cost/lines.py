"""The lines of the cost of a plan: which nodes are billed, how many, and for how long. Without prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from phift.address import Address
from phift.cost.duration import Duration, duration_of
from phift.kinds.base import Kind
from phift.kinds.charge import Rate, Work
from phift.kinds.registry import KINDS
from phift.kinds.subject import Subject
from phift.plan.action import Action
from phift.plan.cost import CostLine, Price, Range
from phift.plan.model import PlannedResource
from phift.state.desired import Desired
from phift.state.live import Live

if TYPE_CHECKING:
    from phift.estimate.training import Training

__all__ = [
    "ROLLOUT_MINUTES",
    "continuous_lines",
    "job_lines",
    "left_out",
    "node_hours",
    "removed_lines",
    "tokens_of_job",
]

ROLLOUT_MINUTES = Range(10.0, 20.0, 40.0)
"""Minutes for which two versions of a deployment run: assumed, as deployments of models take 10 to 40 minutes."""

_HOUR = 3600.0
_WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.REPLACE, Action.ADOPT, Action.SHIFT})
_UNKNOWN = Price()
_NOTHING = Range.exactly(0.0)
_NO_DURATION = "its duration is unknown: no earlier jobs, and the formula lacks the model, the GPU or the rows"


def continuous_lines(subject: Subject, planned: Sequence[PlannedResource]) -> Iterator[CostLine]:
    """Yield what the resources of the stack bill at all times, before and after the apply."""
    by_address = {one.address: one for one in planned}
    own = {desired.address for desired in subject.stack.resources}
    host_goes = any(
        KINDS[one.address.kind].traits.hosts and one.action is Action.DELETE and one.address in own for one in planned
    )
    fates = {(one.address.kind, one.identity.lower()): one.action for one in planned}
    for desired in subject.stack.resources:
        kind, one = KINDS[desired.address.kind], by_address.get(desired.address)
        live = subject.live(desired)
        if one is None or not desired.owned or (live is not None and not live.ours and one.action is Action.NO_OP):
            continue
        now = kind.rate(live) if live else None
        along = host_goes and desired.traits.hosted
        after = None if along else _after(kind, subject, desired, live, one.action, now)
        yield from _changed(desired.address, now, after)
        seen = subject.observed.get(desired.address)
        replaced = 0
        for other in seen.others if seen else ():
            rate = kind.rate(other)
            if rate is None:
                continue
            goes = along or fates.get((desired.address.kind, other.name.lower())) is Action.DELETE
            replaced += goes
            yield from _changed(Address(desired.address.kind, other.name), rate, None if goes else rate)
        if replaced and after and after.side_by_side and after.nodes and one.action is Action.CREATE:
            yield CostLine(
                desired.address,
                "rollout",
                after.size,
                after.nodes,
                _UNKNOWN,
                after.tier,
                after.region,
                hours=ROLLOUT_MINUTES.times(after.nodes / 60),
                basis=f"two versions side by side, about {ROLLOUT_MINUTES.middle:.0f} min",
            )


def removed_lines(planned: Sequence[PlannedResource], lives: Mapping[Address, Live]) -> Iterator[CostLine]:
    """Yield what planned deletions of the given live objects stop billing."""
    for one in planned:
        live = lives.get(one.address)
        rate = KINDS[one.address.kind].rate(live) if live else None
        if rate is not None:
            yield from _changed(one.address, rate, None if one.action is Action.DELETE else rate)


def job_lines(subject: Subject, planned: Sequence[PlannedResource]) -> Iterator[CostLine]:
    """Yield what the runs of the plan bill."""
    runs = {one.address for one in planned if one.action is Action.RUN}
    for desired in subject.stack.resources:
        if desired.address not in runs:
            continue
        work = KINDS[desired.address.kind].work(subject, desired)
        if work is not None:
            yield from _work(subject, desired, work)
        elif desired.traits.trains:
            yield CostLine(desired.address, "run", "", 1, _UNKNOWN, basis="its VM size is unknown")


def left_out(subject: Subject, planned: Sequence[PlannedResource]) -> Iterator[str]:
    """Yield a note for each planned resource whose cost is not estimated."""
    own = {desired.address: desired for desired in subject.stack.resources}
    for one in planned:
        desired, traits = own.get(one.address), KINDS[one.address.kind].traits
        if desired is not None and traits.trains and one.action is Action.ADOPT:
            yield f"{one.address} is already running; what it bills until it ends is not included."
        elif desired is not None and one.action is Action.RUN:
            work = KINDS[one.address.kind].work(subject, desired)
            if work is not None and work.retries:
                again = "once" if work.retries == 1 else f"up to {work.retries} times"
                yield f"{one.address} may be submitted again {again} (retries), which is not included."
        elif desired is None and traits.hosts and one.action is Action.DELETE:
            yield f"What {one.address} stops billing is not included: its deployments are not read."


def tokens_of_job(training: Training | None) -> int | None:
    """Return the real tokens of a training, None if unknown."""
    if training is None:
        return None
    from phift.estimate.speed import tokens_of

    return tokens_of(training)


def _after(
    kind: Kind[Any, Any],
    subject: Subject,
    desired: Desired[Any],
    live: Live | None,
    action: Action,
    now: Rate | None,
) -> Rate | None:
    if action is Action.DELETE:
        return None
    wanted = kind.wanted_rate(subject, desired, live)
    if action in _WRITES:
        return wanted
    return replace(now, most=wanted.most) if now and wanted and wanted.most else now


def _changed(address: Address, now: Rate | None, after: Rate | None) -> Iterator[CostLine]:
    """Yield one line for nodes whose number may change, two if their size, tier or region changes."""
    if now and after and (now.size.lower(), now.tier, now.region) != (after.size.lower(), after.tier, after.region):
        yield from _changed(address, now, None)
        yield from _changed(address, None, after)
        return
    shown = after or now
    if shown is None:
        return
    before, then = now.nodes if now else 0, after.nodes if after else 0
    if before or then or (after and after.most):
        yield CostLine(
            address,
            "always_on",
            shown.size,
            then,
            _UNKNOWN,
            shown.tier,
            shown.region,
            now=before,
            most=after.most if after else None,
            stops=before > 0 and after is None,
        )


def node_hours(work: Work, duration: Duration | None) -> tuple[Range | None, Range | None]:
    """Return the node hours of the training, and of the other steps where they run elsewhere; None if unknown.

    Nodes that always run add nothing. The steps before and after the training take one node.
    """
    billed = max(0, work.rate.nodes - work.always)
    if duration is None:
        return None if billed else _NOTHING, _NOTHING if work.other_always else None
    steps = duration.before.plus(duration.after)
    train = duration.start.plus(duration.train).plus(Range.exactly(work.idle)).times(billed)
    along = work.other is None and not work.always
    others = duration.start.plus(steps).plus(Range.exactly(work.other_idle)).times(0 if work.other_always else 1)
    return _hours(train.plus(steps) if along else train), _hours(others)


def _work(subject: Subject, desired: Desired[Any], work: Work) -> Iterator[CostLine]:
    duration = _duration(subject, desired, work)
    rate, other = work.rate, work.other
    hours, other_hours = node_hours(work, duration)
    basis = duration.basis if duration else _NO_DURATION
    if work.always:
        some = f"{work.always} of {rate.nodes} nodes always {'runs' if work.always == 1 else 'run'}"
        basis = f"{some if rate.nodes > work.always else 'on nodes that always run'}; {basis}"
    yield CostLine(
        desired.address,
        "run",
        rate.size,
        rate.nodes,
        _UNKNOWN,
        rate.tier,
        rate.region,
        hours=hours,
        duration=_hours(duration.whole) if duration else None,
        basis=basis,
    )
    if other:
        yield CostLine(
            desired.address,
            "other_steps",
            other.size,
            other.nodes,
            _UNKNOWN,
            other.tier,
            other.region,
            hours=other_hours,
            basis="on a node that always runs" if work.other_always else "",
        )


def _hours(seconds: Range) -> Range:
    """Return hours, rounded: an estimate does not have more digits."""
    return Range(*(round(number / _HOUR, 4) for number in (seconds.low, seconds.middle, seconds.high)))


def _duration(subject: Subject, desired: Desired[Any], work: Work) -> Duration | None:
    """Return the estimated duration of a run."""
    earlier = [
        run
        for dependent in subject.stack.dependents(desired.address)
        if (seen := subject.observed.get(dependent.address)) is not None
        for base_model, run in seen.earlier
        if base_model == work.base_model
    ]
    alike = [r for r in earlier if (r.size.lower(), r.nodes) == (work.rate.size.lower(), work.rate.nodes)]
    training = KINDS[desired.address.kind].training(desired)

    def speed() -> Any:
        from phift.estimate.speed import throughput

        return throughput(training) if training is not None else None

    return duration_of(earlier, alike, tokens_of_job(training), speed)
