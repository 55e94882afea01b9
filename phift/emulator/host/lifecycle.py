"""Starting, finding and stopping the emulator, for the command line. Standard library only."""

from __future__ import annotations

import http.client
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from phift import __version__
from phift.emulator.core.environment import client_environment
from phift.emulator.host.gate import authorization, proxy_url, shown_url
from phift.emulator.host.home import ENDPOINT_FORMAT, Home
from phift.emulator.host.listener import is_own
from phift.errors import EmulatorError

__all__ = [
    "Connection",
    "ensure",
    "environment",
    "find",
    "log_files",
    "request",
    "reset",
    "status",
    "stop",
]

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_REQUEST_SECONDS = 10.0


@dataclass(frozen=True)
class Connection:
    """How to reach a running emulator. Secrets stay out of the repr.

    proxy_url: for clients and environments; it holds the home's secret, and `shown_url` is what to show instead.
    """

    port: int
    proxy_url: str = field(repr=False)
    ca_file: str
    subscription_id: str
    resource_group: str
    workspace_name: str
    location: str
    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)
    pid: int

    def alone(self) -> Connection:
        """The same for a client that talks to nobody else: it trusts the emulator's own authority, and need not read
        the public ones, which takes longer than all requests of a plan."""
        own = Path(self.ca_file).with_name("ca.pem")
        return replace(self, ca_file=str(own)) if own.is_file() else self

    @property
    def shown_url(self) -> str:
        """The proxy's URL with the secret masked."""
        return shown_url(self.port)

    @property
    def proxy_headers(self) -> dict[str, str]:
        """What a client that does not read credentials from the URL sends to the proxy, with CONNECT too."""
        return {"Proxy-Authorization": authorization(unquote(urlsplit(self.proxy_url).password or ""))}


def ensure(home: Path | None = None, *, port: int | None = None, idle_seconds: float | None = None) -> Connection:
    """The running emulator of a home (default: Home.locate()), started in the background where there is none.

    port: loopback port for a start; default is the one of the last start. An idle emulator of another version of phift
    is replaced. Raises EmulatorError with the log's end when it cannot start.
    """
    place = Home(home or Home.locate())
    if found := _find(place):
        return found
    with place.starting():
        if found := _find(place):
            return found
        if running := _alive(place):
            _replace(place, running)
        return _start(place, port, idle_seconds)


def find(home: Path | None = None) -> Connection | None:
    """The running emulator of a home, or None; starts nothing and makes no folder."""
    path = home or Home.locate()
    return _find(Home(path)) if path.is_dir() else None


def status(home: Path | None = None) -> dict[str, Any] | None:
    """What the running emulator says of itself, or None when none runs."""
    path = home or Home.locate()
    return _alive(Home(path)) if path.is_dir() else None


def stop(home: Path | None = None) -> bool:
    """Stops the emulator and waits for its end; False when none ran. Raises EmulatorError when it does not end."""
    path = home or Home.locate()
    return _stop(Home(path)) if path.is_dir() else False


def reset(home: Path | None = None) -> None:
    """Empties the workspace: in place when an emulator runs, on disk when none does. Names and certificates stay."""
    place = Home(home or Home.locate())
    if connection := _find(place):
        request(connection, "POST", "/reset")
        return
    if running := _alive(place):
        raise EmulatorError(
            f"The emulator of {_whose(running)} is running in {place.path}; this is phift {__version__}.",
            remedy="Stop it first: phift emulator stop",
        )
    lock = place.claim()
    if lock is None:
        raise EmulatorError("An emulator uses this home but does not answer.", remedy="phift emulator stop")
    try:
        place.wipe()
    finally:
        os.close(lock)


def log_files(home: Path | None = None) -> tuple[Path, Path]:
    """The daemon's log (text) and the request log (JSON lines); either may not exist yet."""
    logs = (home or Home.locate()) / "logs"
    return logs / "daemon.log", logs / "requests.log"


def request(connection: Connection, method: str, path: str, body: Any = None) -> Any:
    """An admin request (see services/admin/); the answer's JSON. Raises EmulatorError when there is none, or a no."""
    return _request(connection.port, connection.proxy_headers, method, path, body)


def environment(connection: Connection) -> dict[str, str]:
    """The variables with which any unmodified Azure client reaches the emulator; they hold the home's client secret."""
    return client_environment(
        proxy_url=connection.proxy_url,
        ca_file=connection.ca_file,
        subscription_id=connection.subscription_id,
        resource_group=connection.resource_group,
        workspace_name=connection.workspace_name,
        tenant_id=connection.tenant_id,
        client_id=connection.client_id,
        client_secret=connection.client_secret,
    )


def _alive(home: Home) -> dict[str, Any] | None:
    """The status of whatever emulator answers for this home, of any version."""
    try:
        answer = _ask(home, "GET", "/status")
    except EmulatorError:
        return None
    return answer if isinstance(answer, dict) and answer.get("home") == str(home.path) else None


