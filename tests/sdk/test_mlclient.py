"""The real azure-ai-ml, unmodified, in a process whose environment alone leads it to the emulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.host import lifecycle
from phift.emulator.host.lifecycle import Connection

PRELUDE = """
import json, os, sys
from azure.ai.ml import MLClient
from azure.ai.ml.entities import AmlCompute, Data, Environment, Model
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
credential = DefaultAzureCredential()
e = os.environ
client = MLClient(credential, e["AZURE_SUBSCRIPTION_ID"], e["AZURE_RESOURCE_GROUP"], e["AZURE_WORKSPACE_NAME"])
def tell(**values): print("TOLD " + json.dumps(values, default=str))
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    home = tmp_path_factory.mktemp("sdk") / "home"
    try:
        yield lifecycle.ensure(home, idle_seconds=600)
    finally:
        lifecycle.stop(home)


def run(served: Connection, script: str, folder: Path, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the script tells; a failure of it is a failure of the test."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AZURE_")}
    environment = {**own, **lifecycle.environment(served)}
    for name in without:
        del environment[name]
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(script)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = {}
    for line in done.stdout.splitlines():
        if line.startswith("TOLD "):
            told |= json.loads(line.removeprefix("TOLD "))
    return told


def test_workspace_and_compute(served: Connection, tmp_path: Path) -> None:
    told = run(
        served,
        """
        tell(workspace=client.workspaces.get(e["AZURE_WORKSPACE_NAME"]).location)
        try:
            client.compute.get("gpu")
        except ResourceNotFoundError:
            tell(missing=True)
        def cluster(most):
            return AmlCompute(name="gpu", size="Standard_NC24ads_A100_v4", max_instances=most, tags={"a": "b"})
        made = client.compute.begin_create_or_update(cluster(2)).result()
        tell(state=made.provisioning_state.value, size=made.size, tags=made.tags)
        tell(most=client.compute.begin_create_or_update(cluster(3)).result().max_instances)
        tell(names=[each.name for each in client.compute.list()])
        tell(sizes=[each.name for each in client.compute.list_sizes(compute_type="AmlCompute")])
        tell(usage=len(list(client.compute.list_usage())))
        client.compute.begin_delete("gpu").result()
        tell(after=[each.name for each in client.compute.list()])
        """,
        tmp_path,
    )
    assert told["workspace"] == "eastus"
    assert told["missing"] is True
    assert (told["state"], told["size"], told["tags"]) == ("Succeeded", "Standard_NC24ads_A100_v4", {"a": "b"})
    assert (told["most"], told["names"], told["after"]) == (3, ["gpu"], [])
    assert "Standard_NC24ads_A100_v4" in told["sizes"]
    assert told["usage"] > 20


def test_a_cluster_beyond_the_quota_fails_with_the_services_words(served: Connection, tmp_path: Path) -> None:
    lifecycle.request(served, "PUT", "/quota", {"standardNCadsH100v5Family": 10})
    told = run(
        served,
        """
        try:
            client.compute.begin_create_or_update(AmlCompute(name="h100", size="Standard_NC40ads_H100_v5")).result()
        except HttpResponseError as error:
            tell(code=error.error.code, message=str(error))
        found = client.compute.get("h100")
        tell(state=found.provisioning_state.value, errors=str(found.provisioning_errors))
        """,
        tmp_path,
    )
    assert told["code"] == "ClusterMinNodesExceedCoreQuota"
    assert "Standard NCadsH100v5 family vCPU quota of 10" in told["message"]
    assert told["state"] == "Failed"


