"""An apply as it is told: plain lines, redrawn rows, JSON lines, one line."""

import io
import json
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from plans import plan

from phift.address import Address
from phift.apply.events import (
    ApplyFinished,
    ApplyStarted,
    Event,
    LeaseEvent,
    Note,
    ResourceDone,
    ResourceFailed,
    ResourceProgress,
    ResourceSkipped,
    ResourceStarted,
)
from phift.errors import DetachedError, JobFailedError
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.views.base import Sink, Streams
from phift.views.human.apply import HumanApply, PlainApply, QuietApply
from phift.views.human.live import LiveApply
from phift.views.human.outputs import complete_line
from phift.views.ndjson import JsonApply

JOB, MODEL = Address("job", "finetune"), Address("model", "finetuned")
PLAN = plan(
    resources=(PlannedResource(JOB, Action.RUN, "s-1"), PlannedResource(MODEL, Action.CREATE, "m")),
)
OUTPUTS = {
    "job.finetune": {
        "metrics": {"eval_loss_before": 3.0444, "eval_loss": 0.0393, "train_loss": 0.22, "train_runtime": 192.1},
        "studio": "https://ml.azure.com/runs/s-1",
    },
    "model.finetuned": {"name": "m", "version": "3"},
    "endpoint.main": {"scoring_uri": "https://e/score"},
    "test.smoke": {
        "name": "smoke",
        "results": [
            {"prompt": "Which city?", "answer": "Lima", "ground_truth": "Lima", "seconds": 0.2},
            {"prompt": "Which sea?", "answer": "\n".join("abcdefghij"), "ground_truth": "Red", "seconds": 1.0},
        ],
        "exact_match": 0.5,
    },
}


class Ticks:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def streams() -> tuple[Streams, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Streams(out, err), out, err


def progress(elapsed: float, step: int, message: str = "finetune") -> ResourceProgress:
    return ResourceProgress(JOB, "Running", message, elapsed, step, 300, "steps", {"loss": 0.41})


def test_plain_lines_are_terraform_s() -> None:
    to, _, err = streams()
    clock = Ticks()
    with PlainApply(to, clock=clock) as view:
        view(ApplyStarted(PLAN))
        view(ResourceStarted(JOB, Action.RUN, "s-1"))
        clock.time = 20
        view(progress(20, 120))
        view(ResourceDone(JOB, Action.RUN, "s-1", 41))
        view(ResourceSkipped(MODEL, JOB))
        view(Note("hm"))
        view(LeaseEvent("acquired"))
    assert err.getvalue().splitlines() == [
        "job.finetune: Starting...",
        "job.finetune: Still running... [20s elapsed] finetune, step 120/300, loss 0.41",
        "job.finetune: Run complete after 41s [id=s-1]",
        "model.finetuned: Skipped: depends on job.finetune",
        "Note: hm",
    ]


def test_plain_lines_are_few() -> None:
    to, _, err = streams()
    clock = Ticks()
    view = PlainApply(to, clock=clock)
    view(ResourceStarted(JOB, Action.RUN, "s-1"))
    for second in range(1, 61):
        clock.time = float(second)
        view(progress(second, second, "finetune" if second < 30 else "convert"))
    lines = err.getvalue().splitlines()
    assert 6 <= len(lines) - 1 <= 8
    assert any("[30s elapsed] convert" in line for line in lines)


def test_an_unchanged_line_is_repeated_ever_more_rarely() -> None:
    clock = Ticks()
    to, _, err = streams()
    view = PlainApply(to, clock=clock)
    view(ResourceStarted(JOB, Action.RUN, "s-1"))
    for _ in range(3600):
        clock.time += 1
        view(ResourceProgress(JOB, "Running", "waiting for a node"))
    lines = err.getvalue().splitlines()[1:]
    shown = [line.partition("[")[2].partition(" ")[0] for line in lines]
    assert shown[:6] == ["2s", "12s", "32s", "1m12s", "2m32s", "5m12s"]
    assert len(lines) == 16
    clock.time += 2
    view(ResourceProgress(JOB, "Running", "finetune"))
    assert err.getvalue().endswith("finetune\n")


def test_the_end_tells_what_came_of_it() -> None:
    to, out, _ = streams()
    PlainApply(to).finish(ApplyFinished(PLAN, 2, 1, 0, 61, {"job.finetune": 60.0}, OUTPUTS))
    said = out.getvalue()
    assert "Apply complete! Resources: 2 added, 1 changed, 0 destroyed." in said.splitlines()
    assert re.search(r"evaluation loss +3\.044 -> 0\.0393", said)
    assert re.search(r"runtime +3m12s", said)
    for word in (
        "m:3",
        "https://e/score",
        "smoke: 1 of 2 answers",
        "(the same)",
        "(differs)",
        "(3 more lines)",
        "phift invoke s.yaml",
        "1m01s",
    ):
        assert word in said
    assert "ml.azure.com" not in said  # the studio of target local is a name only


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (ApplyFinished(PLAN, 1, 0, 0, 1, failed=(JOB,), exit_code=1), "Apply incomplete! Resources: 1 added"),
        (ApplyFinished(PLAN, 0, 0, 0, 1, failed=(JOB,), exit_code=8), "Detached. Work continues"),
    ],
)
def test_an_apply_that_did_not_end_well_does_not_say_complete(result: ApplyFinished, said: str) -> None:
    assert complete_line(result).startswith(said)
    to, out, _ = streams()
    PlainApply(to).finish(result)
    assert "phift destroy" not in out.getvalue()


