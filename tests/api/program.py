"""Imports every module of phift, then calls every function of phift.api twice: `python program.py SPEC OUT`.

OUT gets, as JSON, the functions that were called, what they wrote to the file descriptors 1 and 2, and whether a signal
has another handler than before.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from phift import __path__ as package
from phift import api
from phift.apply.events import ApplyFinished, ApplyStarted, Event
from phift.errors import RefusedError


def import_all() -> None:
    """Every module but those that are programs."""
    for found in pkgutil.walk_packages(package, "phift."):
        if not found.name.endswith(".__main__"):
            importlib.import_module(found.name)


@contextmanager
def captured() -> Iterator[Any]:
    """A file that takes what the process writes to its standard streams."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(number) for number in (1, 2)]
    with tempfile.TemporaryFile() as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            yield file
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, former in enumerate(kept, 1):
                os.dup2(former, number)
                os.close(former)


def calls(path: Path, saved: Path, events: list[Event]) -> dict[str, Callable[[api.SpecHandle], object]]:
    """By name, how each function is called, in an order in which each finds what it needs."""
    reopened = lambda: api.Plan.from_dict(json.loads(saved.read_text(encoding="utf-8")))  # noqa: E731
    return {
        "validate": lambda spec: api.validate(path, target="local"),
        "open_spec": lambda spec: api.open_spec(path, target="local", variables={"greeting": "hello"}),
        "render": api.render,
        "lock": lambda spec: api.lock(spec, upgrade=True, check=True),
        "plan": lambda spec: saved.write_text(json.dumps(api.plan(spec).to_dict())),
        "apply": lambda spec: api.apply(spec, reopened(), listener=events.append).raise_for_errors(),
        "drift": api.drift,
        "status": api.status,
        "outputs": api.outputs,
        "logs": lambda spec: [list(api.logs(spec)), list(api.logs(spec, deployment=""))],
        "metrics": api.metrics,
        "compare_metrics": lambda spec: api.compare_metrics(spec, before="1", after="1"),
        "compare_versions": lambda spec: api.compare_versions(spec, before="1", after="1", answers=1),
        "history": api.history,
        "invoke": lambda spec: [api.invoke(spec, text="Who are you?"), api.invoke(spec, sample=2)],
        "open_chat": chatted,
        "import_job": lambda spec: api.import_job(
            api.compare_metrics(spec, before="1", after="1").after.job, target="local"
        ),
        "import_endpoint": rejected_import,
        "data_preview": lambda spec: [api.data_preview(spec), api.data_preview(spec, random=True, raw=True)],
        "data_stats": api.data_stats,
        "data_diff": lambda spec: api.data_diff(spec, before=str(path)),
        "plan_destroy": lambda spec: api.plan_destroy(spec, archive=True),
        "destroy": lambda spec: api.destroy(spec, listener=events.append).raise_for_errors(),
    }


def chatted(spec: api.SpecHandle) -> None:
    chat = api.open_chat(spec, system="Answer in one word.")
    assert "".join(chat.ask("Who are you?")) == chat.row()["messages"][-1]["content"]


def rejected_import(spec: api.SpecHandle) -> None:
    with contextlib.suppress(RefusedError):
        api.import_endpoint(api.outputs(spec)["endpoint.main"]["name"], target="local")
        raise AssertionError("the endpoint belongs to a stack")


def main() -> None:
    path, out = map(Path, sys.argv[1:])
    import_all()
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    written: dict[str, str] = {}
    events: list[Event] = []
    with api.open_spec(path, target="local") as spec:
        for name, call in calls(path, out.with_suffix(".plan"), events).items():
            with captured() as file:
                for _ in range(2):
                    call(spec)
                file.seek(0)
                written[name] = file.read().decode()
    moved = [int(number) for number, handler in handlers.items() if signal.getsignal(number) is not handler]
    kinds = [type(event) for event in events]
    told = {"started": kinds.count(ApplyStarted), "finished": kinds.count(ApplyFinished)}
    out.write_text(json.dumps({"written": written, "signals": moved, **told}), encoding="utf-8")


if __name__ == "__main__":
    main()
