"""Starting, finding and stopping the daemon, as the command line does."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from phift.emulator.host import lifecycle
from phift.emulator.host.home import Home
from phift.emulator.host.listener import is_own
from phift.errors import EmulatorError

REPOSITORY = Path(__file__).resolve().parents[2]


def test_start_find_stop(home: Path) -> None:
    assert lifecycle.find(home) is None
    assert not home.exists(), "looking makes nothing"
    home.mkdir(mode=0o700)
    (home / "asyncio.py").write_text("raise SystemExit('a module of a cloned repository')", encoding="utf-8")
    connection = lifecycle.ensure(home)
    assert lifecycle.ensure(home) == connection
    assert lifecycle.find(home) == connection
    assert connection.client_secret not in repr(connection)
    assert secret_of(connection) not in repr(connection)
    assert connection.shown_url == f"http://phift:***@127.0.0.1:{connection.port}"
    assert os.getsid(connection.pid) != os.getsid(0), "Ctrl-C in this terminal must not reach it"
    alone = connection.alone()
    assert replace(alone, ca_file=connection.ca_file) == connection
    assert Path(alone.ca_file).read_text().count("BEGIN CERTIFICATE") == 1
    assert Path(connection.ca_file).read_text().endswith(Path(alone.ca_file).read_text())
    assert replace(connection, ca_file=str(home / "bundle.pem")).alone().ca_file == str(home / "bundle.pem")
    told = lifecycle.status(home)
    assert told is not None
    assert told["busy"] is False
    assert told["proxy_url"] == connection.shown_url
    assert secret_of(connection) not in json.dumps(told) + json.dumps(Home(home).endpoint())
    assert lifecycle.stop(home) is True
    assert lifecycle.stop(home) is False
    assert lifecycle.status(home) is None


def test_the_port_and_names_stay_over_restarts(home: Path) -> None:
    first = lifecycle.ensure(home)
    lifecycle.stop(home)
    second = lifecycle.ensure(home)
    assert (second.proxy_url, second.subscription_id) == (first.proxy_url, first.subscription_id)
    assert second.pid != first.pid


def test_many_starters_start_one(home: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: lifecycle.ensure(home), range(4)))
    assert len({connection.pid for connection in found}) == 1


def test_a_killed_emulator_is_replaced(home: Path) -> None:
    first = lifecycle.ensure(home)
    os.kill(first.pid, signal.SIGKILL)
    wait_for_end(home)
    assert lifecycle.find(home) is None
    assert lifecycle.ensure(home).pid != first.pid


def test_a_taken_port_is_said_plainly(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmulatorError, match=f"Port {port} on 127.0.0.1 cannot be used") as caught:
            lifecycle.ensure(home, port=port)
        assert "--port 0" in caught.value.remedy


def test_a_start_that_fails_shows_the_end_of_the_log(home: Path) -> None:
    Home(home)
    (home / "tls").write_text("not a folder")
    with pytest.raises(EmulatorError, match="could not start") as caught:
        lifecycle.ensure(home)
    assert "FileExistsError" in caught.value.detail


def test_another_version_is_replaced_when_idle(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = lifecycle.ensure(home)
    monkeypatch.setattr(lifecycle, "__version__", "9.9.9")
    assert lifecycle.find(home) is None
    with pytest.raises(EmulatorError, match="does not answer"):  # the new one is of the old version here
        lifecycle.ensure(home)
    assert first.pid != (lifecycle.status(home) or {})["pid"]


EARLIER = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from phift.emulator.host.home import Home
from phift.emulator.host.listener import is_own
home = Home(Path(sys.argv[1]))
lock = home.claim()
class Handler(BaseHTTPRequestHandler):
    def answer(self):
        good = self.headers["Authorization"] == "Bearer an-earlier-token"
        status = {"version": sys.argv[2], "pid": os.getpid(), "home": str(home.path), "busy": sys.argv[3] == "busy"}
        body = json.dumps(status if good else {"error": {"message": "no"}}).encode()
        self.send_response(200 if good else 401)
        self.end_headers()
        self.wfile.write(body)
        if good and self.path == "/stop":
            server.stopping = True
    do_GET = do_POST = answer
    def log_message(self, *args):
        pass
server = HTTPServer(("127.0.0.1", 0), Handler)
server.stopping = False
port = server.server_address[1]
home.publish({"pid": os.getpid(), "port": port, "admin_token": "an-earlier-token"})
print("ready", flush=True)
while not server.stopping:
    server.handle_request()
"""


