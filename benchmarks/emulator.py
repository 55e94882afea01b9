"""How fast the embedded Azure ML is: start-up, control-plane requests, blob upload, scoring, memory at rest.

    python -m benchmarks.emulator [--clients 8] [--megabytes 512]

Prints a Markdown table. It needs `phift[local]`, a quiet machine, and a minute.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import ssl
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.results import REPORTED, at_least, at_most, report, table
from phift.emulator.host import lifecycle
from tests.emulator.client import Azure
from tests.emulator.serving import Serving

ROUNDS = 200
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
PARALLEL = 100
LIMIT = 10
"""maxConcurrentRequestsPerInstance of the scoring test; the gateway takes twice as many at a time."""
SCRIPT = "import time\ndef init():\n    pass\ndef run(data):\n    time.sleep(2.0)\n    return 'ok'\n"
"""No request ends before the last of a burst has come, whatever the client needs to send a hundred."""


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def start_up(home: Path) -> tuple[float, lifecycle.Connection]:
    """Seconds until the first start of a new home, and of one that is there, has answered."""
    lifecycle.ensure(home, idle_seconds=600)
    lifecycle.stop(home)
    times = []
    for _ in range(3):
        began = time.perf_counter()
        lifecycle.ensure(home, idle_seconds=600)
        times.append(time.perf_counter() - began)
        lifecycle.stop(home)
    return statistics.median(times), lifecycle.ensure(home, idle_seconds=600)


def memory(pid: int) -> float:
    """MiB that a process holds in memory."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


class Client:
    """One kept connection that does as little as HTTP allows: the client's own work is not to be measured, and shares
    the machine with the emulator's."""

    def __init__(self, azure: Azure) -> None:
        plain = socket.create_connection(("127.0.0.1", azure.connection.port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        credential = "".join(f"{name}: {value}\r\n" for name, value in azure.connection.proxy_headers.items())
        head = f"CONNECT management.azure.com:443 HTTP/1.1\r\nHost: management.azure.com:443\r\n{credential}\r\n"
        plain.sendall(head.encode())
        assert b" 200 " in plain.recv(4096)
        trust = ssl.create_default_context(cafile=azure.connection.ca_file)
        self._channel = trust.wrap_socket(plain, server_hostname="management.azure.com")
        self._head = f"Host: management.azure.com\r\nAuthorization: Bearer {azure.token()}\r\n".encode()
        self._workspace = azure.workspace

    def send(self, method: str, path: str, body: bytes = b"") -> float:
        """Milliseconds of a request that must go well."""
        line = f"{method} {self._workspace}/{path}?api-version=2023-04-01 HTTP/1.1\r\n".encode()
        about = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body) if body else b""
        began = time.perf_counter()
        self._channel.sendall(b"".join((line, self._head, about, b"\r\n", body)))
        answer = self._channel.recv(65536)
        while (split := answer.find(b"\r\n\r\n")) < 0:
            answer += self._channel.recv(65536)
        found = _LENGTH.search(answer, 0, split)
        missing = (int(found[1]) if found else 0) - (len(answer) - split - 4)
        while missing > 0:
            missing -= len(self._channel.recv(65536))
        assert answer.startswith(b"HTTP/1.1 2"), answer
        return (time.perf_counter() - began) * 1000


def requests_by(connection: lifecycle.Connection, clients: int) -> dict[str, list[float]]:
    """Milliseconds of puts, gets, lists and deletes of data versions, from so many clients at once."""
    times: dict[str, list[float]] = {"PUT": [], "GET": [], "LIST": [], "DELETE": []}
    lock = threading.Lock()

    def client(number: int) -> None:
        azure = Azure(connection)
        channel = Client(azure)
        channel.send("GET", "computes")
        document = {"dataType": "uri_file", "dataUri": "azureml://datastores/workspaceblobstore/paths/x"}
        body = json.dumps({"properties": document}).encode()
        own: dict[str, list[float]] = {name: [] for name in times}
        for index in range(ROUNDS):
            name = f"data/d{number}-{index % 10}/versions"
            own["PUT"].append(channel.send("PUT", f"{name}/{index}", body))
            own["GET"].append(channel.send("GET", f"{name}/{index}"))
            own["LIST"].append(channel.send("GET", name))
            own["DELETE"].append(channel.send("DELETE", f"{name}/{index}"))
        azure.session.close()
        with lock:
            for name, values in own.items():
                times[name] += values

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))
    return times