def test_quiet_says_one_line() -> None:
    to, out, err = streams()
    view = QuietApply(to)
    view(ResourceStarted(JOB, Action.RUN, "s-1"))
    view.finish(ApplyFinished(PLAN, 2, 0, 0, 1, {}, OUTPUTS))
    assert out.getvalue() == "Apply complete! Resources: 2 added, 0 changed, 0 destroyed.\n"
    assert err.getvalue() == ""


def test_live_rows_tell_state_step_loss_and_end() -> None:
    to, _, err = streams()
    with LiveApply(to, clock=Ticks()) as view:
        view(ApplyStarted(PLAN))
        view(ResourceStarted(JOB, Action.RUN, "s-1"))
        view(progress(20, 150))
        view._live.refresh()
        view(ResourceDone(JOB, Action.RUN, "s-1", 41))
        view(ResourceStarted(MODEL, Action.CREATE, "m"))
        view(ResourceFailed(MODEL, Action.CREATE, JobFailedError("it broke"), 2))
    last = re.sub(r"\033\[[0-9;?]*[a-zA-Z]", "", err.getvalue())
    assert re.search(r"✓ job\.finetune +s-1 +41s", last)
    assert re.search(r"✗ model\.finetuned +it broke +2s", last)
    assert max(map(len, last.splitlines())) <= to.err_style.width - len("^C"), "which the terminal echoes at its end"


def test_live_counts_from_the_first_write_and_shows_a_result_whole() -> None:
    to, _, err = streams()
    clock = Ticks()
    smoke = Address("test", "smoke")
    with LiveApply(to, clock=clock) as view:
        view(ApplyStarted(PLAN))
        view(ResourceStarted(JOB, Action.RUN, "s-1"))
        clock.sleep(30)
        view(ResourceProgress(JOB, "Creating", elapsed=0.5))
        view._live.refresh()
        view(ResourceDone(smoke, Action.RUN, "smoke", 1, {"results": OUTPUTS["test.smoke"]["results"]}))
    shown = re.sub(r"\033\[[0-9;?]*[a-zA-Z]", "", err.getvalue())
    assert re.search(r"job\.finetune +Creating +30s", shown)
    assert "1 of 2 answers equal the ground truth " in shown, "in 80 columns"


