"""A copy of a spec in a temporary folder, and an emulator of its own: what `phift check` works on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from phift.address import Address
from phift.azure.session import Azure
from phift.files import LOCK_FILE, repository_of
from phift.phases.check_stack import Ran, Verb
from phift.spec import LoadedSpec
from phift.workbench.request import Connector, Request

if TYPE_CHECKING:
    from phift.emulator.host.lifecycle import Connection

__all__ = [
    "REHEARSED",
    "Sandbox",
    "connector_to",
    "placeholders",
    "sandbox",
    "without_expectations",
    "workspace_objects",
]

REHEARSED = {"PHIFT_EMULATOR_JOBS": "rehearse", "PHIFT_EMULATOR_DEPLOYMENTS": "rehearse"}
_NEVER = (".git", ".phift", LOCK_FILE)
_PLENTY = 100_000
"""vCPUs of each family: the quota of a region is not what is checked."""
_WORKSPACE = ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "AZURE_WORKSPACE_NAME")
_IDLE_SECONDS = 900.0
"""After which the emulator stops if this process was killed."""
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@dataclass
class Sandbox:
    """A Bed. folder: temporary. request: for the copy of the spec. tree: its content. deadline: on the monotonic clock,
    for all processes together."""

    folder: Path
    request: Request
    tree: Mapping[str, Any]
    connection: Connection
    deadline: float

    @property
    def connect(self) -> Connector:
        """The connector to the emulator."""
        return connector_to(self.connection)

    def edit(self, override: Mapping[str, Any]) -> None:
        """Write the spec, with the override in its target, which no other file overrides."""
        targets = dict(self.tree.get("targets") or {})
        name = str(self.request.target)
        if override:
            targets[name] = _merged(targets.get(name) or {}, override)
        self.request.path.write_text(json.dumps({**self.tree, "targets": targets}), encoding="utf-8")

    def run(self, verb: Verb, kill_at: Address | None = None) -> Ran:
        """Run a process that applies or destroys the stack. Raises TimeoutError after the deadline."""
        asked = {
            "verb": verb,
            "path": str(self.request.path),
            "target": self.request.target,
            "variables": dict(self.request.variables),
            "variable_files": [str(file) for file in self.request.variable_files],
            "allow_env": list(self.request.allow_env),
            "data_root": str(self.request.data_root) if self.request.data_root else None,
        }
        words = [sys.executable, "-P", "-m", "phift.cli.sandboxed", json.dumps(asked)]
        with (self.folder / "process.log").open("w+", encoding="utf-8") as log:
            # In a session of its own: Ctrl-C is for this process, which then ends the other one.
            process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
            timer = threading.Timer(max(0.0, self.deadline - time.monotonic()), process.kill)
            timer.start()
            try:
                failure, killed = _followed(process, kill_at)
            finally:
                timer.cancel()
                _ended(process)
            if time.monotonic() >= self.deadline:
                raise TimeoutError
            if killed or process.returncode == 0:
                return Ran(killed)
            log.seek(0)
            return Ran(failure=failure or _last_line(log.read()) or f"exit code {process.returncode}")


@contextmanager
def sandbox(
    request: Request, loaded: LoadedSpec, tree: Mapping[str, Any], *, rehearsed: bool, seconds: float
) -> Iterator[Sandbox]:
    """Copy the spec, and start an emulator; delete both afterwards, also after a signal.

    tree: the spec merged with its bases. rehearsed: whether jobs and deployments are. seconds: for everything. Raises
    EmulatorError if the emulator does not start.
    """
    from phift.emulator.host import lifecycle

    deadline = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="phift-check-") as name, _signals(), _environment(rehearsed):
        folder = Path(name).resolve()
        home = folder / "home"
        os.environ["PHIFT_HOME"] = str(home)
        copy = _mirror(request.path, folder / "files")
        files = tuple(
            _copied(file, copy.parent / f"variables-{n}.yaml") for n, file in enumerate(request.variable_files)
        )
        request = replace(request, path=copy, target=loaded.target.name, variable_files=files)
        try:
            connection = lifecycle.ensure(home, idle_seconds=_IDLE_SECONDS)
            quota = lifecycle.request(connection, "GET", "/quota")["limits"]
            lifecycle.request(connection, "PUT", "/quota", dict.fromkeys(quota, _PLENTY))
            one = Sandbox(folder, request, tree, connection, deadline)
            one.edit({})
            yield one
        finally:
            lifecycle.stop(home)


def connector_to(connection: Connection) -> Connector:
    """Return a connector to an emulator for every target."""

    def connect(loaded: LoadedSpec) -> Azure:
        from phift.azure.connect import connect as opened

        return opened(None, local=connection.alone())

    return connect


def _followed(process: subprocess.Popen[str], kill_at: Address | None) -> tuple[str, bool]:
    """Read the events of a process to its end. Return the first failure, and whether it was killed at an address."""
    failure, killed = "", False
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "failed" and not failure:
            failure = event["text"]
        if kill_at is not None and event["event"] == "progress" and event["address"] == str(kill_at):
            os.kill(process.pid, signal.SIGKILL)
            killed = True
    process.wait()
    return failure, killed


def _ended(process: subprocess.Popen[str]) -> None:
    """Kill a process that still runs, as after Ctrl-C, and release its pipe."""
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _mirror(spec: Path, place: Path) -> Path:
    """Return the path of the copy of the spec in a copy of its repository, whose other files are links.

    phift only reads them. The lock file is copied; state of Git and of phift is left out.
    """
    folder = spec.resolve().parent
    above, here = repository_of(folder), place
    parts = folder.relative_to(above).parts
    for depth in range(len(parts) + 1):
        here.mkdir()
        following = parts[depth : depth + 1]
        for entry in above.iterdir():
            if entry.name not in (*_NEVER, *following):
                (here / entry.name).symlink_to(entry)
        above, here = above.joinpath(*following), here.joinpath(*following)
    if (folder / LOCK_FILE).is_file():
        shutil.copyfile(folder / LOCK_FILE, here / LOCK_FILE)
    (here / spec.name).unlink(missing_ok=True)
    return here / spec.name


def _copied(file: Path, place: Path) -> Path:
    shutil.copyfile(file, place)
    return place


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = _merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


@contextmanager
def placeholders(tree: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Set the environment variables that name a workspace, if they are not set, and those of the secrets of a spec,
    while the block lasts: the emulator needs neither, and no real secret reaches it."""
    before = dict(os.environ)
    for name in _WORKSPACE:
        os.environ.setdefault(name, f"phift-check-{name.rpartition('_')[2].lower()}")
    os.environ.update(dict.fromkeys(_secrets(tree), "phift-check"))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def without_expectations(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec without what its tests expect of answers: a rehearsed deployment does not give the right ones."""
    result = {key: value for key, value in tree.items() if key not in ("tests", "targets")}
    for key, below in (("tests", _unexpecting), ("targets", _targets)):
        if key in tree:
            result[key] = below(tree[key])
    return result


def _targets(targets: Any) -> Any:
    if not isinstance(targets, Mapping):
        return targets
    return {name: without_expectations(one) if isinstance(one, Mapping) else one for name, one in targets.items()}


def _unexpecting(tests: Any) -> Any:
    if not isinstance(tests, Mapping):
        return tests
    return {
        name: {key: value for key, value in one.items() if key != "expect"} if isinstance(one, Mapping) else one
        for name, one in tests.items()
    }


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        secret = value.get("secret")
        if len(value) == 1 and isinstance(secret, str) and secret.startswith("env:"):
            yield secret.removeprefix("env:")
        for below in value.values():
            yield from _secrets(below)
    elif isinstance(value, list):
        for below in value:
            yield from _secrets(below)


def workspace_objects(tree: Any) -> list[str]:
    """Return the references of a spec to objects of a workspace, which the emulator of a check does not have."""
    if isinstance(tree, Mapping):
        return [name for below in tree.values() for name in workspace_objects(below)]
    if isinstance(tree, list):
        return [name for below in tree for name in workspace_objects(below)]
    own = isinstance(tree, str) and tree.startswith("azureml:") and not tree.startswith("azureml://registries/")
    return [tree] if own else []


@contextmanager
def _environment(rehearsed: bool) -> Iterator[None]:
    """Restore the environment variables afterwards; set those of the emulator, which it reads when it starts."""
    before = dict(os.environ)
    for name in REHEARSED:
        os.environ.pop(name, None)
    os.environ.update(REHEARSED if rehearsed else {})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _signals() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP like Ctrl-C, so that the emulator is stopped and the files are deleted."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former: dict[signal.Signals, Callable[[int, FrameType | None], Any] | int | None] = {
        number: signal.signal(number, handle) for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