def test_assets(served: Connection, tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"messages": []}\n')
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.bin").write_bytes(b"0123456789")
    told = run(
        served,
        """
        def put(**given):
            return client.data.create_or_update(Data(name="train", path="train.jsonl", type="uri_file", **given))
        first = put(version="abc")
        tell(path=first.path, again=put(version="abc", tags={"x": "y"}).tags, next=put().version)
        tell(latest=client.data.get("train", label="latest").version)
        try:
            client.data.create_or_update(Data(name="train", version="abc", path="model", type="uri_folder"))
        except Exception as error:
            tell(refused=str(error))
        for _ in range(2):
            model = client.models.create_or_update(Model(name="m", path="model", type="custom_model"))
        tell(version=model.version, newest=client.models.get("m", label="latest").version)
        client.models.archive("m", "2")
        tell(active=[each.version for each in client.models.list("m")], stage=client.models.get("m", "2").stage)
        client.models.restore("m", "2")
        tell(restored=[each.version for each in client.models.list("m")])
        client.models.download("m", "1", download_path="down")
        tell(downloaded=open("down/m/model/weights.bin").read())
        environment = Environment(name="env", image="mcr.microsoft.com/x:1", conda_file={"dependencies": ["python"]})
        tell(environment=client.environments.create_or_update(environment).version)
        tell(label=client.environments.get("env", label="latest").version)
        """,
        tmp_path,
    )
    assert "/datastores/workspaceblobstore/paths/LocalUpload/" in told["path"]
    assert (told["again"], told["next"], told["latest"]) == ({"x": "y"}, "1", "1")
    assert "cannot be" in told["refused"]
    assert (told["version"], told["newest"]) == ("2", "2")
    assert (told["active"], told["stage"], told["restored"]) == (["1"], "Archived", ["2", "1"])
    assert told["downloaded"] == "0123456789"
    assert (told["environment"], told["label"]) == ("1", "1")


def test_archives_labels_filters_and_pages(served: Connection, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.bin").write_bytes(b"0")
    told = run(
        served,
        """
        from azure.ai.ml import command
        from azure.ai.ml.constants import ListViewType
        def versions(group, name, **how):
            return [each.version for each in group.list(name, **how)]
        for version in ("1", "2", "3"):
            client.models.create_or_update(Model(name="kept", version=version, path="model", type="custom_model"))
        client.models.archive("kept", label="latest")
        tell(active=versions(client.models, "kept"), latest=client.models.get("kept", label="latest").version)
        tell(archived=versions(client.models, "kept", list_view_type=ListViewType.ARCHIVED_ONLY))
        tell(every=versions(client.models, "kept", list_view_type=ListViewType.ALL))
        model = client.models.get("kept", "1")
        model.stage = "Production"
        client.models.create_or_update(model)
        tell(staged=versions(client.models, "kept", stage="Production"))
        client.models.archive("kept")
        tell(hidden="kept" in [each.name for each in client.models.list()])
        client.models.restore("kept")
        tell(shown="kept" in [each.name for each in client.models.list()])
        for number in range(35):
            client.environments.create_or_update(Environment(name="many", version=str(number), image=f"a:{number}"))
        tell(pages=len(versions(client.environments, "many")))
        def component():
            made = command(name="echo", command="echo hi", environment="many:1").component
            return client.components.create_or_update(made).version
        first, second = component(), component()
        tell(numbered=[first, second], listed=versions(client.components, "echo"))
        """,
        tmp_path,
    )
    assert (told["active"], told["latest"], told["archived"]) == (["2", "1"], "2", ["3"])
    assert (told["every"], told["staged"]) == (["3", "2", "1"], ["1"])
    assert (told["hidden"], told["shown"], told["pages"]) == (False, True, 35)
    assert None not in told["numbered"]
    assert told["listed"] == told["numbered"][::-1]


def test_registry_without_any_credential_in_the_environment(served: Connection, tmp_path: Path) -> None:
    """The managed identity endpoint hands out the token, as on a machine in Azure."""
    told = run(
        served,
        """
        registry = MLClient(credential, registry_name="azureml")
        model = registry.models.get("Phi-3-mini-4k-instruct", label="latest")
        tell(model=model.id, stand_in=model.tags["phift.stand_in"])
        pipeline = registry.components.get("chat_completion_pipeline", label="latest")
        tell(version=pipeline.version, inputs=len(pipeline.inputs), epochs=pipeline.inputs["num_train_epochs"].default)
        tell(models=len(list(registry.models.list())))
        """,
        tmp_path,
        without=("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"),
    )
    assert told["model"] == "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/versions/16"
    assert told["stand_in"] == "true"
    assert (told["version"], told["inputs"]) == ("0.0.82", 69)
    assert told["models"] > 20