def server_times(connection: lifecycle.Connection) -> list[float]:
    """Milliseconds the last requests took inside the emulator, by its own log."""
    rows = lifecycle.request(connection, "GET", "/requests?count=5000")["value"]
    return [row["ms"] for row in rows if "/data/" in row["path"]]


def upload(connection: lifecycle.Connection, megabytes: int) -> float:
    """MB a second of a blob in blocks of 8 MiB, four at a time."""
    azure = Azure(connection)
    properties = azure.call("GET", "datastores/workspaceblobstore").json()["properties"]
    url = f"https://{properties['accountName']}.blob.core.windows.net/{properties['containerName']}/benchmark"
    token = azure.token("https://storage.azure.com")
    block = os.urandom(8 * 1024 * 1024)
    count = max(1, megabytes // 8)

    def put(number: int) -> None:
        client = sessions[number % len(sessions)]
        query = {"comp": "block", "blockid": f"{number:08d}"}
        answer = client.session.put(url, params=query, data=block, headers=headers)
        assert answer.status_code == 201, answer.text

    headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2026-02-06"}
    sessions = [Azure(connection) for _ in range(4)]
    began = time.perf_counter()
    with ThreadPoolExecutor(len(sessions)) as pool:
        list(pool.map(put, range(count)))
    names = "".join(f"<Latest>{number:08d}</Latest>" for number in range(count))
    listed = f"<BlockList>{names}</BlockList>"
    assert azure.session.put(url, params={"comp": "blocklist"}, data=listed, headers=headers).status_code == 201
    return count * 8 * 1.048576 / (time.perf_counter() - began)


def scoring(connection: lifecycle.Connection) -> tuple[Counter[int], Counter[int]]:
    """Statuses of as many parallel requests as the limit allows, and of a hundred."""
    azure = Azure(connection)
    serving = Serving(azure)
    model = serving.model("benchmark", {"a": b"b"}, kind="custom_model")
    serving.endpoint("benchmark")
    settings = {"maxConcurrentRequestsPerInstance": LIMIT, "requestTimeout": "PT60S"}
    code = {"codeId": serving.code("benchmark", SCRIPT), "scoringScript": "score.py"}
    serving.deployment(
        "benchmark",
        "one",
        model,
        codeConfiguration=code,
        requestSettings=settings,
        environmentVariables={"WORKER_COUNT": "4"},
    )
    serving.endpoint("benchmark", traffic={"one": 100})
    key = serving.key("benchmark")
    clients = [Serving(Azure(connection)) for _ in range(PARALLEL)]
    for client in clients:  # connected, so that a burst arrives as one
        assert client.score("benchmark", {}, key="wrong").status_code == 401

    def burst(count: int) -> Counter[int]:
        ready = threading.Barrier(count)

        def ask(client: Serving) -> int:
            ready.wait()
            return client.score("benchmark", {"data": 1}, key=key).status_code

        with ThreadPoolExecutor(count) as pool:
            return Counter(pool.map(ask, clients[:count]))

    return burst(2 * LIMIT), burst(PARALLEL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--megabytes", type=int, default=512)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        try:
            started, connection = start_up(home)
            resting = memory(connection.pid)
            by_kind = requests_by(connection, options.clients)
            inside = server_times(connection)
            rate = upload(connection, options.megabytes)
            within, beyond = scoring(connection)
            at_most("start-up", started, 1.5, "s")
            report("memory at rest", f"{resting:.0f} MiB")
            for name, times in by_kind.items():
                for share, budget in ((0.5, 5), (0.99, 25)):
                    what = f"{name}, {options.clients} clients, p{share * 100:.0f}"
                    at_most(what, percentile(times, share), budget, "ms", digits=1)
            shown = f"p50 {percentile(inside, 0.5):.1f} ms, p99 {percentile(inside, 0.99):.1f} ms"
            report("the same, inside the emulator", shown)
            at_least("blob upload in blocks of 8 MiB", rate, 200, "MB/s", digits=0)
            for count, found in ((2 * LIMIT, within), (PARALLEL, beyond)):
                wanted = Counter({200: 2 * LIMIT}) + Counter({429: count - 2 * LIMIT})
                report(
                    f"{count} requests at once, limit {2 * LIMIT}", str(dict(found)), str(dict(wanted)), found == wanted
                )
            print(table(REPORTED))
        finally:
            lifecycle.stop(home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
