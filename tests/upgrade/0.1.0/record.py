"""How the home beside this file was made: `python record.py`, run by the Python of a checkout of release 0.1.0.

Applies every project under projects/ to an embedded Azure ML of that release, one of them trained for real, and packs
what is left: home.tar.xz, and the lock files beside the specs. Not part of any test run; kept so that the next release
can record a home of its own in the same way.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from phift.azure.connect import connect
from phift.azure.session import Azure
from phift.emulator import lifecycle
from phift.ledger.journal import open_intents

HERE = Path(__file__).resolve().parent
REHEARSED = {"PHIFT_EMULATOR_JOBS": "rehearse", "PHIFT_EMULATOR_DEPLOYMENTS": "rehearse"}
PACKED = ("identity.json", "store.sqlite3", "blobs", "jobs", "mlflow", "deployments")
CLUSTER = {
    "properties": {
        "computeType": "AmlCompute",
        "properties": {
            "vmSize": "Standard_NC24ads_A100_v4",
            "vmPriority": "Dedicated",
            "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT120S"},
        },
    }
}


def phift(folder: Path, *words: str, home: Path, more: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PHIFT_HOME": str(home), **(more or {})}
    return subprocess.Popen([sys.executable, "-m", "phift", *words], cwd=folder, env=environment)


def applied(folder: Path, *words: str, home: Path, more: Mapping[str, str] | None = REHEARSED) -> None:
    """It must go well, and be empty afterwards."""
    for command in (("apply", "-y", "-q"), ("plan", "--detailed-exitcode")):
        code = phift(folder, command[0], "spec.yaml", *words, *command[1:], home=home, more=more).wait(300)
        if code:
            raise SystemExit(f"{folder.name}: {command[0]} ended with {code}")


def git(folder: Path, remote: str) -> None:
    for words in (["init", "-q"], ["remote", "add", "origin", remote]):
        subprocess.run(["git", *words], cwd=folder, check=True)


def make_cluster(azure: Azure, name: str) -> None:
    path = f"{azure.workspace.arm_id}/computes/{name}"
    azure.arm.put(path, "2024-10-01", {"location": azure.location, **CLUSTER})
    while azure.arm.get(path, "2024-10-01")["properties"].get("provisioningState") != "Succeeded":
        time.sleep(0.1)


def cut_off(folder: Path, stack: str, azure: Azure, home: Path) -> None:
    """Kills an apply while the answer to the endpoint's PUT is awaited: its intent stays open."""
    lifecycle.request(
        lifecycle.find(home),
        "POST",
        "/faults",
        {"pattern": "^PUT .*/onlineEndpoints/[^/?]+[?]", "delay": 10, "after": True},
    )
    running = phift(folder, "apply", "spec.yaml", "-y", "-q", home=home, more=REHEARSED)
    for _ in range(600):
        if any(i.address == "endpoint.main" for i in open_intents(azure.blobs, stack)):
            break
        time.sleep(0.1)
    else:
        raise SystemExit("no open intent was seen")
    running.send_signal(signal.SIGKILL)
    running.wait()
    time.sleep(15)  # the request goes on in the service
    lifecycle.request(lifecycle.find(home), "DELETE", "/faults")


def forget_place(home: Path) -> None:
    """Absolute paths in the store become relative to a placeholder, which unpacking replaces."""
    with closing(sqlite3.connect(home / "store.sqlite3", isolation_level=None)) as store:
        store.execute("UPDATE document SET body = replace(body, ?, '@HOME@')", (str(home),))
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        home, projects = Path(scratch) / "home", Path(scratch) / "projects"
        shutil.copytree(HERE / "projects", projects)
        applied(projects / "trained", home=home, more={})
        lifecycle.stop(home)
        os.environ.update(REHEARSED)
        azure = connect(None, local=lifecycle.ensure(home, idle_seconds=900))
        limits = lifecycle.request(lifecycle.find(home), "GET", "/quota")["limits"]
        lifecycle.request(lifecycle.find(home), "PUT", "/quota", dict.fromkeys(limits, 100_000))
        git(projects / "remote", "https://github.com/contoso/models.git")
        make_cluster(azure, "adopted-gpu")
        served = projects / "served" / "spec.yaml"
        final = served.read_text()
        served.write_text(final.replace('A_VAR: "3"', 'A_VAR: "1"'))
        for name in ("plain", "served", "overrides", "protected", "adopted", "remote/specs"):
            applied(projects / name, home=home)
        for size in ("small", "large"):
            applied(projects / "matrix", "--var", f"size={size}", home=home)
        applied(projects / "targets", "--target", "local", home=home)
        # A second deployment: the first is kept beside it.
        served.write_text(final)
        applied(served.parent, home=home)
        phift(projects / "many", "plan", "spec.yaml", home=home, more=REHEARSED).wait(300)
        applied(projects / "many", "--var", "size=s3", "--var", "seed=5", home=home)
        cut_off(projects / "interrupted", "cutoff", azure, home)
        lifecycle.stop(home)
        for lock in projects.rglob("phift.lock"):
            shutil.copy2(lock, HERE / "projects" / lock.relative_to(projects))
        forget_place(home)
        left = [name for name in PACKED if (home / name).exists()]
        with tarfile.open(HERE / "home.tar.xz", "w:xz", preset=9) as archive:
            for name in left:
                archive.add(home / name, arcname=name)
        print(json.dumps({"packed": left, "bytes": (HERE / "home.tar.xz").stat().st_size}))


if __name__ == "__main__":
    main()
