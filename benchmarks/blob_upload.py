"""Upload and download rate of the embedded Azure ML's blob storage, and what it costs in memory.

    python -m benchmarks.blob_upload [--mib 300]

The daemon is a process of its own, so its memory is measured apart from the client's. The client shares the machine's
cores with it: the rate is that of both.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from azure.storage.blob import BlobServiceClient

from benchmarks.results import report as row
from phift.emulator.core.store import Store
from phift.emulator.host.gate import proxy_url
from phift.emulator.host.home import Home
from phift.emulator.services.blob.sas import account_sas

MIB = 1024 * 1024


def memory_mib(pid: int, field: str) -> float:
    """VmRSS or VmHWM of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+)", status)[1]) / 1024


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=300)
    size = parser.parse_args().mib
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "phift.emulator.host.daemon", "--home", folder, "--port", "0"]
        daemon = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            ready = json.loads(daemon.stdout.readline())["ready"]
            measure(Home(Path(folder)), ready["port"], daemon.pid, size)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(20)
    return 0


def measure(home: Home, port: int, pid: int, size: int) -> None:
    identity = home.identity()
    store = Store(home.path / "store.sqlite3")
    key = store.get("storageAccount", identity.storage_account)["key"]
    store.close()
    sas = account_sas(identity.storage_account, key, permissions="rcuwdl", seconds=3600)
    url = f"https://{identity.storage_account}.blob.core.windows.net"
    proxies, bundle = {"https": proxy_url(identity.proxy_secret, port)}, str(home.path / "tls" / "bundle.pem")
    service = BlobServiceClient(url, credential=sas, proxies=proxies, connection_verify=bundle, retry_total=0)
    blob = service.get_blob_client(identity.container, "big.bin")
    blob.upload_blob(b"warm", overwrite=True)
    before = memory_mib(pid, "VmRSS")
    print(f"at rest: {before:.0f} MiB resident")

    used = processor_seconds(pid)

    def report(what: str, seconds: float, mib: float) -> None:
        nonlocal used
        growth, now = memory_mib(pid, "VmHWM") - before, processor_seconds(pid)
        print(
            f"{what}: {mib / seconds:.0f} MiB/s, {mib / (now - used):.0f} MiB per processor second of the daemon, "
            f"peak {growth:+.0f} MiB resident"
        )
        row(what, f"{mib / seconds:.0f} MiB/s, peak {growth:+.0f} MiB")
        used = now

    session = requests.Session()
    session.trust_env, session.proxies, session.verify = False, proxies, bundle
    chunk = os.urandom(MIB)
    target = f"{url}/{identity.container}/single.bin{sas}"
    started = time.perf_counter()
    answer = session.put(
        target,
        data=Repeated(chunk, size),
        headers={"x-ms-blob-type": "BlockBlob", "x-ms-version": "2021-08-06", "Content-Length": str(size * MIB)},
    )
    assert answer.status_code == 201, answer.text
    report(f"one PUT of {size} MiB", time.perf_counter() - started, size)

    with tempfile.NamedTemporaryFile() as file:
        for _ in range(size):
            file.write(chunk)
        file.flush()
        file.seek(0)
        started = time.perf_counter()
        blob.upload_blob(file, overwrite=True, max_concurrency=16, length=size * MIB)
        report(f"{size} MiB in 4 MiB blocks, 16 at once", time.perf_counter() - started, size)

    started = time.perf_counter()
    received = sum(len(part) for part in session.get(target, stream=True).iter_content(MIB))
    assert received == size * MIB
    report(f"GET of {size} MiB", time.perf_counter() - started, size)

    measure_small(f"{url}/{identity.container}/small", sas, session, 1)
    measure_small(f"{url}/{identity.container}/small", sas, session, 8)


def measure_small(base: str, sas: str, session: requests.Session, clients: int) -> None:
    times: list[float] = []

    def put(name: str) -> float:
        started = time.perf_counter()
        session.put(f"{base}/{name}{sas}", data=b"x" * 100, headers={"x-ms-blob-type": "BlockBlob"}).raise_for_status()
        return (time.perf_counter() - started) * 1000

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(put, [f"warm/{number}" for number in range(clients * 4)]))  # connections are opened here
        times = sorted(pool.map(put, [f"{clients}/{number}" for number in range(400)]))
    row(f"small PUT, clients: {clients}", f"p50 {times[200]:.1f} ms, p99 {times[396]:.1f} ms")
    print(f"small PUT, clients: {clients}: p50 {times[200]:.1f} ms, p99 {times[396]:.1f} ms")


class Repeated:
    """A file-like body: one chunk again and again."""

    def __init__(self, chunk: bytes, count: int) -> None:
        self._chunk, self._left = chunk, count

    def read(self, size: int = -1) -> bytes:
        if not self._left:
            return b""
        self._left -= 1
        return self._chunk


if __name__ == "__main__":
    sys.exit(main())
