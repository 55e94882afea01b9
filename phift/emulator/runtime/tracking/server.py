"""The tracking server as the emulator sees it: started when first needed, spoken to over a unix socket.

Requests are HTTP/1.0, one connection each: over a local socket that costs a fraction of a millisecond and leaves
nothing to keep alive, pool or retry.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import math
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from phift.emulator.runtime.child import Child, spawn_child

__all__ = ["Reply", "TrackingError", "TrackingServer"]

logger = logging.getLogger("phift.emulator")

START_SECONDS = 90.0  # a first start compiles and imports all of MLflow and makes the database
POLL_SECONDS = 0.05
METRICS_A_CALL = 1000  # what MLflow takes in one log-batch
PARAMETERS_A_CALL = 100  # MLflow takes no more at once


class TrackingError(Exception):
    """The tracking server could not be started, or refused a request of ours."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer. headers: names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class TrackingServer:
    """MLflow's tracking server, a child process. folder: where its database, artifacts and log are kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._starting = asyncio.Lock()
        self._child: Child | None = None
        self._sockets: Path | None = None

    async def ensure(self) -> None:
        """Start the server unless it runs; raises TrackingError when it does not come up."""
        await self._running()

    async def request(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request, starting the server when it does not run; raises TrackingError when it cannot be reached.

        target: path and query, encoded as on the wire.
        """
        socket = await self._running()
        try:
            reader, writer = await asyncio.open_unix_connection(str(socket))
        except OSError as error:
            raise TrackingError(f"the MLflow tracking server cannot be reached: {error}") from error
        try:
            lines = [f"{method} {target} HTTP/1.0", "Host: localhost", f"Content-Length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
            writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            payload = await reader.read() if method != "HEAD" else b""
        except (OSError, asyncio.IncompleteReadError) as error:
            raise TrackingError(f"the MLflow tracking server broke off: {error}") from error
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        status, *fields = head.decode("latin-1").split("\r\n")
        pairs = (field.partition(":") for field in fields if field)
        return Reply(int(status.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}, payload)

    async def call(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A JSON request of our own; raises TrackingError unless it is answered with 200."""
        reply = await self.request(method, path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        if reply.status != 200:
            raise TrackingError(f"{method} {path}: {reply.status} {reply.body[:300].decode(errors='replace')}")
        answer: dict[str, Any] = json.loads(reply.body or b"{}")
        return answer

    async def make_run(
        self, run_id: str, experiment: str, name: str, start_time: float, tags: Mapping[str, str]
    ) -> str:
        """Make the run unless it exists; returns the id of its experiment. start_time: seconds since the epoch."""
        body = {
            "run_id": run_id,
            "experiment": experiment,
            "name": name,
            "start_time": int(start_time * 1000),
            "tags": dict(tags),
        }
        made = await self.call("POST", "/phift/runs", body)
        return str(made["experiment_id"])

    def artifacts(self, experiment_id: str, run_id: str) -> Path:
        """The folder of a run's artifacts, which may not exist."""
        return self._folder / "artifacts" / experiment_id / run_id / "artifacts"

    async def metric(self, run_id: str, name: str) -> list[float]:
        """The finite values of a metric of a run in the order in which they were logged; [] for a run without it."""
        query = urlencode({"run_id": run_id, "metric_key": name})
        reply = await self.request("GET", f"/api/2.0/mlflow/metrics/get-history?{query}")
        if reply.status != 200:
            return []
        points = json.loads(reply.body or b"{}").get("metrics") or []
        ordered = sorted(points, key=lambda point: (int(point.get("timestamp") or 0), int(point.get("step") or 0)))
        return [value for point in ordered if math.isfinite(value := float(point["value"]))]

    async def end_run(self, run_id: str, status: str, end_time: float) -> None:
        """status: FINISHED, FAILED or KILLED."""
        body = {"run_id": run_id, "status": status, "end_time": int(end_time * 1000)}
        await self.call("POST", "/api/2.0/mlflow/runs/update", body)

    async def start_run(self, run_id: str) -> None:
        await self.call("POST", "/api/2.0/mlflow/runs/update", {"run_id": run_id, "status": "RUNNING"})

    async def log(
        self,
        run_id: str,
        metrics: list[dict[str, Any]],
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        """metrics: {key, value, step, timestamp in ms}. Logging the same again changes nothing."""
        params = [{"key": key, "value": value} for key, value in (parameters or {}).items()]
        while metrics or params:
            now, metrics = metrics[:METRICS_A_CALL], metrics[METRICS_A_CALL:]
            some, params = params[:PARAMETERS_A_CALL], params[PARAMETERS_A_CALL:]
            body = {"run_id": run_id, "metrics": now, "params": some}
            await self.call("POST", "/api/2.0/mlflow/runs/log-batch", body)

    async def stop(self) -> None:
        """End the process and remove its socket; it starts again when next needed."""
        if self._child:
            await self._child.stop()
            self._child = None
        if self._sockets:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None

    async def _running(self) -> Path:
        async with self._starting:
            if self._child and self._child.running and self._sockets:
                return self._sockets / "mlflow.sock"
            await self.stop()
            return await self._start()

    async def _start(self) -> Path:
        self._sockets = _socket_folder(self._folder)
        socket = self._sockets / "mlflow.sock"
        artifacts = self._folder / "artifacts"
        artifacts.mkdir(parents=True, exist_ok=True)
        log = self._folder / "server.log"
        self._child = await spawn_child(
            "phift.emulator.runtime.tracking.process",
            str(socket),
            str(self._folder / "mlflow.db"),
            str(artifacts),
            log=log,
            prefix=("-W", "ignore"),
        )
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while asyncio.get_running_loop().time() < deadline and self._child.running:
            with suppress(OSError):
                _, writer = await asyncio.open_unix_connection(str(socket))
                writer.close()
                return socket
            await asyncio.sleep(POLL_SECONDS)
        await self.stop()
        raise TrackingError(f"the MLflow tracking server did not start; see {log}")


def _socket_folder(folder: Path) -> Path:
    """A private folder for the socket, the same one for the same home, so that killed emulators leave no heap of them.

    Not under the home: unix socket paths are limited to about 100 bytes. Should the name be taken by somebody else's
    folder, a random one is made.
    """
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    wanted = Path(tempfile.gettempdir()) / f"phift-mlflow-{os.getuid()}-{digest}"
    shutil.rmtree(wanted, ignore_errors=True)
    try:
        wanted.mkdir(mode=0o700)
    except FileExistsError:
        return Path(tempfile.mkdtemp(prefix="phift-mlflow-"))
    return wanted
