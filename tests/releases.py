"""A world that an earlier release made, in the emulator of this one: home.tar.xz and the projects beside it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from support import Embedded, Project

from phift import phases
from phift.emulator.host import lifecycle
from phift.phases import ApplyOptions, Request
from phift.plan.model import Plan

HERE = Path(__file__).parent / "upgrade"
REMOTE = "https://github.com/contoso/models.git"


@dataclass(frozen=True)
class World:
    """The projects of a release and the workspace that they were applied to.

    stacks: by stack, its project and the variables that select it; other stacks are in `project_of_others`.
    """

    projects: Path
    embedded: Embedded
    stacks: Mapping[str, tuple[str, Mapping[str, str]]]
    project_of_others: str = ""

    def project(self, stack: str) -> Project:
        folder, _ = self.stacks.get(stack, (self.project_of_others, {}))
        path = self.projects / folder
        return Project(path, stack, self.embedded, path / "spec.yaml")

    def request(self, stack: str) -> Request:
        return Request(self.project(stack).spec, "local", dict(self.stacks.get(stack, ("", {}))[1]))

    def plan(self, stack: str, *, upgrade: bool = False) -> Plan:
        return phases.plan(self.request(stack), self.embedded.connector, phases.PlanSettings(upgrade=upgrade))

    def apply(self, stack: str, plan: Plan, *, saved: bool = False) -> None:
        result = phases.apply(
            plan,
            self.request(stack),
            self.embedded.connector,
            listener=lambda event: None,
            options=ApplyOptions(),
            saved=saved,
        )
        assert result.exit_code == 0

    def destroy(self, stack: str) -> None:
        self.apply(stack, phases.destroy_plan(self.request(stack), self.embedded.connector))

    def jobs(self) -> set[str]:
        azure = self.embedded.azure()
        return {str(job["name"]) for job in azure.arm.list(f"{azure.workspace.arm_id}/jobs", "2024-10-01")}

    def billed(self, stack: str) -> list[str]:
        """Return kind and name of the objects that verifiably belong to the stack and are billed."""
        found = phases.stacks_in(self.embedded.azure())
        return [f"{kind} {live.name}" for one in found if one.stack == stack for kind, live in one.objects]

    def locks(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.projects.rglob("phift.lock")}


@contextmanager
def world_of(
    release: str, folder: Path, stacks: Mapping[str, tuple[str, Mapping[str, str]]], project_of_others: str = ""
) -> Iterator[World]:
    """Unpack what a release left behind into a folder, and start the emulator of this release on it."""
    home = folder / "home"
    home.mkdir()
    with tarfile.open(HERE / release / "home.tar.xz") as archive:
        archive.extractall(home, filter="data")
    with closing(sqlite3.connect(home / "store.sqlite3", isolation_level=None)) as store:
        store.execute("UPDATE document SET body = replace(body, '@HOME@', ?)", (str(home),))
    projects = folder / "projects"
    shutil.copytree(HERE / release / "projects", projects)
    if (projects / "remote").is_dir():
        for words in (["init", "-q"], ["remote", "add", "origin", REMOTE]):
            subprocess.run(["git", *words], cwd=projects / "remote", check=True)
    try:
        yield World(projects, Embedded.start(home), stacks, project_of_others)
    finally:
        lifecycle.stop(home)


def changed(plan: Plan) -> dict[str, str]:
    """Return the actions that change something, by address."""
    return {str(r.address): r.action.value for r in plan.resources if r.action.changes_something}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
