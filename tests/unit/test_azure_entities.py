"""The bodies phift sends are, byte for byte, those that MLClient would send."""

from __future__ import annotations

import json
import threading
import time
import warnings
from typing import Any

import pytest

from phift.azure.entities import body, build_pipeline, pipeline_from_component
from phift.catalog.components import component
from phift.errors import PhiftError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK's own, at import

WORKSPACE = "/subscriptions/s-1/resourceGroups/rg-1/providers/Microsoft.MachineLearningServices/workspaces/ws-1"
REGISTRY_MODEL = "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/versions/13"
TRAIN = "azureml://datastores/workspaceblobstore/paths/phift/data/0123/train.jsonl"


class _Credential:
    def get_token(self, *scopes: str, **_: Any) -> Any:
        import base64
        import time

        from azure.core.credentials import AccessToken

        claims = base64.urlsafe_b64encode(json.dumps({"aud": scopes[0].removesuffix("/.default")}).encode()).decode()
        return AccessToken(f"e30.{claims.rstrip('=')}.", int(time.time()) + 3600)


class _Recorder:
    """An azure-core transport that notes every PUT and answers with what keeps MLClient going."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    def __enter__(self) -> _Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    open = close = lambda self: None

    def send(self, request: Any, **_: Any) -> Any:
        import requests
        from azure.core.pipeline.transport import RequestsTransport

        path = request.url.partition("?")[0]
        document: Any = {"id": path[28:], "name": path.rpartition("/")[2], "location": "eastus", "properties": {}}
        if request.method == "PUT":
            sent = request.content if hasattr(request, "content") else request.body
            self.bodies.append(json.loads(sent))
            document |= json.loads(sent)
        elif path.endswith("/versions"):
            document = {"value": []}

        class Adapter(requests.adapters.BaseAdapter):
            def send(self, prepared: Any, **_: Any) -> requests.Response:
                answer = requests.Response()
                answer.status_code, answer.request, answer.url = 200, prepared, prepared.url
                answer._content = json.dumps(document).encode()
                answer._content_consumed = True
                answer.headers["Content-Type"] = "application/json"
                answer.raw = type("Raw", (), {"enforce_content_length": False, "reason": "OK", "headers": {}})()
                return answer

            def close(self) -> None:
                return None

        session = requests.Session()
        session.mount("https://", Adapter())
        return RequestsTransport(session=session).send(request)


def _sent_by_client(write: Any) -> dict[str, Any]:
    """The first PUT that `write(client)` makes."""
    from azure.ai.ml import MLClient

    recorder = _Recorder()
    client = MLClient(_Credential(), "s-1", "rg-1", "ws-1", transport=recorder, retry_total=0, enable_telemetry=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            write(client)
        except Exception:
            if not recorder.bodies:
                raise
    return recorder.bodies[0]


def _component_document() -> dict[str, Any]:
    facts = component("chat_completion_pipeline")
    assert facts is not None
    return {
        "id": f"azureml://registries/azureml/components/{facts.name}/versions/{facts.version}",
        "name": facts.version,
        "properties": {
            "isAnonymous": False,
            "componentSpec": {
                "name": facts.name,
                "version": facts.version,
                "display_name": facts.display_name,
                "type": "pipeline",
                "_source": "YAML.COMPONENT",
                "inputs": {
                    "num_train_epochs": {"type": "integer", "optional": "True", "default": "1"},
                    "learning_rate": {"type": "number", "optional": "True", "default": "2e-05"},
                    "apply_lora": {"type": "string", "optional": "True", "enum": ["true", "false"]},
                    "compute_finetune": {"type": "string", "optional": "True"},
                    "mlflow_model_path": {"type": "mlflow_model", "optional": "True"},
                    "train_file_path": {"type": "uri_file", "optional": "True"},
                },
                "outputs": {"mlflow_model_folder": {"type": "mlflow_model"}},
            },
        },
    }


def _pipeline_job(epochs: int = 3) -> Any:
    from azure.ai.ml import Input, dsl

    chat = pipeline_from_component(_component_document())

    @dsl.pipeline(name="phi-3-ultrachat")
    def fine_tune() -> dict[str, Any]:
        chat_completion_pipeline = chat(
            mlflow_model_path=Input(type="mlflow_model", path=REGISTRY_MODEL),
            train_file_path=Input(type="uri_file", path=TRAIN),
            compute_finetune="gpu-cluster",
            num_train_epochs=epochs,
            learning_rate=5e-6,
            apply_lora="true",
        )
        return {"trained_model": chat_completion_pipeline.outputs.mlflow_model_folder}

    job = build_pipeline(fine_tune)
    job.name = "demo-0123456789ab"
    job.experiment_name = "demo"
    job.settings.force_rerun = True
    job.settings.continue_on_step_failure = False
    job.tags = {"phift.digest": "0123"}
    return job


def _entities() -> dict[str, tuple[Any, str]]:
    from azure.ai.ml import entities as e

    settings = e.OnlineRequestSettings(request_timeout_ms=90_000, max_concurrent_requests_per_instance=1)
    return {
        "compute": (
            e.AmlCompute(
                name="gpu-cluster",
                size="Standard_NC24ads_A100_v4",
                tier="low_priority",
                min_instances=0,
                max_instances=2,
                idle_time_before_scale_down=120,
                tags={"phift.stack": "demo"},
            ),
            "compute.begin_create_or_update",
        ),
        "data": (
            e.Data(name="demo-train", version="0123", type="uri_file", path=TRAIN, properties={"phift.digest": "0"}),
            "data.create_or_update",
        ),
        "model from a job": (
            e.Model(name="m", version="3", type="mlflow_model", path="azureml://jobs/demo-0/outputs/trained_model"),
            "models.create_or_update",
        ),
        "model from a datastore": (
            e.Model(
                name="m", version="3", type="custom_model", path="azureml://datastores/workspaceblobstore/paths/m/"
            ),
            "models.create_or_update",
        ),
        "endpoint": (
            e.ManagedOnlineEndpoint(
                name="demo-abcdef", auth_mode="key", tags={"a": "b"}, traffic={"d-1": 100, "d-2": 0}
            ),
            "online_endpoints.begin_create_or_update",
        ),
        "deployment": (
            e.ManagedOnlineDeployment(
                name="d-01234567",
                endpoint_name="demo-abcdef",
                model="azureml:m:3",
                instance_type="Standard_NC24ads_A100_v4",
                instance_count=1,
                liveness_probe=e.ProbeSettings(initial_delay=600),
                request_settings=settings,
            ),
            "online_deployments.begin_create_or_update",
        ),
    }


@pytest.mark.parametrize(
    "kind", ["compute", "data", "model from a job", "model from a datastore", "endpoint", "deployment"]
)
def test_body_is_what_ml_client_sends(kind: str) -> None:
    entity, operation = _entities()[kind]
    ours = body(entity, "eastus", WORKSPACE)
    group, _, name = operation.partition(".")
    theirs = _sent_by_client(lambda client: getattr(getattr(client, group), name)(_entities()[kind][0]))
    assert ours == theirs


def test_pipeline_job_is_what_ml_client_sends() -> None:
    theirs = _sent_by_client(lambda client: client.jobs.create_or_update(_pipeline_job()))
    ours = body(_pipeline_job(), "eastus", WORKSPACE)
    bag = theirs["properties"]["properties"]
    for key in [k for k in bag if "git" in k]:
        del bag[key]
    assert ours == theirs
    node = ours["properties"]["jobs"]["chat_completion_pipeline"]
    assert node["componentId"].startswith("azureml://registries/azureml/components/chat_completion_pipeline/versions/")
    assert node["inputs"]["learning_rate"] == {"value": "5e-06", "job_input_type": "literal"}
    assert node["inputs"]["train_file_path"] == {"uri": TRAIN, "job_input_type": "uri_file"}
    assert ours["properties"]["settings"]["force_rerun"] is True


def test_default_compute_becomes_an_arm_id_as_ml_client_makes_it() -> None:
    def job() -> Any:
        made = _pipeline_job()
        made.settings.default_compute = "gpu-cluster"
        return made

    theirs = _sent_by_client(lambda client: client.jobs.create_or_update(job()))
    ours = body(job(), "eastus", WORKSPACE)
    assert ours["properties"]["settings"] == theirs["properties"]["settings"]


def test_writing_a_body_leaves_the_entity_and_the_document_alone() -> None:
    entity, _ = _entities()["endpoint"]
    body(entity, "eastus", WORKSPACE)
    assert entity.traffic == {"d-1": 100, "d-2": 0}
    document = _component_document()
    pipeline_from_component(document)
    assert document == _component_document()


def test_pipelines_built_at_once_do_not_mix() -> None:
    built: dict[int, dict[str, Any]] = {}
    threads = [threading.Thread(target=lambda n=n: built.update({n: body(_pipeline_job(n))})) for n in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    epochs = {n: b["properties"]["jobs"]["chat_completion_pipeline"]["inputs"] for n, b in built.items()}
    assert {n: inputs["num_train_epochs"]["value"] for n, inputs in epochs.items()} == {n: str(n) for n in range(1, 7)}


def test_conversions_are_one_at_a_time() -> None:
    """Models of the SDK compute their fields on first use, which is not safe for threads."""
    inside: list[int] = []
    busy = threading.Lock()

    class Slow:
        def _to_rest_object(self) -> dict[str, Any]:
            inside.append(int(busy.acquire(blocking=False)))
            time.sleep(0.02)
            busy.release()
            return {}

    threads = [threading.Thread(target=body, args=(Slow(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == [1, 1, 1, 1]


def test_what_the_sdk_refuses_is_one_clear_error() -> None:
    from azure.ai.ml.entities import ManagedOnlineDeployment

    with pytest.raises(PhiftError, match="requires a workspace"):
        body(ManagedOnlineDeployment(name="d", endpoint_name="e", model="azureml:m:3"))
    with pytest.raises(PhiftError, match="cannot read the component"):
        pipeline_from_component({"id": "x", "properties": {"componentSpec": {}}})
