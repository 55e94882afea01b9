"""Commands from arguments to exit code; what a command costs to import."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from phift import errors, phases
from phift.address import Address
from phift.apply.events import ApplyFinished, Listener, ResourceFailed, ResourceStarted
from phift.cli import interrupt
from phift.cli.run import run
from phift.phases import ApplyOptions
from phift.plan.action import Action
from phift.plan.model import Plan, PlannedResource

REPOSITORY = Path(__file__).resolve().parents[2]
JOB = Address("job", "finetune")
PLAN = Plan(
    "s", "local", "local", "s.yaml", "r#s.yaml", "0", "now", resources=(PlannedResource(JOB, Action.RUN, "s-1"),)
)


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A spec whose plan is PLAN."""
    file = tmp_path / "s.yaml"
    file.write_text("version: 1\n")
    monkeypatch.setattr(phases, "plan", lambda request, connect, settings: PLAN)
    monkeypatch.setattr(phases, "draft", lambda request, connect, settings: drafted(PLAN))
    return str(file)


def drafted(plan: Plan) -> phases.Draft:
    """A plan as an apply makes it; nothing here looks at what it was made from."""
    return phases.Draft(plan, bench=None)  # type: ignore[arg-type]


def applying(monkeypatch: pytest.MonkeyPatch, outcome: ApplyFinished | BaseException) -> list[ApplyOptions]:
    seen: list[ApplyOptions] = []

    def apply(*made: object, listener: Listener, options: ApplyOptions, saved: bool = False) -> ApplyFinished:
        seen.append(options)
        listener(ResourceStarted(JOB, Action.RUN, "s-1"))
        if isinstance(outcome, BaseException):
            raise outcome
        if outcome.failed:
            listener(ResourceFailed(JOB, Action.RUN, errors.JobFailedError("it broke", step="finetune"), 1))
        return outcome

    monkeypatch.setattr(phases, "apply", apply)  # of a saved plan
    monkeypatch.setattr(phases, "apply_draft", apply)
    return seen


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("x"), 1),
        (errors.InvalidSpecError([]), 1),
        (errors.RefusedError([]), 4),
        (errors.StalePlanError("x"), 5),
        (errors.LeaseHeldError("x"), 6),
        (errors.RolledBackError("x"), 7),
        (errors.DetachedError("x"), 8),
        (errors.DeadlineError("x"), 8),
        (errors.ServerError("x"), 1),
        (RuntimeError("x"), 1),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
    ],
)
def test_exit_codes(
    spec: str, error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(request: object, connect: object, settings: object) -> Plan:
        raise error

    monkeypatch.setattr(phases, "plan", fail)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    assert run(["plan", spec]) == code
    said = capfd.readouterr()
    assert "Traceback" not in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["plan"], "Interrupted."),
        (["apply", "-y"], "Interrupted; nothing was changed in the workspace."),
    ],
)
def test_an_interrupt_before_the_first_write_says_so(
    spec: str, command: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(request: object, connect: object, settings: object) -> Plan:
        raise KeyboardInterrupt

    monkeypatch.setattr(phases, "plan", fail)
    monkeypatch.setattr(phases, "draft", fail)
    assert run([command[0], spec, *command[1:]]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == said


def test_an_option_without_its_value_names_the_help_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "preview", "s.yaml", "-n"]) == 1
    assert "Try: phift data preview --help" in capsys.readouterr().err


def test_an_interrupted_reading_waits_for_no_answer() -> None:
    """Run as a process, which must end as well while a thread of it still waits."""
    program = (
        "import os, signal, time\nfrom phift.cli import run\nfrom phift.cli.main import main\n"
        "from phift.workbench.parallel import reading\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def slow(*_):\n"
        "    with reading(1) as pool:\n"
        "        pool.submit(time.sleep, 300)\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        time.sleep(300)\n"
        "run.app = lambda **_: slow()\n"
        "main(['plan'])\n"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "Interrupted.\n")
    assert time.monotonic() - began < 120


