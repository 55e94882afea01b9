"""Fixtures of all tests: one emulator a worker, with rehearsed jobs, and projects that do not meet in it."""

from __future__ import annotations

import importlib.util
import itertools
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

from hub import Hub
from hubcase import clear
from hubdata import ultrachat
from prefork import close
from prefork import server as command_server
from support import Embedded, Project

from phift.emulator.core.environment import EXCHANGES
from phift.emulator.host import lifecycle

# How long a machine takes over an example says nothing of phift.
settings.register_profile("phift", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("phift")

_LOCAL_EXTRA = ("cryptography", "starlette", "uvicorn", "httptools", "mlflow")
_numbers = itertools.count(1)
_UNEXPLAINED = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    # The SDK's own, when it is imported and when it builds an entity; ours stay errors.
    for module in (r"azure\.ai\.ml\..*", r"marshmallow\..*", r"msrest\..*"):
        config.addinivalue_line("filterwarnings", f"ignore::DeprecationWarning:{module}")
        config.addinivalue_line("filterwarnings", f"ignore::FutureWarning:{module}")


def pytest_sessionstart(session: pytest.Session) -> None:
    """The emulators of a whole run log the shapes of their answers, for the check at its end."""
    if not hasattr(session.config, "workerinput") and _is_whole(session.config):
        os.environ.setdefault(EXCHANGES, tempfile.mkdtemp(prefix="phift-exchanges-"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A whole run fails when an answer is not one that the models of Azure's clients describe."""
    close()
    folder = os.environ.get(EXCHANGES)
    if not folder or hasattr(session.config, "workerinput") or not _is_whole(session.config):
        return
    from tests.emulator.conformance import unexplained

    session.config.stash[_UNEXPLAINED] = found = unexplained(Path(folder))
    shutil.rmtree(folder, ignore_errors=True)
    if found and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _is_whole(config: pytest.Config) -> bool:
    return not any("::" in arg or arg.endswith(".py") for arg in config.args)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What differs from the models, and how much the matrices tried: the property "tried" of their tests."""
    for line in terminalreporter.config.stash.get(_UNEXPLAINED, []):
        terminalreporter.write_line(
            f"FAILED an answer differs from its model (tests/emulator/clientmodels.yaml): {line}"
        )
    reports = [r for found in terminalreporter.stats.values() for r in found if getattr(r, "when", "") == "call"]
    for text in sorted(value for r in reports for name, value in r.user_properties if name == "tried"):
        terminalreporter.write_line(f"tried  {text}")


@pytest.fixture(scope="session", autouse=True)
def _home_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What phift keeps while tests run lies in a folder of theirs; a test that wants another one says so."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PHIFT_HOME", str(tmp_path_factory.mktemp("phift-home")))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def _seed_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("seed-hub")
    with Hub(folder / "blobs") as hub:
        ultrachat(hub, folder / "files", rows={"train_sft": 600, "test_sft": 400, "test_gen": 60})
        yield hub


@pytest.fixture
def seed_hub(_seed_hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Hub:
    """The stand-in hub with ultrachat_200k, of which configs/phi3-ultrachat.yaml takes its rows; the environment names
    it. Tests only read it."""
    clear(monkeypatch, tmp_path / "hf-home")
    monkeypatch.setenv("HF_ENDPOINT", _seed_hub.url)
    return _seed_hub


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """One emulator a worker. Tests keep apart by the names of their stacks; who kills or resets it starts his own."""
    missing = [name for name in _LOCAL_EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs the extra [local]: {', '.join(missing)} not installed")
    home = tmp_path_factory.mktemp("embedded") / "home"
    running = Embedded.start(home)
    try:
        yield running
    finally:
        lifecycle.stop(home)


@pytest.fixture(scope="session")
def server() -> Path:
    """The socket of the process that runs phift's commands, each in a child, on imports that are made once."""
    return command_server()


@pytest.fixture
def own_embedded(tmp_path: Path) -> Iterator[Callable[[], Embedded]]:
    """Starts (or finds) an emulator of the test's own; it is stopped at the end, whoever started it last."""
    home = tmp_path / "own-home"
    yield lambda: Embedded.start(home)
    lifecycle.stop(home)


@pytest.fixture
def stack(request: pytest.FixtureRequest) -> str:
    """A stack name that no other test of this worker uses."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")
    return f"t{next(_numbers)}-{words[:12].strip('-')}"


@pytest.fixture
def project(tmp_path: Path, stack: str, embedded: Embedded) -> Project:
    """A small project on the shared emulator."""
    return Project.small(tmp_path / "project", stack, embedded)
