"""A bare repository, a clone of somebody who works in it, and its pull requests on the stand-in of GitHub."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakegithub import REPOSITORY, FakeGitHub
from prefork import CLIENT
from runner import Event, JobRun, Runner
from support import Embedded, Project

from phift.workflows import Settings, workflow_files

__all__ = ["Site"]

_PULL, _SCHEDULED = ".github/workflows/phift.yml", ".github/workflows/phift-scheduled.yml"
_GIT = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.test",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.test",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


@dataclass
class Site:
    """folder: the clone. project: the spec in it."""

    folder: Path
    bare: Path
    github: FakeGitHub
    runner: Runner
    project: Project
    settings: Settings
    numbers: int = field(default=0)

    @classmethod
    def begin(cls, scratch: Path, github: FakeGitHub, embedded: Embedded, server: Path, stack: str) -> Site:
        """A repository whose branch main has a spec that nobody has applied."""
        bare, folder, tools = scratch / "origin.git", scratch / "clone", scratch / "bin"
        tools.mkdir()
        _git(scratch, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
        _git(scratch, "clone", "--quiet", str(bare), str(folder))
        _git(folder, "checkout", "--quiet", "-b", "main")
        project = Project.small(folder / "specs", stack, embedded)
        # `pip install` of the release is a stand-in: the code under test is on the path.
        _tool(tools / "python", f'[ "$1 $2 $3 $4" = "-I -m pip install" ] || exec "{sys.executable}" "$@"')
        (tools / "client.py").write_text(CLIENT, encoding="utf-8")
        _tool(tools / "phift", f'exec "{sys.executable}" -IS "{tools / "client.py"}" "{server}" "$@"')
        base = {
            "PATH": os.pathsep.join([str(tools), os.environ["PATH"]]),
            "HOME": str(scratch),
            "LANG": "C.UTF-8",
            "PHIFT_HOME": str(embedded.home),
            "PHIFT_EMULATOR_JOBS": "rehearse",
            "PHIFT_EMULATOR_DEPLOYMENTS": "rehearse",
        }
        made = cls(
            folder, bare, github, Runner(github, _cloner(bare), base, scratch / "runs"), project, Settings(("specs",))
        )
        made.install(made.settings)
        made.push("begin")
        return made

    def install(self, settings: Settings) -> None:
        """Write the workflows."""
        self.settings = settings
        for name, text in workflow_files("github", settings).items():
            self.add(name, text)

    def add(self, name: str, text: str) -> None:
        """Write a file of the repository."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def push(self, message: str) -> str:
        """Commit everything to the branch that is checked out, and push it. Return the commit."""
        _git(self.folder, "add", "--all")
        _git(self.folder, "commit", "--quiet", "--allow-empty", "-m", message)
        _git(self.folder, "push", "--quiet", "origin", "HEAD")
        return self.commit()

    def commit(self, ref: str = "HEAD") -> str:
        return _git(self.folder, "rev-parse", ref)

    def branch(self, name: str, start: str = "main") -> None:
        """Check out a new branch."""
        _git(self.folder, "checkout", "--quiet", "-b", name, start)

    def switch(self, name: str) -> None:
        _git(self.folder, "checkout", "--quiet", name)

    def open(self, *, repository: str = REPOSITORY) -> int:
        """Open a pull request of the branch that is checked out. repository: of its head."""
        self.numbers += 1
        number = self.numbers
        self.github.pulls[number] = {
            "number": number,
            "state": "open",
            "html_url": f"{self.github.url}/{REPOSITORY}/pull/{number}",
            "head": {
                "sha": self.commit(),
                "ref": _git(self.folder, "branch", "--show-current"),
                "repo": {"full_name": repository},
            },
            "base": {"ref": "main", "repo": {"full_name": REPOSITORY}},
            "merged_at": None,
            "merge_commit_sha": None,
        }
        return number

    def planned(self, number: int, *, skip: tuple[str, ...] = (), **changed: Any) -> dict[str, JobRun]:
        """Run the workflow of a pull request, for the merge of its head with the branch. skip: jobs that do not
        matter."""
        pull = self.github.pulls[number]
        pull["head"]["sha"] = _git(self.folder, "rev-parse", pull["head"]["ref"])
        here = _git(self.folder, "branch", "--show-current")
        _git(self.folder, "checkout", "--quiet", "--detach", "origin/main")
        _git(self.folder, "merge", "--quiet", "--no-ff", "-m", "test merge", pull["head"]["ref"])
        merge = self.commit()
        _git(self.folder, "push", "--quiet", "--force", "origin", f"HEAD:refs/pull/{number}/merge")
        self.switch(here)
        fork = pull["head"]["repo"]["full_name"] != REPOSITORY
        event = Event("pull_request", merge, {"pull_request": pull, "number": number}, fork=fork, **changed)
        return self.runner.run(self.folder / _PULL, event, skip)

    def merge(self, number: int, how: str = "merge") -> str:
        """Merge a pull request as GitHub does. Return the commit of main."""
        pull = self.github.pulls[number]
        head = pull["head"]["ref"]
        before = _git(self.folder, "rev-list", "main").split()
        self.switch("main")
        if how == "merge":
            _git(self.folder, "merge", "--quiet", "--no-ff", "-m", f"Merge pull request #{number}", head)
        elif how == "squash":
            _git(self.folder, "merge", "--quiet", "--squash", head)
            _git(self.folder, "commit", "--quiet", "--allow-empty", "-m", f"Squashed (#{number})")
        else:
            picked = _git(self.folder, "rev-list", "--reverse", f"main..{head}").split()
            for commit in picked:
                _git(self.folder, "cherry-pick", "--allow-empty", commit)
            _git(self.folder, "commit", "--quiet", "--amend", "--allow-empty", "-m", f"rebased {number}")
        _git(self.folder, "push", "--quiet", "origin", "main")
        commit = self.commit()
        pull.update(merged_at="2026-03-01T10:00:00Z", merge_commit_sha=commit, state="closed")
        for new in set(_git(self.folder, "rev-list", "main").split()) - set(before):
            self.github.brought.setdefault(new, []).append(number)
        return commit

    def pushed(self, commit: str = "") -> dict[str, JobRun]:
        """Run the workflow of a push to main."""
        return self.runner.run(
            self.folder / _PULL, Event("push", commit or self.commit("origin/main"), {"ref": "refs/heads/main"})
        )

    def scheduled(self, cron: str) -> dict[str, JobRun]:
        """Run the workflow of a schedule."""
        return self.runner.run(
            self.folder / _SCHEDULED, Event("schedule", self.commit("origin/main"), {"schedule": cron})
        )


def _cloner(bare: Path) -> Any:
    def checkout(commit: str, depth: int, place: Path) -> None:
        place.mkdir()
        _git(place, "init", "--quiet")
        _git(place, "remote", "add", "origin", f"https://github.com/{REPOSITORY}")
        _git(place, "fetch", "--quiet", f"--depth={depth}", f"file://{bare}", commit)
        _git(place, "checkout", "--quiet", "FETCH_HEAD")

    return checkout


def _tool(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "uploadpack.allowAnySHA1InWant=true", *arguments],
        env={**os.environ, **_GIT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"git {arguments}: {done.stderr}"
    return done.stdout.strip()