def test_a_traceback_is_shown_only_when_asked_for(
    spec: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(phases, "plan", lambda request, connect, settings: 1 / 0)
    assert run(["plan", spec]) == 1
    assert capsys.readouterr().err.startswith("error: ZeroDivisionError: ")
    monkeypatch.setenv("PHIFT_DEBUG", "1")
    assert run(["plan", spec]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_detailed_exit_code(spec: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", spec]) == 0
    assert run(["plan", spec, "--detailed-exitcode"]) == 2
    monkeypatch.setattr(
        phases, "plan", lambda request, connect, settings: Plan("s", "local", "local", "s", "r", "0", "now")
    )
    assert run(["plan", spec, "--detailed-exitcode"]) == 0
    assert "No changes." in capsys.readouterr().out


def test_nobody_to_ask_is_refused_and_the_remedy_names_the_option(
    spec: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = applying(monkeypatch, ApplyFinished(PLAN, 1, 0, 0, 1))
    assert run(["apply", spec]) == 1
    assert "--auto-approve" in capsys.readouterr().err
    assert seen == []


def test_options_reach_the_apply(
    spec: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = applying(monkeypatch, ApplyFinished(PLAN, 1, 0, 0, 1))
    arguments = ["--no-wait", "--parallelism", "3", "--timeout", "job=2h"]
    assert run(["apply", spec, "-y", *arguments]) == 0
    [options] = seen
    assert (options.parallelism, options.wait, options.timeouts) == (3, False, {"job": 7200})
    said = capsys.readouterr()
    assert "Apply complete! Resources: 1 added" in said.out
    assert "job.finetune: Starting..." in said.err


def test_what_decides_the_plan_reaches_it(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[phases.PlanSettings] = []

    def draft(request: object, connect: object, settings: phases.PlanSettings) -> phases.Draft:
        asked.append(settings)
        return drafted(PLAN)

    monkeypatch.setattr(phases, "draft", draft)
    monkeypatch.setattr(phases, "plan", lambda request, connect, settings: draft(request, connect, settings).plan)
    applying(monkeypatch, ApplyFinished(PLAN, 1, 0, 0, 1))
    addresses = ["--select", "model.finetuned", "--select", "data.test", "--replace", "compute.finetune"]
    for command in (["plan", spec], ["apply", spec, "-y"]):
        assert run([*command, "--retry-failed"]) == 0
        assert run([*command, *addresses]) == 0
        assert run(command) == 0
    chosen = phases.PlanSettings(
        select=(Address("model", "finetuned"), Address("data", "test")), replace=(Address("compute", "finetune"),)
    )
    assert asked == [phases.PlanSettings(retry_failed=True), chosen, phases.PlanSettings()] * 2


@pytest.mark.parametrize("option", ["--select", "--replace"])
def test_an_address_that_is_none_is_told_with_its_option(
    spec: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", spec, option, "compute"]) == 1
    assert f"{option}: 'compute' is not an address" in capsys.readouterr().err


def test_a_dry_run_shows_the_plan_and_applies_nothing(
    spec: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = applying(monkeypatch, ApplyFinished(PLAN, 1, 0, 0, 1))
    assert run(["apply", spec, "--dry-run"]) == 0
    assert "Plan: 1 to add" in capsys.readouterr().out
    assert seen == []


def test_what_failed_is_told_in_full_and_gives_the_exit_code(
    spec: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    applying(monkeypatch, ApplyFinished(PLAN, 0, 0, 0, 1, failed=(JOB,), exit_code=7))
    assert run(["apply", spec, "-y"]) == 7
    said = capsys.readouterr()
    assert "error: it broke\n --> job.finetune\n  = step: finetune" in said.err
    assert "Apply incomplete!" in said.out


def test_an_interrupt_after_the_first_write_detaches(
    spec: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    applying(monkeypatch, KeyboardInterrupt())
    assert run(["apply", spec, "-y"]) == 8
    assert "phift status s.yaml" in capsys.readouterr().err


def test_the_word_yes_and_no_other_approves(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from phift.cli.terminal import Terminal
    from phift.views.base import Streams

    terminal = Terminal(Streams(terminal=True))
    for answer in ("y", "Yes", "", "no"):
        monkeypatch.setattr("builtins.input", lambda answer=answer: answer)
        with pytest.raises(errors.ApprovalError, match="cancelled"):
            terminal.approve(PLAN)
    monkeypatch.setattr("builtins.input", lambda: " yes ")
    terminal.approve(PLAN)


def test_a_saved_plan_needs_no_approval(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "p.json")
    assert run(["plan", spec, "--out", file]) == 0
    assert f"phift apply {file}" in capsys.readouterr().err
    seen = applying(monkeypatch, ApplyFinished(PLAN, 1, 0, 0, 1))
    assert run(["apply", file]) == 0
    assert len(seen) == 1


@pytest.fixture
def attended() -> Iterator[None]:
    """SIGINT as a command at a terminal has it, also where the tests run in the background and it is ignored."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.mark.usefixtures("attended")
def test_the_first_signal_asks_and_before_any_write_interrupts() -> None:
    stop, told = threading.Event(), []
    with interrupt.graceful_shutdown(stop, lambda: True, told.append):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
    assert stop.is_set()
    assert len(told) == 1
    with pytest.raises(KeyboardInterrupt):
        _terminated()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def _terminated() -> None:
    with interrupt.graceful_shutdown(threading.Event(), lambda: False, lambda text: None):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.5)


@pytest.mark.usefixtures("attended")
def test_a_signal_that_is_ignored_stays_so() -> None:
    """As in `phift apply &`: Ctrl-C at the terminal is meant for what runs in front."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop = threading.Event()
    with interrupt.graceful_shutdown(stop, lambda: True, lambda text: None):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        assert not stop.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(5)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_the_second_signal_ends_the_process() -> None:
    program = (
        "import os, signal, threading, time\nfrom phift.cli.interrupt import graceful_shutdown\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with graceful_shutdown(threading.Event(), lambda: True, print):\n"
        "    os.kill(os.getpid(), signal.SIGINT); os.kill(os.getpid(), signal.SIGINT); time.sleep(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True).returncode == 130


def test_a_closed_terminal_asks_like_ctrl_c_however_often_it_says_so() -> None:
    stop, told = threading.Event(), []
    with interrupt.graceful_shutdown(stop, lambda: True, told.append):
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(0.01)
    assert stop.is_set()
    assert len(told) == 1
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


def test_under_nohup_a_closed_terminal_means_nothing() -> None:
    stop = threading.Event()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupt.graceful_shutdown(stop, lambda: True, lambda text: None):
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.01)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert not stop.is_set()


def _imported(*arguments: str) -> set[str]:
    """The top-level names of what a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "phift", *arguments], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return {match[1] for match in re.finditer(r"\|\s+([\w]+)[\w.]*$", done.stderr, re.MULTILINE)}


def test_the_version_costs_nothing() -> None:
    assert not _imported("--version") & {"typer", "yaml", "pydantic", "jinja2", "rich", "azure", "dataclasses", "json"}


@pytest.mark.parametrize("arguments", [("validate", "configs/quickstart.yaml"), ("render", "configs/quickstart.yaml")])
def test_looking_at_a_spec_imports_no_service(arguments: tuple[str, ...]) -> None:
    heavy = {"azure", "torch", "datasets", "transformers", "pyarrow", "rich", "requests", "urllib3", "starlette"}
    assert not _imported(*arguments) & heavy


def test_a_reader_that_leaves_is_no_error() -> None:
    program = f"{sys.executable} -m phift render configs/quickstart.yaml | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", program], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode in (0, 141)
    assert done.stderr == ""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_traceback(closed: str, tmp_path: Path) -> None:
    said = tmp_path / "said"
    for command in ("--version", "validate configs/quickstart.yaml"):
        program = f"({sys.executable} -m phift {command} {closed}) >{said} 2>&1"
        done = subprocess.run(["bash", "-c", program], cwd=REPOSITORY)
        assert (done.returncode, "Traceback" in said.read_text()) == (0, False)
