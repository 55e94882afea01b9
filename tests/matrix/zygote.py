"""A process with everything imported that forks a child for each apply: the import of the SDK takes a second.

One order a line on stdin, as JSON: {"home", "folder", "stack", "action": "apply" | "destroy", "kill": [write, number,
when] or null}. One answer a line on stdout: {"code": exit code, "writes": [...]} of a child that came to its end,
{"signal": 9} of one that was killed.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections import Counter
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATIENCE = 120
"""Seconds after which a child is ended; nothing here takes half as long."""

_READING_POST = re.compile(r"(?i)/(list\w*|getlogs|token|score)$")


def label(method: str, url: str, headers: dict[str, str], stack: str) -> str | None:
    """The name of a write, the same in every run and for every stack; None for what changes nothing.

    Numbers and digests are left out, the actions of leases and the kinds of blob writes are told apart.
    """
    parts = urlsplit(url)
    reads = method in {"GET", "HEAD"} or (method == "POST" and _READING_POST.search(parts.path))
    if reads or parts.netloc.startswith("login."):
        return None
    blob = ".blob." in parts.netloc
    outside = parts.path.partition("/providers/Microsoft.Insights/")[2]
    path = parts.path.partition("/phift/")[2] if blob else parts.path.partition("/workspaces/")[2].partition("/")[2]
    path = outside or path
    path = re.sub(r"\b[0-9a-f]{8,64}\b", "*", path.replace(stack, "STACK"))
    path = re.sub(r"\d{8}T\d+Z|versions/\d+$|-[0-9a-f]{6}(?=/|$)", "*", path)
    action = headers.get("x-ms-lease-action") or (parse_qs(parts.query).get("comp") or [""])[0]
    return f"{method} {path}{f' ({action})' if action else ''}"


class Killer:
    """Counts the writes of this process and ends it, as by SIGKILL, right before or right after one of them."""

    def __init__(self, stack: str, kill: list[Any] | None) -> None:
        self.writes: list[str] = []
        self._stack = stack
        self._kill = tuple(kill) if kill else ("", 0, "")
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def install(self) -> None:
        from phift.azure.transport import Http

        once = Http._whole

        def watched(http: Http, call: Any) -> Any:
            name = label(call.method, call.url, dict(call.headers), self._stack)
            if name is None:
                return once(http, call)
            with self._lock:
                self._counts[name] += 1
                here = (name, self._counts[name])
                self.writes.append(name)
            if (*here, "before") == self._kill:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return once(http, call)
            finally:
                if (*here, "after") == self._kill:
                    os.kill(os.getpid(), signal.SIGKILL)

        Http._whole = watched  # type: ignore[method-assign]


def carry_out(order: dict[str, Any]) -> dict[str, Any]:
    """What the child does."""
    from support import Embedded, Project

    from phift.emulator.host import lifecycle

    signal.alarm(PATIENCE)
    killer = Killer(order["stack"], order.get("kill"))
    killer.install()
    connection = lifecycle.find(Path(order["home"]))
    assert connection is not None
    folder = Path(order["folder"])
    project = Project(folder, order["stack"], Embedded(Path(order["home"]), connection), folder / "spec.yaml")
    result = project.destroy() if order["action"] == "destroy" else project.apply()
    failures = [str(e.error) for e in project.events if type(e).__name__ == "ResourceFailed"]
    return {"code": result.exit_code, "writes": killer.writes, "failures": failures}


def main() -> None:
    import azure.ai.ml  # noqa: F401

    import phift.azure.blob_upload
    import phift.azure.entities
    import phift.data.prepare
    import phift.phases  # noqa: F401

    print(json.dumps({"ready": os.getpid()}), flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                print(json.dumps(carry_out(json.loads(line))), flush=True)
                os._exit(0)
            except BaseException as error:  # noqa: BLE001 - told to whoever gave the order
                print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
                os._exit(1)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            print(json.dumps({"signal": os.WTERMSIG(status)}), flush=True)


if __name__ == "__main__":
    main()
