"""The way in, and the only way out: runs a command and turns what it returns or raises into an exit code.

0  fine                                  5    stale plan
1  error, also a wrong command line      6    lease held
2  changes (with --detailed-exitcode)    7    rolled back
3  drift (phift drift)                   8    detached: work goes on in the service
4  refused by a check before spending
130  interrupted before anything was begun        141  whoever read the output is gone
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs phift with these arguments, by default those of the process, and ends the process."""
    _open_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in (["--version"], ["-V"]):
        # Answered before anything is imported: scripts ask for it, and it should cost them nothing.
        from phift import __version__

        sys.stdout.write(f"phift {__version__}\n")
        sys.exit(0)
    try:
        import phift.posix  # noqa: F401  (fails on other systems)
    except ImportError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
    from phift import startup

    startup.begin()
    if given[:1] == ["--complete"]:
        _complete(given[1:])
    from phift.cli.run import run
    from phift.exits import ExitCode

    code = run(given)
    import threading

    # What still runs after an interrupt is a reading that nobody waits for.
    if threading.active_count() > 1 and code != ExitCode.INTERRUPTED:
        sys.exit(code)
    startup.leave(code)


def _complete(given: list[str]) -> NoReturn:
    """Answers the program of `phift completion SHELL`: the shell, and the words so far, the last one incomplete."""
    from phift.cli.completion import Shell, answer

    if len(given) > 1 and given[0] in list(Shell):
        sys.stdout.write(answer(given[1:], Shell(given[0])))
    sys.exit(0)


def _open_streams() -> None:
    """A process started with one of its streams closed (`>&-`, some schedulers) has None in its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  (as long as the process)
