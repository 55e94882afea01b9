"""One apply or destroy of `phift check`, in a process that can be killed: python -m phift.cli.sandboxed REQUEST.

REQUEST is JSON, see phift.cli.sandbox. It connects to the emulator of PHIFT_HOME, whatever the target is, and prints a
line of JSON for each event.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from phift import phases
from phift.apply.events import Event, ResourceFailed, ResourceProgress
from phift.cli.sandbox import connector_to
from phift.errors import PhiftError
from phift.phases.check_stack import Verb
from phift.workbench.request import Request

__all__ = ["main"]

_MOST_LINES = 10
"""Of the details of a failure."""


def main(text: str) -> int:
    """Run the request. Return the exit code of the apply."""
    from phift.emulator.host import lifecycle

    asked = json.loads(text)
    root = asked["data_root"]
    request = Request(
        Path(asked["path"]),
        asked["target"],
        asked["variables"],
        tuple(map(Path, asked["variable_files"])),
        tuple(asked["allow_env"]),
        Path(root) if root else None,
        fetch=True,
    )
    connection = lifecycle.find()
    if connection is None:
        raise SystemExit("the emulator of the check has stopped")
    try:
        make = phases.destroy_draft if asked["verb"] == Verb.DESTROY else phases.draft
        draft = make(request, connector_to(connection))
        return phases.apply_draft(draft, listener=_print, options=phases.ApplyOptions()).exit_code
    except PhiftError as error:
        _say("failed", "", _text(error))
        return 1


def _print(event: Event) -> None:
    if isinstance(event, ResourceProgress):
        _say("progress", str(event.address), event.state)
    elif isinstance(event, ResourceFailed):
        _say("failed", str(event.address), f"{event.address}: {_text(event.error)}")


def _text(error: Exception) -> str:
    """Return what is wrong, and the end of the details, which may be a log."""
    if not isinstance(error, PhiftError):
        return str(error)
    details = error.detail.splitlines()
    return "\n".join([error.summary, *details[:1], *details[1:][-_MOST_LINES:]])


def _say(event: str, address: str, text: str) -> None:
    line: dict[str, Any] = {"event": event, "address": address, "text": text}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
