"""The files of an export: azure-ai-ml reads each of them, and sends what phift sends."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from inprocess import InProcess, hurried
from support import REPOSITORY, Project

from phift.azure import entities
from phift.cli.exportfolder import write_export
from phift.errors import UsageError
from phift.kinds.registry import KINDS
from phift.phases.export_stack import StackExport, export
from phift.views import export as views
from phift.workbench.request import Request

pytestmark = pytest.mark.usefixtures("seed_hub")

CONFIGS = sorted(path.stem for path in (REPOSITORY / "configs").glob("*.yaml"))
LOADERS = {
    "compute": "load_compute",
    "data": "load_data",
    "job": "load_job",
    "model": "load_model",
    "environment": "load_environment",
    "endpoint": "load_online_endpoint",
    "deployment": "load_online_deployment",
}
MARKS = ("phift.stack", "phift.address", "phift.owner", "phift.id", "phift.source", "phift.applied")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with hurried():
        running = InProcess(tmp_path_factory.mktemp("exports") / "home")
        yield running
        running.close()


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "configs"
    shutil.copytree(REPOSITORY / "configs", folder)
    return folder


@pytest.mark.parametrize("name", CONFIGS)
def test_the_loaders_of_the_sdk_accept_every_file(
    name: str, configs: Path, emulator: InProcess, tmp_path: Path
) -> None:
    import azure.ai.ml

    found = export(Request(configs / f"{name}.yaml", "local"), emulator.connector)
    written = _written(found, tmp_path / "out")
    documents = [file for file in written if file.endswith((".yml", ".json")) and "/" not in file]
    assert set(documents) > {
        f"{address.kind}-{address.name}.yml" for address, _ in found.steps if address.kind == "job"
    }
    location, workspace = emulator.azure().location, found.workspace.arm_id
    for file in documents:
        kind = file.partition("-")[0]
        if file.endswith(".json"):
            # Of a cluster, an endpoint or a deployment only what `az ml` YAML does not express.
            assert kind in {"code", "autoscale", "deployment", "export.json"}, file
            continue
        text = (tmp_path / "out" / file).read_text(encoding="utf-8")
        assert text.startswith("$schema: https://azuremlschemas.azureedge.net/latest/"), file
        assert str(tmp_path) not in text
        entity = getattr(azure.ai.ml, LOADERS[kind])(tmp_path / "out" / file)
        if kind == "data":  # its path is that of a local file until it is uploaded
            assert Path(entity.path).is_file()
            entity.path = "azureml://datastores/workspaceblobstore/paths/rows.jsonl"
        body = entities.body(entity, location, workspace)
        assert not [mark for mark in MARKS if f'"{mark}"' not in json.dumps(body)], file
    subprocess.run(["sh", "-n", tmp_path / "out" / "run.sh"], check=True)
    for file in (tmp_path / "out").glob("*.sh"):
        assert file.stat().st_mode & 0o111


def test_every_kind_is_exported() -> None:
    names = {name for name, kind in KINDS.items() if kind.export.__module__ == f"phift.kinds.{name}.kind"}
    assert names == set(KINDS)


@pytest.fixture
def small(tmp_path: Path, emulator: InProcess) -> Project:
    project = Project.small(tmp_path / "small", f"small{len(emulator.requests)}", None)  # type: ignore[arg-type]
    served = "endpoint: {}\ndeployment: {instance_type: Standard_NC24ads_A100_v4}\n"
    project.edit("targets:", f"{served}targets:")
    return project


def _export(project: Project, emulator: InProcess) -> StackExport:
    return export(project.request, emulator.connector)


def _written(found: StackExport, place: Path) -> tuple[str, ...]:
    return write_export(place, found.stack, found.target, views.texts(found), views.copies(found), views.SCRIPT)


def _document(found: StackExport, name: str) -> Any:
    text = views.texts(found)[name]
    return json.loads(text) if name.endswith(".json") else yaml.safe_load(text)


def test_secrets_are_read_from_the_environment(
    small: Project, emulator: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_TOKEN", "hf_aaaaaaaaaaaaaaaaaaaaaa")
    small.edit(
        "instance_type: Standard_NC24ads_A100_v4}",
        "instance_type: Standard_NC24ads_A100_v4, environment_variables: {A: {secret: env:HUB_TOKEN}, "
        'B: "${{keyvault:https://v.vault.azure.net/secrets/b}}", C: plain}}',
    )
    small.edit(
        "    min_instances: 0",
        "    ssh: {admin_username: me, admin_password: {secret: env:SSH_PASSWORD}}\n    min_instances: 0",
    )
    found = _export(small, emulator)
    everything = "\n".join(views.texts(found).values())
    assert "hf_aaaa" not in everything
    variables = _document(found, "deployment-main.yml")["environment_variables"]
    assert variables == {"B": "${{keyvault:https://v.vault.azure.net/secrets/b}}", "C": "plain"}
    script = views.texts(found)["run.sh"]
    assert '--set environment_variables.A="$HUB_TOKEN"' in script
    assert '--set ssh_settings.admin_password="$SSH_PASSWORD"' in script
    assert script.index(': "${HUB_TOKEN:?is not set') < script.index("ml compute create")
    assert set(found.secrets) == {"HUB_TOKEN", "SSH_PASSWORD"}


@pytest.mark.parametrize("place", ["compute.finetune: tags.token", "deployment.main: environment_variables.API_KEY"])
def test_a_secret_in_plain_text_is_rejected(place: str, small: Project, emulator: InProcess) -> None:
    if "tags" in place:
        small.tag(token="hf_aaaaaaaaaaaaaaaaaaaaaa")
    else:
        variables = ", environment_variables: {API_KEY: hf_aaaaaaaaaaaaaaaaaaaaaa}}"
        small.edit("instance_type: Standard_NC24ads_A100_v4}", f"instance_type: Standard_NC24ads_A100_v4{variables}")
    with pytest.raises(UsageError, match=f"{place} is a secret in plain text") as rejected:
        _export(small, emulator)
    assert "hf_aaaa" not in f"{rejected.value} {rejected.value.detail} {rejected.value.remedy}"


def test_what_the_yaml_does_not_express_is_a_document(small: Project, emulator: InProcess) -> None:
    small.edit("endpoint: {}", 'endpoint: {azure: {properties: {newField: {a: "1"}}}}')
    found = _export(small, emulator)
    body = _document(found, "endpoint-main.json")
    assert body["properties"]["newField"] == {"a": "1"}
    assert body["properties"]["authMode"]
    script = views.texts(found)["run.sh"]
    assert "az rest --method put" in script
    assert "provisioned()" in script
    assert "written()" not in script


def test_a_document_with_a_secret_is_rejected(small: Project, emulator: InProcess) -> None:
    small.edit(
        "instance_type: Standard_NC24ads_A100_v4}",
        "instance_type: Standard_NC24ads_A100_v4, azure: {properties: {newField: 1}}, "
        "environment_variables: {A: {secret: env:HUB_TOKEN}}}",
    )
    with pytest.raises(UsageError, match=r"deployment.main cannot be exported"):
        _export(small, emulator)


def test_a_block_of_the_job_is_rejected(small: Project, emulator: InProcess) -> None:
    small.edit("finetune:\n  component", "finetune:\n  azure: {properties: {newField: 1}}\n  component")
    with pytest.raises(UsageError, match=r"job.finetune cannot be exported"):
        _export(small, emulator)


def test_an_export_replaces_its_own_files_only(small: Project, emulator: InProcess, tmp_path: Path) -> None:
    place = tmp_path / "out"
    names = _written(_export(small, emulator), place)
    assert {p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file()} == set(names)
    small.edit("endpoint: {}\ndeployment: {instance_type: Standard_NC24ads_A100_v4}\n", "")
    fewer = _written(_export(small, emulator), place)
    assert {p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file()} == set(fewer) < set(names)

    (place / "run.sh").write_text("edited", encoding="utf-8")
    with pytest.raises(UsageError, match=r"run.sh: it was edited after the export"):
        _written(_export(small, emulator), place)
    assert (place / "run.sh").read_text(encoding="utf-8") == "edited"


def test_files_of_others_are_never_overwritten(small: Project, emulator: InProcess, tmp_path: Path) -> None:
    found = _export(small, emulator)
    for name in ("README.md", "export.json", "notes.txt"):
        place = tmp_path / name
        place.mkdir()
        (place / name).write_text("mine", encoding="utf-8")
        with pytest.raises(UsageError, match="not from an export"):
            _written(found, place)
        assert [p.name for p in place.iterdir()] == [name]
        assert (place / name).read_text(encoding="utf-8") == "mine"
    again = tmp_path / "again"
    names = _written(found, again)
    manifest = json.loads((again / "export.json").read_text(encoding="utf-8"))
    del manifest["files"]["run.sh"]
    (again / "export.json").write_text(json.dumps(manifest), encoding="utf-8")
    (again / "run.sh").unlink()
    (again / "run.sh").symlink_to(tmp_path / "elsewhere")
    (again / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"run.sh: a file that is not from an export"):
        _written(found, again)
    assert not (tmp_path / "elsewhere").exists()
    (again / "run.sh").unlink()
    assert _written(found, again) == names
    assert (again / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_the_export_of_another_stack_is_kept(small: Project, emulator: InProcess, tmp_path: Path) -> None:
    found = _export(small, emulator)
    write_export(tmp_path / "out", "other", "local", {"run.sh": ""}, {}, "run.sh")
    with pytest.raises(UsageError, match="it contains an export of stack other on target local"):
        _written(found, tmp_path / "out")


def test_the_names_in_a_manifest_cannot_leave_the_folder(small: Project, emulator: InProcess, tmp_path: Path) -> None:
    found = _export(small, emulator)
    (tmp_path / "out").mkdir()
    victim = tmp_path / "victim"
    victim.write_text("", encoding="utf-8")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    manifest = {"stack": found.stack, "target": found.target, "files": {"../victim": empty, str(victim): empty}}
    (tmp_path / "out" / "export.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(UsageError, match=r"export.json: a file that is not from an export"):
        _written(found, tmp_path / "out")
    assert victim.exists()
