"""How the home beside this file was made: `python record.py`, run by the Python of a checkout of release 0.2.0, before
phift.lock pinned environments and plans had a cost (format_version 1.0).

Applies every project under projects/ to an embedded Azure ML of that release, without running anything, saves
two plans, and packs what is left: home.tar.xz without weights, the lock files, and the saved plans. Not
part of any test run.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

from phift.azure.connect import connect
from phift.azure.session import Azure
from phift.emulator.host import lifecycle

HERE = Path(__file__).resolve().parent
REHEARSED = {"PHIFT_EMULATOR_JOBS": "rehearse", "PHIFT_EMULATOR_DEPLOYMENTS": "rehearse"}
PACKED = ("identity.json", "store.sqlite3", "blobs", "jobs", "mlflow")
PROJECTS = ("served", "registry", "inplace", "replaced", "plain")
LARGEST = 100_000
"""Bytes of the largest blob to keep; the content of larger ones, which are weights, is replaced by zeros."""


def phift(folder: Path, *words: str, home: Path) -> None:
    environment = {**os.environ, "PHIFT_HOME": str(home), **REHEARSED}
    code = subprocess.run([sys.executable, "-m", "phift", *words], cwd=folder, env=environment, timeout=300).returncode
    if code:
        raise SystemExit(f"{folder.name}: {words[0]} exits with {code}")


def make_environments(azure: Azure) -> None:
    for version in ("1", "2"):
        path = f"{azure.workspace.arm_id}/environments/minimal/versions/{version}"
        azure.arm.put(path, "2024-10-01", {"properties": {"image": f"minimal:{version}", "osType": "Linux"}})


def forget_place(home: Path) -> None:
    """Replace absolute paths in the store by a placeholder, which unpacking replaces."""
    with closing(sqlite3.connect(home / "store.sqlite3", isolation_level=None)) as store:
        store.execute("UPDATE document SET body = replace(body, ?, '@HOME@')", (str(home),))
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def save_plan(spec: Path, name: str, old: str, new: str, home: Path) -> None:
    """Save the plan of a changed spec, and restore the spec."""
    text = spec.read_text()
    if text.count(old) != 1:
        raise SystemExit(f"{spec}: {old!r} occurs {text.count(old)} times")
    spec.write_text(text.replace(old, new))
    phift(spec.parent, "plan", "spec.yaml", "--out", name, home=home)
    spec.write_text(text)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        home, projects = Path(scratch) / "home", Path(scratch) / "projects"
        shutil.copytree(HERE / "projects", projects)
        os.environ.update(REHEARSED)
        make_environments(connect(None, local=lifecycle.ensure(home, idle_seconds=900)))
        limits = lifecycle.request(lifecycle.find(home), "GET", "/quota")["limits"]
        lifecycle.request(lifecycle.find(home), "PUT", "/quota", dict.fromkeys(limits, 100_000))
        for name in PROJECTS:
            phift(projects / name, "apply", "spec.yaml", "-y", "-q", home=home)
            phift(projects / name, "plan", "spec.yaml", "--detailed-exitcode", home=home)
        save_plan(projects / "served" / "spec.yaml", "cluster.json", "max_instances: 1", "max_instances: 2", home)
        save_plan(projects / "plain" / "spec.yaml", "tags.json", "team: a", "team: b", home)
        lifecycle.stop(home)
        for pattern in ("phift.lock", "*.json"):
            for file in projects.rglob(pattern):
                shutil.copy2(file, HERE / "projects" / file.relative_to(projects))
        forget_place(home)
        for blob in (home / "blobs").rglob("*"):
            if blob.is_file() and (size := blob.stat().st_size) > LARGEST:
                blob.write_bytes(bytes(size))
        with tarfile.open(HERE / "home.tar.xz", "w:xz", preset=9) as archive:
            for name in PACKED:
                if (home / name).exists():
                    archive.add(home / name, arcname=name)
        print(json.dumps({"bytes": (HERE / "home.tar.xz").stat().st_size}))


if __name__ == "__main__":
    main()