def test_live_marks_what_goes_on_without_us() -> None:
    to, _, err = streams()
    with LiveApply(to, clock=Ticks()) as view:
        view(ApplyStarted(PLAN))
        view(ResourceStarted(JOB, Action.RUN, "s-1"))
        view(ResourceFailed(JOB, Action.RUN, DetachedError("still Running"), 3))
    assert re.search(r"… job\.finetune +still Running", err.getvalue())


VIEWS: list[Callable[[Streams], HumanApply | JsonApply]] = [PlainApply, QuietApply, LiveApply, JsonApply]


@pytest.mark.parametrize("make", VIEWS)
def test_views_remember_failures_and_whether_anything_was_begun(make: Callable[[Streams], HumanApply]) -> None:
    view = make(streams()[0])
    assert not view.started
    view(ResourceStarted(MODEL, Action.REUSE, "m"))
    assert not view.started
    view(ResourceStarted(JOB, Action.RUN, "s-1"))
    assert view.started
    failed = ResourceFailed(JOB, Action.RUN, JobFailedError("x"), 1)
    view(failed)
    assert view.failures == [failed]


@pytest.mark.parametrize("make", VIEWS)
def test_views_take_events_from_many_threads(make: Callable[[Streams], HumanApply]) -> None:
    to, out, err = streams()
    with make(to) as view:
        view(ApplyStarted(PLAN))

        def emit(n: int) -> None:
            address = Address("compute", f"c{n}")
            events: list[Event] = [ResourceStarted(address, Action.CREATE, "c"), ResourceProgress(address, "Creating")]
            for event in [*events, ResourceDone(address, Action.CREATE, "c", 0.1)] * 20:
                view(event)

        threads = [threading.Thread(target=emit, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if make is JsonApply:
        assert len([json.loads(line) for line in out.getvalue().splitlines()]) >= 1 + 8 * 41
    if make is PlainApply:
        assert all(re.match(r"compute\.c\d: (Creating|Still|Creation)", line) for line in err.getvalue().splitlines())


def test_a_broken_pipe_ends_no_apply() -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    view = PlainApply(Streams(Broken(), Broken()))
    view(ResourceStarted(JOB, Action.RUN, "s-1"))
    view.finish(ApplyFinished(PLAN, 1, 0, 0, 1))
    sink = Sink(Broken())
    sink.write("x")
    assert sink.broken


def test_json_lines_tell_the_whole_story() -> None:
    to, out, _ = streams()
    with JsonApply(to, clock=Ticks()) as view:
        view.planned(PLAN)
        view(ApplyStarted(PLAN))
        view(ResourceStarted(JOB, Action.RUN, "s-1"))
        view(progress(20, 120))
        view(progress(21, 121))
        view(ResourceDone(JOB, Action.RUN, "s-1", 41, {"metrics": {}}))
        view(ResourceFailed(MODEL, Action.CREATE, JobFailedError("x", step="s", log="l"), 1))
        view.finish(ApplyFinished(PLAN, 1, 0, 0, 42, {}, OUTPUTS, (MODEL,), 1))
        view.ended(DetachedError("left"))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["type"] for line in lines] == [
        "version",
        "planned_change",
        "planned_change",
        "change_summary",
        "apply_start",
        "apply_progress",
        "apply_complete",
        "apply_errored",
        "change_summary",
        "outputs",
        "diagnostic",
    ]
    assert all({"@level", "@message", "@module", "@timestamp", "type"} <= line.keys() for line in lines)
    assert lines[3]["@message"] == str(PLAN.counts)
    assert lines[5]["hook"]["values"] == {"loss": 0.41}
    assert lines[7]["hook"]["error"]["step"] == "s"
    assert lines[9]["outputs"]["model.finetuned"]["version"] == "3"
    assert lines[10]["diagnostic"]["exit_code"] == 8
