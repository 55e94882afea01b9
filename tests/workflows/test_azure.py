"""The pipeline of `phift ci azure-pipelines`, its scripts run with bash against a stand-in of Azure DevOps."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakeazure import ME, FakeAzure
from site_of_tests import Site

from phift.errors import UsageError
from phift.forge import ForgeError, Pull, forge
from phift.forge.azure_repos import AzureRepos
from phift.plan.approval import Approval
from phift.workflows import Settings, workflow_files

MARKER = "<!-- phift-plan:specs -->"
MERGE, HEAD = "a" * 40, "b" * 40


@pytest.fixture
def azure() -> Iterator[FakeAzure]:
    with FakeAzure.serving() as found:
        yield found


def variables(azure: FakeAzure, folder: Path, **more: str) -> dict[str, str]:
    return {
        "TF_BUILD": "True",
        "SYSTEM_ACCESSTOKEN": "secret-token",
        "SYSTEM_COLLECTIONURI": azure.url,
        "SYSTEM_TEAMPROJECT": "my project",
        "BUILD_REPOSITORY_ID": "repo-id",
        "BUILD_REPOSITORY_PROVIDER": "TfsGit",
        "BUILD_REPOSITORY_URI": "https://dev.azure.com/contoso/_git/models",
        "BUILD_SOURCEVERSION": MERGE,
        "BUILD_SOURCEBRANCH": "refs/heads/main",
        "BUILD_BUILDID": "5",
        "AGENT_TEMPDIRECTORY": str(folder),
        **more,
    }


def completed(number: int, head: str, merge: str, **changed: Any) -> dict[str, Any]:
    return {
        "pullRequestId": number,
        "status": "completed",
        "targetRefName": "refs/heads/main",
        "lastMergeSourceCommit": {"commitId": head},
        "lastMergeCommit": {"commitId": merge},
        **changed,
    }


def test_a_comment_is_created_then_updated_in_place(azure: FakeAzure, tmp_path: Path) -> None:
    one = forge(variables(azure, tmp_path))
    assert isinstance(one, AzureRepos)
    azure.says(5, f"{MARKER}\nforged", "somebody-else")
    url = one.write_comment(5, MARKER, f"{MARKER}\nfirst")
    assert one.write_comment(5, MARKER, f"{MARKER}\nsecond") == url
    assert url == "https://dev.azure.com/contoso/_git/models/pullrequest/5"
    assert azure.contents(5) == [f"{MARKER}\nforged", f"{MARKER}\nsecond"]
    found = one.comment(5, MARKER)
    assert found is not None
    assert found.body == f"{MARKER}\nsecond"
    azure.threads[5][1]["isDeleted"] = True
    assert one.comment(5, MARKER) is None
    assert "secret-token" not in repr(one)
    one.write_comment(6, MARKER, f"{MARKER}\n\n> [!CAUTION]\n> **Destroyed:** `a`")
    assert azure.contents(6) == [f"{MARKER}\n\n> **Destroyed:** `a`"], "Azure Repos has no alerts"


def test_only_completed_pull_requests_into_the_branch_count(azure: FakeAzure, tmp_path: Path) -> None:
    one = forge(variables(azure, tmp_path))
    azure.pulls[MERGE] = [
        completed(1, HEAD, MERGE),
        completed(2, HEAD, MERGE, status="active"),
        completed(3, HEAD, MERGE, targetRefName="refs/heads/other"),
    ]
    assert one.merged_pulls(MERGE) == [Pull(1, HEAD, "https://dev.azure.com/contoso/_git/models/pullrequest/1", MERGE)]
    assert one.merged_pulls(HEAD) == []
    azure.pulls[MERGE] = [completed(1, HEAD, MERGE, lastMergeCommit=None)]
    with pytest.raises(ForgeError, match="without its commits"):
        one.merged_pulls(MERGE)
    assert one.pull() is None
    given = variables(azure, tmp_path, SYSTEM_PULLREQUEST_PULLREQUESTID="7", SYSTEM_PULLREQUEST_SOURCECOMMITID=HEAD)
    found = forge(given).pull()
    assert found is not None
    assert (found.number, found.head) == (7, HEAD)


def test_a_repository_of_another_service_is_rejected(azure: FakeAzure, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the repository is in GitHub, not in Azure Repos"):
        forge(variables(azure, tmp_path, BUILD_REPOSITORY_PROVIDER="GitHub"))
    with pytest.raises(UsageError, match="SYSTEM_ACCESSTOKEN is not set"):
        forge(variables(azure, tmp_path, SYSTEM_ACCESSTOKEN=""))


class Pipeline:
    """The stages of a pipeline whose conditions hold for a reason, with the results of the stages before."""

    def __init__(self, site: Site, azure: FakeAzure, folder: Path) -> None:
        text = workflow_files("azure-pipelines", Settings(("specs",), target="local"))["azure-pipelines.yml"]
        self.stages = yaml.safe_load(text)["stages"]
        self.site, self.azure, self.folder = site, azure, folder
        self.count = 0

    def run(self, reason: str, commit: str, **more: str) -> dict[str, tuple[int, str]]:
        """Return the exit code and the log of each stage that runs."""
        done: dict[str, tuple[int, str]] = {}
        outputs: dict[str, str] = {}
        for stage in self.stages:
            known = {
                "variables['Build.Reason']": reason,
                "variables['Build.SourceBranch']": more.get("BUILD_SOURCEBRANCH", "refs/heads/main"),
                "variables['System.PullRequest.IsFork']": "",
                "variables['Build.CronSchedule.DisplayName']": "",
                **{f"dependencies.{name}": value for name, value in outputs.items()},
            }
            if not holds(stage["condition"], known):
                continue
            (job,) = stage["jobs"]
            steps = job["strategy"]["runOnce"]["deploy"]["steps"] if "deployment" in job else job["steps"]
            code, log = self._steps(steps, commit, more)
            done[stage["stage"]] = code, log
            for name, value in re.findall(r"##vso\[task\.setvariable variable=(\w+);isOutput=true\](\w+)", log):
                outputs[f"{stage['stage']}.outputs['{job.get('job', '')}.{steps[-1]['name']}.{name}']"] = value
        return done

    def _steps(self, steps: list[Any], commit: str, more: Mapping[str, str]) -> tuple[int, str]:
        self.count += 1
        place, log = self.folder / f"stage{self.count}", ""
        place.mkdir()
        for step in steps:
            match step:
                case {"checkout": "self", "fetchDepth": int(depth)}:
                    self.site.runner.checkout(commit, depth, place / "work")
                case {"task": "UsePythonVersion@0"}:
                    assert step["inputs"] == {"versionSpec": "3.12"}
                case {"script": str(script)}:
                    assert "$(" not in script
                    assert step.get("env", {}) in ({}, {"SYSTEM_ACCESSTOKEN": "$(System.AccessToken)"})
                    base = dict(self.site.runner.base)
                    given = variables(self.azure, place, BUILD_SOURCEVERSION=commit, **more)
                    done = subprocess.run(
                        ["bash", "-ec", script],
                        cwd=place / "work",
                        env=base | given,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT,
                        text=True,
                        timeout=120,
                        check=False,
                    )
                    log += done.stdout
                    if done.returncode:
                        return done.returncode, log
                case _:
                    raise AssertionError(f"unknown step {step}")
        return 0, log


def holds(condition: str, known: Mapping[str, str]) -> bool:
    """Evaluate and, eq, ne, in and succeeded. Raises KeyError for an unknown name; a missing output is null."""
    found = re.fullmatch(r"(\w+)\((.*)\)", condition)
    assert found, condition
    arguments = [part.strip() for part in re.findall(r"(?:[^,()]|\([^()]*(?:\([^()]*\)[^()]*)*\))+", found[2])]

    def value(text: str) -> str:
        if text.startswith("'"):
            return text.strip("'")
        return known.get(text, "") if text.startswith("dependencies.") else known[text]

    match found[1]:
        case "and":
            return all(holds(part, known) for part in arguments)
        case "succeeded":
            return True
        case "eq":
            return value(arguments[0]).lower() == value(arguments[1]).lower()
        case "ne":
            return value(arguments[0]).lower() != value(arguments[1]).lower()
        case "in":
            return value(arguments[0]) in map(value, arguments[1:])
    raise AssertionError(f"unknown function {found[1]}")


def test_the_pipeline_plans_compares_and_applies(site: Site, azure: FakeAzure, tmp_path: Path) -> None:
    shutil.rmtree(site.folder / ".github")
    site.branch("one")
    site.project.edit("purpose: test", "purpose: test, step: one")
    head = site.push("one")
    pipeline = Pipeline(site, azure, tmp_path)
    marker = MARKER.replace("specs", "specs.local")
    pull = {"SYSTEM_PULLREQUEST_PULLREQUESTID": "1", "SYSTEM_PULLREQUEST_SOURCECOMMITID": head}
    done = pipeline.run("PullRequest", head, **pull)
    assert {name: code for name, (code, _) in done.items()} == {"plan": 0}, done
    (body,) = azure.contents(1)
    assert body.startswith(marker)
    assert "##vso[task.uploadsummary]" in done["plan"][1]
    approval = Approval.read(body)
    assert approval is not None
    assert approval.commit == head

    site.open()
    commit = site.merge(1)
    azure.pulls[commit] = [completed(1, head, commit)]
    azure.threads[1][0]["comments"][0]["author"]["id"] = "somebody-else"
    done = pipeline.run("IndividualCI", commit)
    assert {name: code for name, (code, _) in done.items()} == {"compare": 5}
    assert "was merged without a plan" in azure.contents(1)[1]
    azure.threads[1][0]["comments"][0]["author"]["id"] = ME
    assert pipeline.run("Manual", commit, BUILD_SOURCEBRANCH="refs/heads/one") == {}
    done = pipeline.run("IndividualCI", commit)
    assert {name: code for name, (code, _) in done.items()} == {"compare": 0, "apply": 0}, done
    assert site.project.models() == ["1"]


def test_every_variant_is_yaml_with_the_stages_it_names() -> None:
    for settings, stages in (
        (Settings(("specs",)), ["plan", "compare", "apply", "drift", "expire"]),
        (Settings(("specs",), drift="", expire=""), ["plan", "compare", "apply"]),
        (
            Settings(("a b",), no_wait=True, environment="My E"),
            ["plan", "compare", "apply", "drift", "expire", "resume"],
        ),
    ):
        text = workflow_files("azure-pipelines", settings)["azure-pipelines.yml"]
        found = yaml.safe_load(text)
        assert [stage["stage"] for stage in found["stages"]] == stages
        assert "[[" not in text
        assert all(line == line.rstrip() for line in text.splitlines())
        for stage in found["stages"]:
            (job,) = stage["jobs"]
            reads = stage["stage"] in {"plan", "compare", "drift"}
            steps = job["strategy"]["runOnce"]["deploy"]["steps"] if "deployment" in job else job["steps"]
            assert steps[-1]["inputs"]["azureSubscription"] == ("phift-plan" if reads else "phift")
            assert ("environment" in job) == (stage["stage"] == "apply")
