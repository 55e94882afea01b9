"""The way in, and the only way out: runs a command and turns what it returns or raises into an exit code.

0  fine                                  5    stale plan
1  error, also a wrong command line      6    lease held
2  changes (with --detailed-exitcode)    7    rolled back
4  refused by a check before spending    8    detached: work goes on in the service
130  interrupted before anything was begun        141  whoever read the output is gone
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs phift with these arguments, by default those of the process, and ends the process."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in (["--version"], ["-V"]):
        # Answered before anything is imported: scripts ask for it, and it should cost them nothing.
        from phift import __version__

        sys.stdout.write(f"phift {__version__}\n")
        sys.exit(0)
    from phift.cli.run import run

    sys.exit(run(given))
