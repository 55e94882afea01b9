"""Online endpoints by the real azure-ai-ml, unmodified, with a model that is really served."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.host import lifecycle
from tests.emulator.serving import chat, write_model

PRELUDE = """
import json, os
from azure.ai.ml import MLClient
from azure.ai.ml.constants import AssetTypes
from azure.ai.ml.entities import (
    ManagedOnlineDeployment, ManagedOnlineEndpoint, Model, OnlineRequestSettings, ProbeSettings, CodeConfiguration,
    Environment,
)
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
e = os.environ
client = MLClient(
    DefaultAzureCredential(), e["AZURE_SUBSCRIPTION_ID"], e["AZURE_RESOURCE_GROUP"], e["AZURE_WORKSPACE_NAME"]
)
def tell(**values): print("TOLD " + json.dumps(values, default=str))
"""


def run(connection: lifecycle.Connection, script: str, folder: Path) -> dict[str, Any]:
    """What the script tells; a failure of it is a failure of the test."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AZURE_")}
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(script)],
        env={**own, **lifecycle.environment(connection)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = {}
    for line in done.stdout.splitlines():
        if "TOLD " in line:  # the SDK prints dots without line ends
            told |= json.loads(line.split("TOLD ", 1)[1])
    return told


@pytest.mark.slow
def test_from_a_model_folder_to_an_answer_and_back(tmp_path: Path) -> None:
    write_model(tmp_path / "chat_model")
    (tmp_path / "request.json").write_text(json.dumps(chat("Hi", max_new_tokens=24)))
    home = tmp_path / "home"
    try:
        told = run(
            lifecycle.ensure(home, idle_seconds=600),
            """
            model = client.models.create_or_update(
                Model(name="chat", path="chat_model", type=AssetTypes.MLFLOW_MODEL)
            )
            endpoint = ManagedOnlineEndpoint(name="sdk-chat", auth_mode="key", tags={"a": "b"})
            made = client.begin_create_or_update(endpoint).result()
            tell(state=made.provisioning_state, uri=made.scoring_uri, traffic=made.traffic, identity=made.identity.type)
            def deployment(name, count=1):
                return ManagedOnlineDeployment(
                    name=name, endpoint_name="sdk-chat", model=model.id, instance_type="Standard_F4s_v2",
                    instance_count=count, liveness_probe=ProbeSettings(initial_delay=600),
                    request_settings=OnlineRequestSettings(request_timeout_ms=90000),
                )
            blue = client.online_deployments.begin_create_or_update(deployment("blue")).result()
            tell(blue=blue.provisioning_state, delay=blue.liveness_probe.initial_delay, model=blue.model)
            made.traffic = {"blue": 100}
            tell(shifted=client.begin_create_or_update(made).result().traffic)
            tell(answer=client.online_endpoints.invoke("sdk-chat", request_file="request.json"))
            tell(named=client.online_endpoints.invoke("sdk-chat", request_file="request.json", deployment_name="blue"))
            scaled = client.online_deployments.begin_create_or_update(deployment("blue", 2)).result()
            tell(scaled=scaled.instance_count)
            tell(logs=client.online_deployments.get_logs("blue", "sdk-chat", lines=50))
            keys = client.online_endpoints.get_keys("sdk-chat")
            client.online_endpoints.begin_regenerate_keys("sdk-chat", key_type="primary").result()
            after = client.online_endpoints.get_keys("sdk-chat")
            tell(rotated=[keys.primary_key != after.primary_key, keys.secondary_key == after.secondary_key])
            tell(endpoints=[each.name for each in client.online_endpoints.list()])
            tell(deployments=[each.name for each in client.online_deployments.list("sdk-chat")])
            tell(got=client.online_endpoints.get("sdk-chat").traffic)
            try:
                client.online_deployments.begin_delete("blue", "sdk-chat").result()
            except HttpResponseError as error:
                tell(refused=str(error))
            client.online_endpoints.begin_delete("sdk-chat").result()
            try:
                client.online_endpoints.get("sdk-chat")
            except ResourceNotFoundError:
                tell(gone=True)
            """,
            tmp_path,
        )
    finally:
        lifecycle.stop(home)
    assert told["state"] == "Succeeded"
    assert told["uri"] == "https://sdk-chat.eastus.inference.ml.azure.com/score"
    assert (told["traffic"], told["identity"]) == ({}, "system_assigned")
    assert (told["blue"], told["delay"]) == ("Succeeded", 600)
    assert told["shifted"] == {"blue": 100}
    assert json.loads(told["answer"]) == {"output": "I am a small local model."} == json.loads(told["named"])
    assert told["scaled"] == 2
    assert "ready for serving traffic" in told["logs"]
    assert told["rotated"] == [True, True]
    assert (told["endpoints"], told["deployments"]) == (["sdk-chat"], ["blue"])
    assert told["got"] == {"blue": 100}
    assert "Set its traffic to 0 first" in told["refused"]
    assert told["gone"] is True


def test_a_script_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    script = "import json, os\ndef init(): pass\ndef run(data): return [json.loads(data), os.environ['MODE']]\n"
    (tmp_path / "src" / "score.py").write_text(script)
    (tmp_path / "weights.txt").write_text("w")
    (tmp_path / "request.json").write_text('{"x": 1}')
    home = tmp_path / "home"
    try:
        told = run(
            lifecycle.ensure(home, idle_seconds=600),
            """
            client.begin_create_or_update(ManagedOnlineEndpoint(name="sdk-own", auth_mode="aml_token")).result()
            client.online_deployments.begin_create_or_update(ManagedOnlineDeployment(
                name="own", endpoint_name="sdk-own", model=Model(path="weights.txt"),
                code_configuration=CodeConfiguration(code="src", scoring_script="score.py"),
                environment=Environment(image="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04"),
                environment_variables={"MODE": "test"}, instance_type="Standard_F4s_v2", instance_count=1,
            )).result()
            tell(answer=client.online_endpoints.invoke("sdk-own", request_file="request.json", deployment_name="own"))
            got = client.online_deployments.get("own", "sdk-own")
            tell(variables=got.environment_variables, code=got.code_configuration.scoring_script)
            """,
            tmp_path,
        )
    finally:
        lifecycle.stop(home)
    assert json.loads(told["answer"]) == [{"x": 1}, "test"]
    assert told["variables"]["AML_APP_ROOT"] == "/var/azureml-app/onlinescoring"
    assert told["code"] == "score.py"
