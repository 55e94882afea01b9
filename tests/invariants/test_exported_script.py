"""The script of an export leaves what an apply leaves: the documents of the workspace are the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import azcli
import pytest
from support import REPOSITORY, Embedded, Project

from phift.emulator.host import lifecycle
from phift.kinds.registry import KINDS
from phift.workbench.open import open_workbench

SERVED = """\
endpoint: {auth_mode: key, description: Facts, azure: {properties: {properties: {team: "42"}}}}
deployment:
  instance_type: Standard_NC24ads_A100_v4
  environment_variables: {TOKEN: {secret: env:TOKEN}, MODE: plain}
  autoscale: {minimum: 1, maximum: 2, rules: [{metric: GpuUtilizationPercentage, above: 70, add: 1}]}
tests: {smoke: {rows: 1}}
"""


def test_the_script_leaves_what_an_apply_leaves(
    tmp_path: Path, own_embedded: Callable[[], Embedded], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "t0p-s3cret")
    emulator = own_embedded()
    projects = _projects(tmp_path, emulator)
    for project in projects:
        exported = project.run("export", project.spec.name, "--out", "exported")
        assert exported.returncode == 0, exported.stderr
        files = [p for p in (project.folder / "exported").rglob("*") if p.is_file()]
        assert not [p for p in files if b"t0p-s3cret" in p.read_bytes()]
    with azcli.serving() as tools, ThreadPoolExecutor() as pool:
        for done in pool.map(lambda project: _script(project, emulator, tools), projects):
            assert done.returncode == 0, done.stdout
    for project in projects:
        plan = project.plan()
        assert not plan.changes_something, plan.to_dict()
    by_script = [_documents(project) for project in projects]

    lifecycle.reset(emulator.home)
    own_embedded()
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda project: project.applied(), projects))
    for one, other in zip(by_script, [_documents(project) for project in projects], strict=True):
        assert {"deployment.main", "traffic.main"} < set(one)
        assert one == other


def _projects(folder: Path, emulator: Embedded) -> list[Project]:
    trained = Project.small(folder / "trained", "trained", emulator)
    text = trained.spec.read_text(encoding="utf-8")
    trained.spec.write_text(text.replace("targets:", f"{SERVED}targets:"), encoding="utf-8")
    shutil.copytree(REPOSITORY / "configs", folder / "configs")
    code = folder / "configs" / "code-configuration.yaml"
    return [trained, Project(folder / "configs", "answers", emulator, code)]


def _script(project: Project, emulator: Embedded, tools: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(tools), os.environ["PATH"]])
    environment = {**os.environ, **lifecycle.environment(emulator.connection), "PATH": path, "POLL_SECONDS": "0.2"}
    return subprocess.run(
        ["sh", "exported/run.sh"],
        cwd=project.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )


_OF_THE_SERVICE = (
    *("systemData", "createdOn", "modifiedOn", "createdAt", "createdBy", "lastModifiedAt", "principalId"),
    *("AzureAsyncOperationUri", "allocationStateTransitionTime", "azureml.pipelines.stages"),
)
_OF_THE_UPLOAD = ("dataUri", "modelUri")
"""`az ml` stores local files under names of its own."""
_OF_THE_WRITER = ("_source", "phift.measured")
"""Which program wrote a job; the times of a training, which an apply measures for later estimates."""


def _documents(project: Project) -> dict[str, Any]:
    """The documents of the stack by address, without what must differ."""
    bench = open_workbench(project.request, project.embedded.connector)
    read = {d.address: KINDS[d.address.kind].wire.read(bench.context, d).live for d in bench.stack.resources}
    return {str(address): _comparable(live.raw) for address, live in read.items() if live is not None}


def _comparable(document: Any) -> Any:
    """The document without ids and times of the service. Marks are compared wherever they are: the YAML of data and
    environments has no properties. An input of a job is the data asset, or the file in it."""
    if isinstance(document, list):
        return [_comparable(one) for one in document]
    if not isinstance(document, dict):
        return document
    left_out = (*_OF_THE_SERVICE, *_OF_THE_UPLOAD, *_OF_THE_WRITER)
    plain = {name: _comparable(value) for name, value in document.items() if name not in left_out}
    if isinstance(plain.get("tags"), dict) and isinstance(plain.get("properties"), dict) and "isArchived" in plain:
        plain["tags and properties"] = {**plain.pop("tags"), **plain.pop("properties")}
    if plain.get("job_input_type") == "uri_file":
        plain["uri"] = "the data"
    return plain
