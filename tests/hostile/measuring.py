"""Runs phift on hostile input and measures it: `python measuring.py < cases.json`, a line of JSON for each case.

What every command imports is imported once; each case is a fork of that process, so that its seconds and its memory are
those of its input. Limits of the operating system stand behind those that are asserted: no case can hurt the machine.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

_SPACE = 2 << 30
"""Bytes of address space; a case that wants more gets a MemoryError."""
_LOOK = 0.005
_IMPORTED = (
    *("jinja2.sandbox", "yaml.cyaml", "phift.cli.run", "phift.spec", "phift.lock", "phift.data", "phift.plan.model"),
    *("phift.phases", "phift.defaults", "phift.cli.planfile", "phift.views.json", "phift.views.human.diagnostics"),
    *(f"phift.cli.commands.{name}" for name in ("apply", "plan", "render", "show", "validate")),
)


def measured(case: dict[str, Any]) -> dict[str, Any]:
    """words: of phift; or, where the first is `python`, a program. folder: to run in. timeout: seconds.

    The exit code (negative: the signal), CPU seconds, MB of memory at most, and what was printed.
    """
    folder = Path(case["folder"])
    out = folder.parent / f"{folder.name}.out"
    child = os.fork()
    if child == 0:
        _become(case, out)
    deadline = time.monotonic() + case["timeout"]
    while True:
        ended, status, used = os.wait4(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            _, status, used = os.wait4(child, 0)
            break
        time.sleep(_LOOK)
    return {
        "name": case["name"],
        "code": os.waitstatus_to_exitcode(status),
        "seconds": round(used.ru_utime + used.ru_stime, 3),
        "mb": round(used.ru_maxrss / 1024),
        "output": out.read_text(encoding="utf-8", errors="replace"),
    }


def _become(case: dict[str, Any], out: Path) -> None:
    target = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for number in (1, 2):
        os.dup2(target, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    resource.setrlimit(resource.RLIMIT_AS, (_SPACE, _SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(case["timeout"]) + 1, int(case["timeout"]) + 1))
    os.chdir(case["folder"])
    os.environ |= {"PHIFT_HOME": str(Path(case["folder"]) / ".phift")}
    words = case["words"]
    try:
        if words[0] == "python":
            exec(compile(words[1], "<case>", "exec"), {"__name__": "__main__"})
            os._exit(0)
        importlib.import_module("phift.cli.main").main(words)
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(end.code or 0))
    except BaseException:  # noqa: BLE001  (whatever it is, the case is what failed)
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
        os._exit(99)


def main() -> None:
    """Reads the cases, prints what they came to."""
    for name in _IMPORTED:
        importlib.import_module(name)
    for case in json.load(sys.stdin):
        print(json.dumps(measured(case)), flush=True)


if __name__ == "__main__":
    main()
