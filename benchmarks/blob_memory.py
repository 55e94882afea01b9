"""What a large upload costs in memory: by phift's own client and by azure-storage-blob, into the embedded Azure ML.

    python -m benchmarks.blob_memory [--gib 5]

Emulator and clients are processes of their own; of each is told how far its peak (VmHWM) rose above what it held.
Needs three times the size in free disk space, under TMPDIR; all of it is given back.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.results import at_most, report
from phift.emulator.host import lifecycle

MIB = 1024 * 1024
FLAT = 64
"""MiB that a peak may rise, whatever the size."""
CLIENTS = {"phift": "phift's BlobStore", "sdk": "azure-storage-blob", "get": "azure-storage-blob, download"}


def memory_mib(pid: int | str, field: str) -> float:
    """VmRSS or VmHWM of a process."""
    return int(re.search(rf"{field}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=5)
    parser.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    parser.add_argument("folder", nargs="?", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.client:
        told = {"phift": by_phift, "sdk": by_sdk, "get": download}[arguments.client](arguments.folder)
        print(json.dumps(told))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), int(arguments.gib * 1024))
    return 0


def measure(folder: Path, size: int) -> None:
    source, chunk = folder / "source.bin", os.urandom(MIB)
    with source.open("wb") as stream:
        for number in range(size):
            stream.write(number.to_bytes(8) + chunk[8:])
    home = folder / "home"
    lifecycle.ensure(home, idle_seconds=3600)
    try:
        pid = lifecycle.status(home)["pid"]
        print(f"{size} MiB; the emulator at rest holds {memory_mib(pid, 'VmRSS'):.0f} MiB")
        results: dict[str, dict[str, float]] = {}
        for client, title in CLIENTS.items():
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # VmHWM starts anew
            before = memory_mib(pid, "VmRSS")
            environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
            command = [sys.executable, "-m", "benchmarks.blob_memory", "--client", client, str(folder)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
            told = results[client] = json.loads(done.stdout)
            risen = memory_mib(pid, "VmHWM") - before
            at_most(f"{size} MiB by {title}: memory of the emulator", risen, FLAT, "MiB", digits=0)
            print(
                f"{title}: {size / told['seconds']:.0f} MiB/s; emulator {risen:+.0f} MiB "
                f"at most; client {told['growth']:+.0f} MiB at most, {told['processor']:.1f} processor seconds",
                flush=True,
            )
        grown = {CLIENTS[client]: told["growth"] for client, told in results.items()}
        at_most(f"{size} MiB: memory of {CLIENTS['phift']}", grown.pop(CLIENTS["phift"]), FLAT, "MiB", digits=0)
        for title, growth in grown.items():
            report(f"{size} MiB: memory of {title}", f"{growth:.0f} MiB")
        ratio = results["phift"]["processor"] / results["sdk"]["processor"]
        report("processor seconds over azure-storage-blob", f"{ratio:.2f}")
        print(f"processor seconds of phift's upload over those of azure-storage-blob: {ratio:.2f}")
    finally:
        lifecycle.stop(home)


def watched(work):
    """Seconds, those of the processor, and how far this process's peak rose."""
    Path("/proc/self/clear_refs").write_text("5")
    before, started, used = memory_mib("self", "VmRSS"), time.perf_counter(), time.process_time()
    work()
    return {
        "seconds": time.perf_counter() - started,
        "processor": time.process_time() - used,
        "growth": memory_mib("self", "VmHWM") - before,
    }


def by_phift(folder: Path):
    from phift.azure.connect import connect

    azure = connect(None, local=lifecycle.find(folder / "home"))
    azure.blobs.put("warm", b"")
    return watched(lambda: azure.blobs.upload(folder / "source.bin", "by-phift"))


def by_sdk(folder: Path):
    blob = sdk_client(folder)
    blob.upload_blob(b"warm", overwrite=True)
    with (folder / "source.bin").open("rb") as stream:
        return watched(lambda: blob.upload_blob(stream, overwrite=True, max_concurrency=16))


def download(folder: Path):
    blob, size = sdk_client(folder), (folder / "source.bin").stat().st_size

    def work():
        received = 0
        with (folder / "source.bin").open("rb") as stream:
            for part in blob.download_blob().chunks():
                assert part == stream.read(len(part)), f"differs after {received} bytes"
                received += len(part)
        assert received == size

    return watched(work)


def sdk_client(folder: Path):
    from azure.storage.blob import BlobClient

    from phift.azure.connect import connect

    connection = lifecycle.find(folder / "home")
    store = connect(None, local=connection).blobs
    url, _ = store._auth.current().sign("PUT", f"{store._auth.url}/by-sdk", {})
    return BlobClient.from_blob_url(
        url, proxies={"https": connection.proxy_url}, connection_verify=str(connection.ca_file), retry_total=0
    )


if __name__ == "__main__":
    sys.exit(main())
