"""Starting, finding and stopping the daemon, as the command line does."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from phift.emulator import lifecycle
from phift.emulator.home import Home
from phift.errors import EmulatorError


def test_start_find_stop(home: Path) -> None:
    assert lifecycle.find(home) is None
    assert not home.exists(), "looking makes nothing"
    connection = lifecycle.ensure(home)
    assert lifecycle.ensure(home) == connection
    assert lifecycle.find(home) == connection
    assert connection.client_secret not in repr(connection)
    assert connection.admin_token not in repr(connection)
    assert os.getsid(connection.pid) != os.getsid(0), "Ctrl-C in this terminal must not reach it"
    told = lifecycle.status(home)
    assert told is not None
    assert told["busy"] is False
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


def test_a_broken_home_fails_with_the_end_of_the_log(home: Path) -> None:
    Home(home)
    (home / "store.sqlite3").write_text("this is not a database, and it is long enough to be read as one" * 40)
    with pytest.raises(EmulatorError, match="could not start") as caught:
        lifecycle.ensure(home)
    assert "not a database" in caught.value.detail


def test_another_version_is_replaced_when_idle(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = lifecycle.ensure(home)
    monkeypatch.setattr(lifecycle, "__version__", "9.9.9")
    assert lifecycle.find(home) is None
    with pytest.raises(EmulatorError, match="does not answer"):  # the new one is of the old version here
        lifecycle.ensure(home)
    assert first.pid != (lifecycle.status(home) or {})["pid"]


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
        assert connection.admin_token not in text
        assert connection.client_secret not in text
        assert "Bearer" not in text
    first, *_ = lifecycle.log_files(home)[1].read_text().splitlines()
    assert json.loads(first)["path"] == "/status"


def wait_for_end(home: Path, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        lock = Home(home).claim()
        if lock is not None:
            os.close(lock)
            return
        time.sleep(0.05)
    raise AssertionError("the emulator still runs")
