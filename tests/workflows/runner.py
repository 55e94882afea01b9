"""Run a workflow of GitHub Actions: its conditions, permissions, environments, and its `run:` steps with bash.

A key of the workflow that it does not know is an error. The actions that phift's workflows use are checked and not run:
checkout is a clone, and sign-in to Azure requires `id-token: write`.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from expressions import evaluate, filled
from fakegithub import REPOSITORY, FakeGitHub

__all__ = ["Event", "JobRun", "Runner", "load"]

_PINNED = re.compile(r"[a-z-]+/[a-z-]+@[0-9a-f]{40}")
_JOB = {"if", "needs", "runs-on", "timeout-minutes", "environment", "permissions", "concurrency", "outputs", "steps"}
_STEP = {"name", "id", "uses", "with", "env", "run"}
_VARS = {"AZURE_PLAN_CLIENT_ID": "1", "AZURE_CLIENT_ID": "2", "AZURE_TENANT_ID": "3", "AZURE_SUBSCRIPTION_ID": "4"}


@dataclass(frozen=True)
class Event:
    """What happened. commit: that the workflow runs for. fork: whether a pull request comes from one."""

    name: str
    commit: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    fork: bool = False
    actor: str = "octocat"


@dataclass
class JobRun:
    """How a job ended: ran or skipped, the exit code of its last step, its log, its outputs, its summary."""

    ran: bool
    code: int = 0
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    environment: str = ""


def load(path: Path) -> dict[str, Any]:
    """Read a workflow; `on` is a text, as in YAML 1.2."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {("on" if key is True else str(key)): value for key, value in found.items()}


@dataclass
class Runner:
    """checkout: clones the repository at a commit with a depth into a folder. base: the environment of the steps."""

    github: FakeGitHub
    checkout: Callable[[str, int, Path], None]
    base: Mapping[str, str]
    scratch: Path
    count: int = 0

    def run(self, path: Path, event: Event, skip: Collection[str] = ()) -> dict[str, JobRun]:
        """Run the jobs in their order, except those to skip. Returns nothing if the event does not trigger the
        workflow."""
        workflow = load(path)
        _known(workflow, {"name", "on", "permissions", "env", "jobs"})
        assert workflow["permissions"] == {}, "a job without permissions of its own must have none"
        triggered = event.name in workflow["on"]
        done: dict[str, JobRun] = {}
        for name, job in workflow["jobs"].items() if triggered else ():
            done[name] = JobRun(False) if name in skip else self._job(workflow, job, event, done)
        return done

    def _job(self, workflow: Any, job: Any, event: Event, done: Mapping[str, JobRun]) -> JobRun:
        _known(job, _JOB)
        github = {
            "event_name": event.name,
            "repository": REPOSITORY,
            "actor": event.actor,
            "base_ref": "main" if event.name == "pull_request" else "",
            "event": event.payload,
        }
        needed = [job["needs"]] if "needs" in job else []
        contexts: dict[str, Any] = {
            "github": github,
            "vars": {} if event.fork else _VARS,
            "needs": {n: {"outputs": done[n].outputs} for n in needed},
        }
        wanted = evaluate(job.get("if", "'true'"), contexts)
        if not wanted or any(not done[n].ran or done[n].code for n in needed):
            return JobRun(False)
        self.count += 1
        place = self.scratch / f"run{self.count}"
        place.mkdir(parents=True)
        permissions = {k: "read" for k in job["permissions"] if k != "id-token"} if event.fork else job["permissions"]
        github["token"] = self.github.token(permissions)
        filled(job.get("concurrency", {}).get("group", ""), contexts)
        made = JobRun(True, environment=job.get("environment", ""))
        contexts["steps"] = steps = {}
        for step in job["steps"]:
            _known(step, _STEP)
            if "uses" in step:
                self._action(step, event, permissions, place, contexts)
                continue
            made.code = self._step(workflow, step, event, place, contexts, made, steps)
            if made.code:
                break
        made.outputs = {k: filled(v, contexts) for k, v in job.get("outputs", {}).items()}
        return made

    def _action(self, step: Any, event: Event, permissions: Any, place: Path, contexts: Any) -> None:
        name = str(step["uses"])
        assert _PINNED.fullmatch(name), f"{name} is not pinned to a commit"
        given = {k: filled(str(v), contexts) for k, v in step.get("with", {}).items()}
        match name.partition("@")[0]:
            case "actions/checkout":
                _known(given, {"fetch-depth", "persist-credentials"})
                assert given["persist-credentials"] == "False", "the token must not stay in the checkout"
                self.checkout(event.commit, int(given.get("fetch-depth", 1)), place / "work")
            case "actions/setup-python":
                _known(given, {"python-version"})
            case "azure/login":
                _known(given, {"client-id", "tenant-id", "subscription-id"})
                assert all(given.values()), "sign-in without an identity"
                assert permissions.get("id-token") == "write", "sign-in without id-token: write"
            case _:
                raise AssertionError(f"unknown action {name}")

    def _step(
        self, workflow: Any, step: Any, event: Event, place: Path, contexts: Any, made: JobRun, steps: dict[str, Any]
    ) -> int:
        assert "${{" not in step["run"], "an expression in a script: a name could be a command"
        files = {name: place / name for name in ("event.json", "summary.md", "output.txt")}
        files["event.json"].write_text(json.dumps(event.payload), encoding="utf-8")
        for name in ("summary.md", "output.txt"):
            files[name].write_text("", encoding="utf-8")
        variables = {**workflow.get("env", {}), **step.get("env", {})}
        environment = {
            **self.base,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.github.url,
            "GITHUB_GRAPHQL_URL": f"{self.github.url}/graphql",
            "GITHUB_SERVER_URL": self.github.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SHA": event.commit,
            "GITHUB_REF_NAME": "1/merge" if event.name == "pull_request" else "main",
            "GITHUB_RUN_ID": str(7000 + self.count),
            "GITHUB_EVENT_NAME": event.name,
            "GITHUB_EVENT_PATH": str(files["event.json"]),
            "GITHUB_STEP_SUMMARY": str(files["summary.md"]),
            "GITHUB_OUTPUT": str(files["output.txt"]),
            **{name: filled(str(value), contexts) for name, value in variables.items()},
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=place / "work",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        made.log += f"$ {step['run']}\n{done.stdout}"
        made.summary += files["summary.md"].read_text(encoding="utf-8")
        lines = files["output.txt"].read_text(encoding="utf-8").splitlines()
        if "id" in step:
            steps[step["id"]] = {"outputs": dict(line.split("=", 1) for line in lines)}
        return done.returncode


def _known(found: Mapping[str, Any], names: set[str]) -> None:
    assert set(found) <= names, f"the runner does not know {sorted(set(found) - names)}"
