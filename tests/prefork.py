"""`phift` without the second that Python and its imports take: a process that has them forks one child a command.

    python prefork.py SOCKET        serves until its standard input ends
    prefork.py's CLIENT             a program that runs one command there: `python -IS client SOCKET phift's words...`

A child gets the caller's folder, environment and standard streams, and runs `phift.cli.main` as a fresh process would:
nothing has been run in it before, only imported. It is ended when its caller goes away.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

__all__ = ["CLIENT", "close", "server"]

CLIENT = """\
import array, json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect(sys.argv[1])
asked = json.dumps({"words": sys.argv[2:], "folder": os.getcwd(), "environment": dict(os.environ)}).encode()
streams = array.array("i", [0, 1, 2])
server.sendmsg([b"%08d" % len(asked)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
server.sendall(asked)
sys.exit(int(server.recv(8) or b"70"))
"""
_LOOK_SECONDS = 0.01
_BEFORE = ("phift.cli.main", "phift.cli.run", "phift.phases", "phift.kinds.registry", "azure.ai.ml.entities")
_PACKAGES = ("phift.cli.commands", "phift.views", "phift.views.human", "phift.azure", "phift.emulator.host.lifecycle")


_RUNNING = ExitStack()


@cache
def server() -> Path:
    """The socket of the server of this process, which is started by the first call and ends with `close`."""
    return _RUNNING.enter_context(_serving())


def close() -> None:
    """End the server, if there is one."""
    _RUNNING.close()
    server.cache_clear()


@contextmanager
def _serving() -> Iterator[Path]:
    folder = tempfile.mkdtemp(prefix="phift-")  # a socket's path must be short
    path = Path(folder) / "socket"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PHIFT_", "AZURE_"))}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
    process = subprocess.Popen(
        [sys.executable, __file__, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("the server of phift's commands did not come up")
        yield path
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(timeout=60)
        shutil.rmtree(folder)


def _import_all() -> None:
    for name in (*_BEFORE, *_PACKAGES):
        module = importlib.import_module(name)
        for found in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
            importlib.import_module(found.name)


def _serve(path: str) -> None:
    _import_all()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for a command
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(16)
        os.write(1, b"ready\n")
        while True:
            ready, _, _ = select.select([listening, 0], [], [])
            if 0 in ready:
                return
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                with contextlib.suppress(ConnectionError):
                    connection.sendall(b"%d" % _attend(connection))
                os._exit(0)
            connection.close()


def _attend(connection: socket.socket) -> int:
    """The exit code of one command."""
    size, streams, _, _ = socket.recv_fds(connection, 8, 3)
    asked = b""
    while len(asked) < int(size):
        asked += connection.recv(int(size) - len(asked))
    child = os.fork()
    if child == 0:
        connection.close()
        _become(json.loads(asked), streams)
    for stream in streams:
        os.close(stream)
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) % 256
        if select.select([connection], [], [], _LOOK_SECONDS)[0]:
            os.kill(child, signal.SIGKILL)


def _become(asked: dict[str, object], streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(asked["environment"])  # type: ignore[call-overload]
    os.chdir(str(asked["folder"]))
    words = [str(word) for word in asked["words"]]  # type: ignore[attr-defined]
    sys.argv = ["phift", *words]
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, encoding="utf-8", closefd=False) for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    main = importlib.import_module("phift.cli.main").main
    try:
        main(words)
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(end.code or 0))


if __name__ == "__main__":
    _serve(sys.argv[1])
