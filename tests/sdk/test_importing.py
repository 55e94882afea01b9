"""An endpoint made by the real azure-ai-ml, with an environment and code of its own, is imported."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import Embedded

from phift import phases
from phift.phases import ApplyOptions, Request
from phift.plan.action import Action
from tests.sdk.test_serving import run

MADE = """
from pathlib import Path
for folder in ("model", "code"):
    Path(folder).mkdir()
Path("model/model.json").write_text("{}")
Path("code/score.py").write_text("def init(): pass\\ndef run(data): return data\\n")
client.online_endpoints.begin_create_or_update(
    ManagedOnlineEndpoint(name="sdk-made", description="of the team", auth_mode="aml_token", tags={"owner": "zoe"})
).result()
client.online_deployments.begin_create_or_update(ManagedOnlineDeployment(
    name="blue", endpoint_name="sdk-made", model=Model(path="model", type="custom_model", name="sdk-made"),
    environment=Environment(image="mcr.microsoft.com/azureml/minimal", conda_file={"dependencies": ["python=3.11"]}),
    code_configuration=CodeConfiguration(code="code", scoring_script="score.py"),
    instance_type="Standard_DS3_v2", instance_count=2, environment_variables={"LEVEL": "debug"},
    request_settings=OnlineRequestSettings(request_timeout_ms=60000, max_concurrent_requests_per_instance=4),
    liveness_probe=ProbeSettings(initial_delay=600), tags={"color": "blue"}, app_insights_enabled=True,
)).result()
endpoint = client.online_endpoints.get("sdk-made")
endpoint.traffic = {"blue": 100}
client.online_endpoints.begin_create_or_update(endpoint).result()
tell(done=True)
"""


def test_it_is_adopted_as_it_is(embedded: Embedded, tmp_path: Path) -> None:
    pytest.importorskip("azure.ai.ml")
    assert run(embedded.connection, MADE, tmp_path) == {"done": True}
    azure = embedded.azure()
    found = phases.import_endpoint(azure, "sdk-made", target="local")
    path = tmp_path / "sdk-made.yaml"
    phases.write_imported(path, found)
    for words in (
        "auth_mode: aml_token",
        "model: azureml:sdk-made:",
        "environment: azureml:CliV2AnonymousEnvironment:",
        "scoring_script: score.py",
        "request_settings: {request_timeout_ms: 60000, max_concurrent_requests_per_instance: 4}",
        "environment_variables: {LEVEL: debug}",
    ):
        assert words in found.text
    request = Request(path)
    plan = phases.plan(request, embedded.connector)
    changes = {str(r.address): r.action for r in plan.resources if r.action is not Action.NO_OP}
    assert changes == {"endpoint.main": Action.ADOPT, "deployment.main": Action.ADOPT}
    assert not any(resource.visible_changes for resource in plan.resources)
    result = phases.apply(plan, request, embedded.connector, listener=lambda event: None, options=ApplyOptions())
    assert result.exit_code == 0
    assert not phases.plan(request, embedded.connector).changes_something
    removal = phases.destroy_plan(request, embedded.connector)
    phases.apply(removal, request, embedded.connector, listener=lambda event: None, options=ApplyOptions())
