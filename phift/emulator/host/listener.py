"""Whether the process that listens on a port is the user's own: the home's secret is not sent to strangers.

An emulator that was killed leaves its endpoint.json behind, and anybody on the machine can listen on its port then.
Standard library only.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["is_own"]

_TABLE = Path("/proc/net/tcp")
_LISTENS = "0A"
_LOOPBACK = "0100007F"


def is_own(pid: int, port: int, home: Path) -> bool:
    """Whether the process `pid` lives and may be signalled by this user, and, where the system tells (Linux), the
    listener on 127.0.0.1:`port` belongs to this user or to the owner of `home`."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError, OverflowError):
        return False
    try:
        table = _TABLE.read_text(encoding="ascii")
    except OSError:
        return True
    owners = {os.geteuid(), home.stat().st_uid}
    wanted = f"{_LOOPBACK}:{port:04X}"
    rows = (line.split() for line in table.splitlines() if wanted in line)
    return any(row[1] == wanted and row[3] == _LISTENS and int(row[7]) in owners for row in rows)
