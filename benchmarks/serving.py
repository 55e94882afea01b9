"""/score through the gateway beside the inference server alone: the same container, model and requests, by turns.

    python -m benchmarks.serving [--requests 200] [--tokens 8]

Both sides are asked by the same client over a connection that is kept; the server closes its own after each answer,
as under Azure's front door. "gateway" adds what stands between a client and the container: TLS, the key, the traffic
split, limits and the relay. Budget: 3 ms at the median of one client. Where the machine has other work, the processor
time that the emulator spends on a request says more than the difference.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import ssl
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.results import at_most, report
from phift.emulator.host import lifecycle
from tests.emulator.client import Azure
from tests.emulator.serving import Serving, chat

Ask = Callable[[], None]
BUDGET = 3.0
"""Milliseconds at the median of one client."""


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("container")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def alone(path: str, body: bytes) -> Ask:
    def ask() -> None:
        connection = UnixConnection(path)
        connection.request("POST", "/score", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert (answer.status, answer.read()[:1]) == (200, b"{")
        connection.close()

    return ask


def through(connection: lifecycle.Connection, endpoint: str, key: str, body: bytes) -> Ask:
    host = f"{endpoint}.{connection.location}.inference.ml.azure.com"
    trust = ssl.create_default_context(cafile=connection.ca_file)
    kept = http.client.HTTPSConnection("127.0.0.1", connection.port, context=trust)
    kept.set_tunnel(host, 443, connection.proxy_headers)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

    def ask() -> None:
        kept.request("POST", "/score", body, headers)
        answer = kept.getresponse()
        assert (answer.status, answer.read()[:1]) == (200, b"{")

    return ask


def measure(make: Callable[[], Ask], clients: int, requests: int) -> list[float]:
    """Milliseconds of each request, `clients` at a time."""
    times: list[float] = []

    def client() -> None:
        ask = make()
        ask()
        for _ in range(requests // clients):
            began = time.perf_counter()
            ask()
            times.append((time.perf_counter() - began) * 1000)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def processor_seconds(pid: int) -> float:
    """What a process has spent, without its children."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def quantiles(times: list[float]) -> tuple[float, float]:
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200, help="of each side at each concurrency")
    parser.add_argument("--tokens", type=int, default=8)
    options = parser.parse_args()
    body = json.dumps(chat("What is the capital of France?", max_new_tokens=options.tokens)).encode()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        connection = lifecycle.ensure(home, idle_seconds=600)
        try:
            azure = Azure(connection)
            serving = Serving(azure)
            serving.endpoint("bench")
            model = serving.model("bench")
            settings = {"requestTimeout": "PT60S", "maxConcurrentRequestsPerInstance": 4}
            began = time.perf_counter()
            serving.deployment("bench", "blue", model, capacity=2, requestSettings=settings)
            print(f"deployment of 2 instances: {time.perf_counter() - began:.1f} s\n")
            serving.endpoint("bench", traffic={"blue": 100})
            key = serving.key("bench")
            sockets = Path((home / "deployments" / ".sockets").read_text())
            path = str(next(sockets.iterdir()))
            print(f"{'clients':>7} {'':8} {'p50 ms':>8} {'p99 ms':>8}")
            for clients in (1, 4):
                sides: dict[str, list[float]] = {"alone": [], "gateway": []}
                spent = 0.0
                for _ in range(4):  # by turns, so that what else the machine does hits both
                    share = options.requests // 4
                    sides["alone"] += measure(lambda: alone(path, body), clients, share)
                    before = processor_seconds(connection.pid)
                    sides["gateway"] += measure(lambda: through(connection, "bench", key, body), clients, share)
                    spent += processor_seconds(connection.pid) - before
                rows = {name: quantiles(times) for name, times in sides.items()}
                for name, (p50, p99) in rows.items():
                    print(f"{clients:>7} {name:8} {p50:8.1f} {p99:8.1f}")
                (a50, a99), (g50, g99) = rows["alone"], rows["gateway"]
                if clients == 1:
                    at_most("gateway beside the inference server, p50", g50 - a50, BUDGET, "ms", digits=1)
                    report("the same, ratio at p99", f"{g99 / a99:.2f}")
                    each = spent / len(sides["gateway"]) * 1000
                    report("the same, processor time of the emulator", f"{each:.2f} ms a request")
                    print(f"{'':7} emulator {each:8.2f} ms of processor time a request")
                print(f"{'':7} {'ratio':8} {g50 / a50:8.2f} {g99 / a99:8.2f}   {g50 - a50:+.1f} ms at p50\n")
        finally:
            lifecycle.stop(home)


if __name__ == "__main__":
    main()