@contextmanager
def earlier(home: Path, version: str, busy: str) -> Iterator[subprocess.Popen[str]]:
    """An emulator of a release without a secret, as the one that looks for it sees it."""
    command = [sys.executable, "-c", EARLIER, str(home), version, busy]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("version", [lifecycle.__version__, "0.0.9"])
def test_one_of_an_earlier_release_is_replaced_when_idle(home: Path, version: str) -> None:
    with earlier(home, version, "idle") as process:
        assert lifecycle.find(home) is None
        status = lifecycle.status(home)
        assert status is not None
        assert status["version"] == version
        with pytest.raises(EmulatorError, match="is running in") as caught:
            lifecycle.reset(home)
        assert "phift emulator stop" in caught.value.remedy
        connection = lifecycle.ensure(home)
        assert process.wait(10) == 0
    assert connection.pid != process.pid
    secret_of(connection)


def test_one_of_an_earlier_release_that_works_is_left_alone(home: Path) -> None:
    with earlier(home, lifecycle.__version__, "busy") as process:
        with pytest.raises(EmulatorError, match="of an earlier phift is running in") as caught:
            lifecycle.ensure(home)
        assert "phift emulator stop" in caught.value.remedy
        assert process.poll() is None
        assert lifecycle.stop(home) is True


def test_the_secret_is_not_sent_to_whoever_took_the_port(home: Path) -> None:
    """An emulator that was killed leaves its address behind, and anybody can listen there."""
    connection = lifecycle.ensure(home)
    os.kill(connection.pid, signal.SIGKILL)
    os.waitpid(connection.pid, 0)
    with socket.create_server(("127.0.0.1", connection.port)) as thief:
        thief.settimeout(0.3)
        assert Home(home).endpoint() is not None
        assert lifecycle.find(home) is None
        assert lifecycle.status(home) is None
        with pytest.raises(EmulatorError, match="cannot be used"):
            lifecycle.ensure(home)
        with pytest.raises(TimeoutError):
            thief.accept()


def test_a_listener_is_told_by_process_and_owner(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert is_own(os.getpid(), port, tmp_path)
        assert not is_own(2**22 + 1, port, tmp_path), "there is no such process"
        assert not is_own(2**80, port, tmp_path)
    if Path("/proc/net/tcp").exists():
        assert not is_own(os.getpid(), port, tmp_path), "nobody listens"


def test_idleness_ends_it(home: Path) -> None:
    lifecycle.ensure(home, idle_seconds=0.3)
    wait_for_end(home)
    assert "idle for" in lifecycle.log_files(home)[0].read_text()


def test_reset_empties_the_workspace_on_disk_too(home: Path) -> None:
    connection = lifecycle.ensure(home)
    lifecycle.stop(home)
    (home / "jobs" / "leftover").mkdir(parents=True)
    lifecycle.reset(home)
    assert not (home / "jobs").exists()
    assert lifecycle.ensure(home).subscription_id == connection.subscription_id


def test_logs_and_files_hold_no_secret(home: Path) -> None:
    connection = lifecycle.ensure(home)
    lifecycle.request(connection, "GET", "/status")
    lifecycle.stop(home)
    for path in lifecycle.log_files(home):
        text = path.read_text()
        assert secret_of(connection) not in text
        assert connection.client_secret not in text
        assert "Bearer" not in text
        assert "Basic" not in text
    first, *_ = lifecycle.log_files(home)[1].read_text().splitlines()
    assert json.loads(first)["path"] == "/status"


def secret_of(connection: lifecycle.Connection) -> str:
    secret = urlsplit(connection.proxy_url).password or ""
    assert re.fullmatch("[0-9a-f]{32}", secret)
    return secret


def wait_for_end(home: Path, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        lock = Home(home).claim()
        if lock is not None:
            os.close(lock)
            return
        time.sleep(0.05)
    raise AssertionError("the emulator still runs")