def _ask(home: Home, method: str, path: str) -> Any:
    """An admin request to the emulator that wrote the home's endpoint.json. Raises EmulatorError."""
    endpoint = home.endpoint() or {}
    port, pid = endpoint.get("port"), endpoint.get("pid")
    if not isinstance(port, int) or not isinstance(pid, int) or not is_own(pid, port, home.path):
        raise EmulatorError("The emulator does not run.")
    headers = {"Proxy-Authorization": authorization(home.identity().proxy_secret)}
    if token := endpoint.get("admin_token"):  # of an emulator that was there before this release
        headers["Authorization"] = f"Bearer {token}"
    return _request(port, headers, method, path)


def _find(home: Home) -> Connection | None:
    answer, endpoint = _alive(home), home.endpoint() or {}
    if answer is None or answer["version"] != __version__ or endpoint.get("format") != ENDPOINT_FORMAT:
        return None
    identity, port = home.identity(), endpoint["port"]
    return Connection(
        port=port,
        proxy_url=proxy_url(identity.proxy_secret, port),
        ca_file=answer["ca_file"],
        subscription_id=identity.subscription_id,
        resource_group=identity.resource_group,
        workspace_name=identity.workspace_name,
        location=identity.location,
        tenant_id=identity.tenant_id,
        client_id=identity.client_id,
        client_secret=identity.client_secret,
        pid=answer["pid"],
    )


def _replace(home: Home, running: dict[str, Any]) -> None:
    if running.get("busy"):
        raise EmulatorError(
            f"The emulator of {_whose(running)} is running in {home.path}, and has work to do.",
            detail=f"This is phift {__version__}.",
            remedy="Wait for its work to end, or stop it: phift emulator stop",
        )
    _stop(home)


def _whose(running: dict[str, Any]) -> str:
    same = running["version"] == __version__
    return "an earlier phift" if same else f"phift {running['version']}"


def _start(home: Home, port: int | None, idle_seconds: float | None) -> Connection:
    logs = home.path / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    command = [sys.executable, "-P", "-m", "phift.emulator.host.daemon", "--home", str(home.path)]
    command += [] if port is None else ["--port", str(port)]
    command += [] if idle_seconds is None else ["--idle-seconds", str(idle_seconds)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "ARM_"))}
    root = str(Path(__file__).resolve().parents[3])
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (root, kept.get("PYTHONPATH"))))
    with os.fdopen(os.open(logs / "daemon.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=home.path,
            env=kept,
            start_new_session=True,  # Ctrl-C in the terminal is not meant for it
        )
    message = _first_line(process)
    if "ready" not in message:
        raise EmulatorError(
            message.get("error") or "The emulator could not start.",
            detail="" if "error" in message else _tail(logs / "daemon.log"),
            remedy=message.get("remedy")
            or f"See {logs / 'daemon.log'}; the extra it needs: pip install 'phift[local]'",
        )
    connection = _find(home)
    if connection is None:
        raise EmulatorError("The emulator started but does not answer.", detail=_tail(logs / "daemon.log"))
    return connection


def _first_line(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    with process.stdout as stream, selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        if not selector.select(_START_SECONDS):
            process.kill()
            process.wait()
            return {"error": f"The emulator did not start within {_START_SECONDS:.0f} s."}
        line = stream.readline()
    try:
        message = json.loads(line)
    except ValueError:
        process.wait()
        return {}
    process.returncode = 0 if "ready" in message else process.wait()  # detached: not ours to wait for
    return message if isinstance(message, dict) else {}


def _stop(home: Home) -> bool:
    lock = home.claim()
    if lock is not None:
        os.close(lock)
        return False
    endpoint = home.endpoint() or {}
    pid = endpoint.get("pid")
    try:
        _ask(home, "POST", "/stop")
    except EmulatorError:
        _signal(pid, signal.SIGTERM)
    if _released(home, _STOP_SECONDS):
        return True
    _signal(pid, signal.SIGKILL)
    if _released(home, 5.0):
        home.withdraw()
        return True
    raise EmulatorError(f"The emulator in {home.path} does not stop (process {pid}).")


def _released(home: Home, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        lock = home.claim()
        if lock is not None:
            os.close(lock)
            return True
        time.sleep(0.02)
    return False


def _signal(pid: int | None, number: signal.Signals) -> None:
    """The pid is that of the process holding the home's lock, so it cannot have been given to another program."""
    if pid:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return


def _request(port: int, headers: dict[str, str], method: str, path: str, body: Any = None) -> Any:
    channel = http.client.HTTPConnection("127.0.0.1", port, timeout=_REQUEST_SECONDS)
    try:
        data = None if body is None else json.dumps(body).encode()
        channel.request(method, path, data, {"Content-Type": "application/json", **headers})
        response = channel.getresponse()
        text = response.read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise EmulatorError(f"The emulator does not answer: {error}", remedy="phift emulator status") from error
    finally:
        channel.close()
    if response.status >= 400:
        raise EmulatorError(f"The emulator refused {method} {path}: {_said(text)}")
    return json.loads(text) if text else None


def _said(text: str) -> str:
    """The message in an error's document, or the text where it is none."""
    try:
        document = json.loads(text)
    except ValueError:
        return text.strip()
    error = document.get("error") if isinstance(document, dict) else None
    return str(error.get("message", text)) if isinstance(error, dict) else text


def _tail(path: Path, lines: int = 20) -> str:
    try:
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
