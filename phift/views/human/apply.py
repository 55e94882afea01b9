"""Progress of an apply without a terminal: plain lines in Terraform's wording, few enough for a log.

job.finetune: Starting...
job.finetune: Still running... [20s elapsed] finetune, step 120/300, loss 0.41
job.finetune: Run complete after 41s [id=quickstart-5b1c2d3e4f50]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from phift.address import Address
from phift.apply.events import (
    ApplyFinished,
    Event,
    LeaseEvent,
    Note,
    ResourceDone,
    ResourceFailed,
    ResourceProgress,
    ResourceSkipped,
    ResourceStarted,
)
from phift.clock import Clock
from phift.errors import DetachedError, PhiftError
from phift.kinds.registry import KINDS
from phift.kinds.words import exact_matches
from phift.plan.action import Action
from phift.plan.model import Plan
from phift.views.base import PlanOptions, Sink, Streams
from phift.views.human.errors import unexpected_summary
from phift.views.human.outputs import complete_line, results
from phift.views.human.plan import count_line
from phift.views.human.plan import render as render_plan
from phift.views.human.values import duration, number, size
from phift.views.human.words import words_of
from phift.views.watching import Throttle, Watching

__all__ = ["HumanApply", "PlainApply", "QuietApply", "outcome_suffix", "progress_text", "summary_of"]

EVERY = 10.0
"""Seconds between two lines about the same resource, as in Terraform."""

EVERY_CHANGE = 2.0
"""Seconds between two lines about the same resource if its activity changed."""


_ENDED = {"Succeeded", "Completed", "Passed"}
"""Final states: the completion line follows at once."""


class HumanApply(Watching):
    """What all human views share: the action of each resource, and the result."""

    def __init__(self, streams: Streams, *, clock: Clock | None = None) -> None:
        super().__init__(clock=clock)
        self._streams = streams
        self._out = Sink(streams.out)
        self._err = Sink(streams.err)
        self._actions: dict[Address, Action] = {}

    def __call__(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, ResourceStarted):
                self._actions[event.address] = event.action
            super().__call__(event)

    def planned(self, plan: Plan) -> None:
        """Print the whole plan to stdout."""
        self._out.write(render_plan(plan, PlanOptions(self._streams.out_style)))

    def ended(self, error: BaseException) -> None:
        """Print nothing: the error on stderr suffices."""

    def finish(self, result: ApplyFinished) -> None:
        """Print the last line and the outputs to stdout."""
        style = self._streams.out_style
        self._out.write("\n" + complete_line(result, style))
        text = results(result, style=style)
        if text:
            self._out.write("\n" + text)


class QuietApply(HumanApply):
    """No progress and no plan: one line at the end, which counts what was done."""

    def planned(self, plan: Plan) -> None:
        if not plan.changes_something:
            self._out.write(count_line(plan, self._streams.out_style))

    def finish(self, result: ApplyFinished) -> None:
        self._out.write(complete_line(result, self._streams.out_style))


class PlainApply(HumanApply):
    """A line when an action starts, ends or changes its step, and every ten seconds."""

    def __init__(self, streams: Streams, *, clock: Clock | None = None) -> None:
        super().__init__(streams, clock=clock)
        self._throttle = Throttle(self._clock, same=EVERY, changed=EVERY_CHANGE)
        self._began: dict[Address, float] = {}

    def _tell(self, event: Event) -> None:
        line = self._line(event)
        if line:
            self._err.write(line)

    def _line(self, event: Event) -> str:
        style = self._streams.err_style
        match event:
            case ResourceStarted(address=address, action=action):
                self._throttle.begin(address)
                self._began[address] = self._clock.monotonic()
                return f"{style.bold(str(address))}: {words_of(address, action).doing}"
            case ResourceProgress():
                return self._progress(event)
            case ResourceDone(address=address, action=action):
                if not action.changes_something and address not in self._actions:
                    return ""
                done = f"{words_of(address, action).done} after {duration(event.elapsed)}"
                return f"{style.bold(str(address))}: {done}{outcome_suffix(event)}"
            case ResourceFailed(address=address, error=DetachedError() as error):
                left = style.yellow(f"Detached after {duration(event.elapsed)}:")
                return f"{style.bold(str(address))}: {left} {summary_of(error, address)}"
            case ResourceFailed(address=address, error=error):
                failed = style.red(f"Failed after {duration(event.elapsed)}:")
                return f"{style.bold(str(address))}: {failed} {summary_of(error, address)}"
            case ResourceSkipped(address=address, because=because):
                return f"{style.bold(str(address))}: Skipped: depends on {because}"
            case Note(text=text):
                return f"Note: {text}"
            case LeaseEvent(state="lost"):
                return style.red("Lost the lease of this stack; no further writes.")
        return ""

    def _progress(self, event: ResourceProgress) -> str:
        if event.state in _ENDED or not self._throttle.due(event):
            return ""
        now = self._clock.monotonic()
        words = words_of(event.address, self._actions.get(event.address, Action.CREATE))
        said = progress_text(event)
        elapsed = duration(max(event.elapsed, now - self._began.get(event.address, now)))
        head = f"{self._streams.err_style.bold(str(event.address))}: {words.still} [{elapsed} elapsed]"
        return f"{head} {said}" if said else head


def summary_of(error: Exception, address: Address) -> str:
    """Return the error's summary without the address, which already precedes it."""
    said = error.summary if isinstance(error, PhiftError) else unexpected_summary(error)
    return said.removeprefix(f"{address}: ")


def outcome_suffix(event: ResourceDone) -> str:
    """Return the resource's name in the service, or the result of a test."""
    same, known = exact_matches(event.outputs.get("results") or ())
    if known:
        return f" [{same} of {known} answers equal the ground truth]"
    if not KINDS[event.address.kind].traits.leaves_object:
        return f" [{event.identity}]"
    return f" [id={event.identity}]" if event.identity else ""


def progress_text(event: ResourceProgress) -> str:
    """`finetune, step 120/300, loss 0.41`, `Downloading 12.0 of 44.0 MiB, file 2/3`."""
    doing = event.message or event.state
    if event.unit in {"bytes", "B"} and event.total:
        doing = f"{doing} {_of_bytes(event.current, event.total)}"
    parts = [doing, _counted(event), *_beside(event.values)]
    return ", ".join(part for part in parts if part)


def _counted(event: ResourceProgress) -> str:
    if event.unit in {"bytes", "B"}:
        return ""
    unit = f"{event.unit} ".replace("steps ", "step ") if event.unit else ""
    if event.total:
        return f"{unit}{number(event.current)}/{number(event.total)}"
    return f"{unit}{number(event.current)}" if unit and event.current else ""


def _of_bytes(current: float, total: float) -> str:
    """Show a shared unit only once, to save columns."""
    so_far, whole = size(current), size(total)
    amount, _, unit = so_far.partition(" ")
    return f"{amount if whole.endswith(f' {unit}') else so_far} of {whole}"


def _beside(values: Mapping[str, float]) -> Iterator[str]:
    """Yield numbers with their names; `step` and `steps` become `step 3/10`."""
    for name, amount in values.items():
        if f"{name}s" in values:
            yield f"{name} {number(amount)}/{number(values[f'{name}s'])}"
        elif not (name.endswith("s") and name[:-1] in values):
            yield f"{name} {number(amount)}"
