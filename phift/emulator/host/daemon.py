"""The process that serves a home: `python -m phift.emulator.host.daemon --home PATH`.

The first line on standard output is JSON: {"ready": {...}} once requests are answered, or {"error", "remedy"}.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

from phift import __version__
from phift.emulator.host.home import ENDPOINT_FORMAT, Home

__all__ = ["main"]

logger = logging.getLogger("phift.emulator")

_IDLE_SECONDS = 4 * 3600.0
_IDLE_CHECK_SECONDS = 15.0


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM, SIGINT, an admin's stop or long idleness. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m phift.emulator.host.daemon", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, help="loopback port, kept for later starts; 0 picks a free one")
    parser.add_argument("--idle-seconds", type=float, default=_IDLE_SECONDS, help="stop after this long without work")
    options = parser.parse_args(arguments)
    os.umask(0o077)  # of its children too: nothing that is written from here on is for others
    home = Home(options.home)
    _log_to(home.path / "logs")
    lock = home.claim()
    if lock is None:
        return _refuse("Another emulator is using this home.", "Stop it with: phift emulator stop")
    try:
        for path in home.make_private():
            logger.warning("cannot restrict the permissions of %s: it is owned by another user", path)
        return asyncio.run(_serve(home, options.port, options.idle_seconds))
    finally:
        home.withdraw()
        os.close(lock)


async def _serve(home: Home, port: int | None, idle_seconds: float) -> int:
    from phift.emulator.core.store import CorruptStore, corruption
    from phift.emulator.host.server import Server

    server = Server(home)
    wanted = home.settings().get("port", 0) if port is None else port
    try:
        await server.start(wanted)
    except OSError as error:
        return _refuse(
            f"Port {wanted} on 127.0.0.1 cannot be used: {error.strerror}.",
            "End the program that uses it, or choose another: phift emulator start --port 0",
        )
    except (CorruptStore, sqlite3.DatabaseError) as error:
        why = corruption(error)
        if why is None:
            raise
        logger.exception("the store cannot be read")
        return _refuse(
            f"The store of the emulator is corrupt: {home.path / 'store.sqlite3'}: {' '.join(why.split())}.",
            "Reset it; jobs, models and data are lost: phift emulator reset --yes",
        )
    home.remember(port=server.port)
    home.publish({**server.status(), "format": ENDPOINT_FORMAT, "port": server.port})
    gc.freeze()  # modules and tables stay: looking through them again and again costs more than all requests leave
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stopping.set)
    _announce({"ready": {"version": __version__, "pid": os.getpid(), "port": server.port}})
    logger.info("serving %s on 127.0.0.1:%d (version %s)", home.path, server.port, __version__)
    while not server.stopping.is_set():
        try:
            await asyncio.wait_for(server.stopping.wait(), min(_IDLE_CHECK_SECONDS, idle_seconds))
        except TimeoutError:
            if server.idle_seconds >= idle_seconds:
                logger.info("idle for %.0f s: stopping", server.idle_seconds)
                server.stopping.set()
    home.withdraw()
    await server.stop()
    logger.info("stopped")
    return 0


def _log_to(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    handler = logging.FileHandler(folder / "daemon.log", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.ERROR)


def _announce(message: dict[str, Any]) -> None:
    """Say one line to the starter, then let go of its pipe, so that a terminal is never kept waiting."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.close(null)


def _refuse(summary: str, remedy: str) -> int:
    logger.error("%s", summary)
    _announce({"error": summary, "remedy": remedy})
    return 1


if __name__ == "__main__":
    sys.exit(main())
