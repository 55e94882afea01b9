"""Submitting, changing, listing, cancelling and deleting jobs. Jobs are rehearsed here: nothing is trained."""

import time

import pytest

from phift.emulator.host import lifecycle

API = "2024-01-01-preview"
REGISTRY = "azureml://registries/azureml"
COMPONENT = f"{REGISTRY}/components/chat_completion_pipeline/versions/0.0.82"
MODEL = f"{REGISTRY}/models/Phi-3-mini-4k-instruct/labels/latest"
STORE = "azureml://datastores/workspaceblobstore/paths"
ENDED = {"Completed", "Failed", "Canceled"}
SIZE = "Standard_NC24ads_A100_v4"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
        home = tmp_path_factory.mktemp("jobs") / "home"
        connection = lifecycle.ensure(home, idle_seconds=600)
    yield connection
    lifecycle.stop(home)


def pipeline(*, component=COMPONENT, model=MODEL, data="data/train.jsonl", tags=None, **parameters):
    where = {} if "compute_finetune" in parameters else {"instance_type_finetune": SIZE}
    inputs = {name: {"value": value, "job_input_type": "literal"} for name, value in {**where, **parameters}.items()}
    inputs["mlflow_model_path"] = {"uri": model, "job_input_type": "mlflow_model"}
    inputs["train_file_path"] = {"uri": f"{STORE}/{data}", "job_input_type": "uri_file"}
    node = {
        "name": "trainer",
        "type": "pipeline",
        "_source": "REMOTE.REGISTRY",
        "componentId": component,
        "inputs": inputs,
        "outputs": {"mlflow_model_folder": {"value": "${{parent.outputs.trained_model}}", "type": "literal"}},
    }
    return {
        "properties": {
            "jobType": "Pipeline",
            "displayName": "a job",
            "experimentName": "tests",
            "description": "of a test",
            "tags": tags or {},
            "properties": {"mine": "1"},
            "isArchived": False,
            "inputs": {},
            "outputs": {"trained_model": {"mode": "ReadWriteMount", "jobOutputType": "mlflow_model"}},
            "settings": {"force_rerun": True, "continue_on_step_failure": False, "_source": "DSL"},
            "jobs": {"trainer": node},
        }
    }


def submit(azure, name, body, status=201):
    answer = azure.call("PUT", f"jobs/{name}", body, api=API)
    assert answer.status_code == status, answer.text
    return answer


def wait(azure, name, seconds=90.0, wanted=ENDED):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        document = azure.call("GET", f"jobs/{name}", api=API).json()
        if document["properties"]["status"] in wanted:
            return document
        time.sleep(0.05)
    raise AssertionError(f"{name} is {document['properties']['status']} after {seconds} s")


def data_plane(azure, method, path, body=None):
    answer = azure.call(method, path, body, host="eastus.api.azureml.ms", api="v1.0")
    assert answer.status_code == 200, answer.text
    return answer.json()


def history(azure, path):
    return data_plane(azure, "GET", f"/history/v1.0{azure.workspace}/runs/{path}")


def put_data(azure):
    """Put a small file where the jobs here look for their data."""
    container = azure.call("GET", "datastores/workspaceblobstore", api="2024-10-01-preview").json()["properties"]
    token = azure.token("https://storage.azure.com")
    url = f"https://{container['accountName']}.blob.core.windows.net/{container['containerName']}/data/train.jsonl"
    row = b'{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}\n'
    headers = {"Authorization": f"Bearer {token}", "x-ms-blob-type": "BlockBlob", "x-ms-version": "2025-01-05"}
    assert azure.session.put(url, data=row, headers=headers).status_code == 201


@pytest.fixture(autouse=True)
def data(azure):
    put_data(azure)


def test_first_put_answers_not_started_with_an_untouched_bag_and_no_etag(azure):
    answer = submit(azure, "fresh", pipeline())
    body = answer.json()
    assert answer.headers["Location"].endswith(f"/jobs/fresh?api-version={API}")
    assert not {"ETag", "Azure-AsyncOperation", "Retry-After"} & set(answer.headers)
    assert body["properties"]["status"] == "NotStarted"
    assert body["properties"]["properties"] == {"mine": "1"}
    assert body["properties"]["inputs"] is None
    assert body["properties"]["jobs"] == pipeline()["properties"]["jobs"]
    assert "default" not in body["properties"]["outputs"]
    assert "lastModifiedAt" not in body["systemData"]


def test_a_run_job_gains_server_properties_steps_logs_metrics_and_outputs(azure):
    submit(azure, "whole", pipeline(num_train_epochs="1"))
    document = wait(azure, "whole")
    bag = document["properties"]["properties"]
    assert document["properties"]["status"] == "Completed", history(azure, "whole/details")
    assert bag["mine"] == "1"
    assert bag["azureml.enforceRerun"] == "True"
    assert '"Status":"Finished"' in bag["azureml.pipelines.stages"]

    [node] = history(azure, "whole/children")["value"]
    assert (node["displayName"], node["runType"], node["parentRunId"]) == ("trainer", "azureml.PipelineRun", "whole")
    steps = history(azure, f"{node['runId']}/children")["value"]
    assert [step["displayName"] for step in steps] == [
        "ft_nlp_common_validation",
        "chat_completion_model_import",
        "chat_completion_datapreprocess",
        "chat_completion_finetune",
        "ft_nlp_model_converter",
    ]
    assert {step["status"] for step in steps} == {"Completed"}
    assert {step["rootRunId"] for step in steps} == {"whole"}

    for run, name in (("whole", "logs/azureml/executionlogs.txt"), (steps[3]["runId"], "user_logs/std_log.txt")):
        url = history(azure, f"{run}/details")["logFiles"][name]
        assert "step 3/3 loss" in azure.session.get(url).text

    tracking = f"/mlflow/v1.0{azure.workspace}/api/2.0/mlflow"
    run = data_plane(azure, "GET", f"{tracking}/runs/get?run_id=whole")["run"]
    assert run["info"]["status"] == "FINISHED"
    assert {"loss", "eval_loss"} <= {metric["key"] for metric in run["data"]["metrics"]}
    points = data_plane(azure, "GET", f"{tracking}/metrics/get-history?run_id=whole&metric_key=eval_loss")["metrics"]
    assert points[0]["step"] == 0

    metadata = data_plane(
        azure, "POST", f"/history/v1.0{azure.workspace}/rundata", {"runId": "whole", "selectRunMetadata": True}
    )["runMetadata"]
    assert metadata["outputs"]["trained_model"]["type"] == "UriFolder"
    asset = metadata["outputs"]["trained_model"]["assetId"]
    resolved = data_plane(
        azure, "POST", f"/data/v1.0{azure.workspace}/dataversion/batchGetResolvedUris", {"values": [asset]}
    )["values"][asset]
    assert resolved["uri"].endswith("/datastores/workspaceblobstore/paths/azureml/whole/trained_model/")
    assert "/resourcegroups/" in resolved["uri"]


def test_only_metadata_of_an_existing_job_can_change_and_tags_merge(azure):
    submit(azure, "again", pipeline(tags={"a": "1"}))
    submit(azure, "again", pipeline(tags={"b": "2"}), 200)
    assert wait(azure, "again")["properties"]["tags"] == {"a": "1", "b": "2"}

    error = submit(azure, "again", pipeline(seed="7"), 400).json()["error"]
    assert error["code"] == "UserError"
    assert error["message"] == (
        "A job with this name already exists. If you are trying to create a new job, use a different name. If you are"
        " trying to update an existing job, the existing job's Jobs cannot be changed. Only description, tags,"
        " displayName, properties, and isArchived can be updated."
    )
    info = {entry["type"]: entry["info"]["value"] for entry in error["additionalInfo"]}
    assert info["InnerError"]["code"] == "Immutable"
    assert info["InnerError"]["innerError"]["code"] == "JobPropertyImmutable"

    more = pipeline()
    more["properties"]["settings"] = {}
    more["properties"]["outputs"] = {}
    error = submit(azure, "again", more, 400).json()["error"]
    assert "existing job's Settings,  Outputs,  OutputBindings cannot be changed" in error["message"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seeed": "1"}, "unknown parameter `seeed`"),
        ({"seed": "x"}, "seed must be a whole number, got 'x'"),
        ({"apply_lora": "maybe"}, "apply_lora must be true or false"),
        ({"num_train_epochs": "0"}, "num_train_epochs must be at least 1"),
        ({"optim": "sgd"}, "optim must be one of adamw_torch, adafactor"),
        ({"validation_file_path": "a.jsonl"}, "validation_file_path must be a uri_file, got literal"),
        ({"compute_finetune": "none-such"}, "none-such"),
    ],
)
def test_inputs_that_do_not_fit_the_component_are_refused_at_once(azure, change, named):
    answer = submit(azure, "refused", pipeline(**change), 400)
    assert answer.json()["error"]["code"] == "UserError"
    assert named in answer.json()["error"]["message"]
    assert azure.call("GET", "jobs/refused", api=API).status_code == 404


def test_what_does_not_exist_answers_404(azure):
    gone = COMPONENT.replace("0.0.82", "9.9.9")
    error = submit(azure, "gone", pipeline(component=gone), 404).json()["error"]
    assert error["code"] == "NotFound"
    assert error["message"] == f"key: {gone}, Message: Not found component chat_completion_pipeline (version: 9.9.9)."
    assert "InnerError" not in [entry["type"] for entry in error["additionalInfo"]]
    error = submit(azure, "gone", pipeline(model=f"{REGISTRY}/models/No-such/versions/1"), 404).json()["error"]
    assert error["message"] == "Not found model No-such (version: 1)."
    answer = azure.call("GET", "jobs/never", api=API)
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Job never not found.")


@pytest.mark.parametrize("name", ["a:b", "a.b", "x" * 256])
def test_names_that_are_no_names_are_refused(azure, name):
    assert submit(azure, name, pipeline(), 400).json()["error"]["code"] == "RequestInvalid"


def test_a_pipeline_of_another_component_is_accepted_and_fails_saying_that_it_does_not_run_here(azure):
    body = pipeline(component=f"{REGISTRY}/components/summarization_pipeline/labels/latest")
    body["properties"]["jobs"]["trainer"]["inputs"]["document_key"] = {"value": "text", "job_input_type": "literal"}
    body["properties"]["jobs"]["trainer"]["inputs"]["summary_key"] = {"value": "sum", "job_input_type": "literal"}
    submit(azure, "summary", body)
    assert wait(azure, "summary")["properties"]["status"] == "Failed"
    message = history(azure, "summary")["error"]["error"]["message"]
    assert message.startswith("Node trainer is not run here: summarization_pipeline is a component of type pipeline.")
    assert "docs/emulator.md#operations" in message


def test_a_missing_input_file_fails_the_run_and_not_the_put(azure):
    submit(azure, "nofile", pipeline(data="nowhere/x.jsonl"))
    assert wait(azure, "nofile")["properties"]["status"] == "Failed"
    message = history(azure, "nofile/details")["error"]["error"]["message"]
    assert message.startswith("input train_file_path: nothing is at azureml://datastores/workspaceblobstore")


def test_a_failed_step_is_named_with_its_message(azure):
    submit(azure, "stepfail", pipeline(tags={"rehearsal.fail": "chat_completion_finetune: out of memory"}))
    assert wait(azure, "stepfail")["properties"]["status"] == "Failed"
    error = history(azure, "stepfail/details")["error"]["error"]
    assert error["referenceCode"] == "PipelineHasStepJobFailed"
    assert "Failed nodes: /trainer/chat_completion_finetune." in error["message"]
    assert error["details"][0]["message"] == "chat_completion_finetune: out of memory"


def test_cancel_answers_202_with_a_location_and_ends_the_job(azure):
    submit(azure, "long", pipeline(tags={"rehearsal.seconds": "60"}))
    wait(azure, "long", wanted={"Running"})
    answer = azure.call("POST", "jobs/long/cancel", api="2023-04-01-preview")
    assert (answer.status_code, answer.text) == (202, "null")
    assert "Azure-AsyncOperation" not in answer.headers
    assert answer.headers["x-ms-async-operation-timeout"] == "PT1H"
    assert "/mfeOperationResults/jc:" in answer.headers["Location"]
    assert wait(azure, "long", 10)["properties"]["status"] == "Canceled"
    token = {"Authorization": f"Bearer {azure.token()}"}
    deadline = time.monotonic() + 5
    while (polled := azure.session.get(answer.headers["Location"], headers=token)).status_code == 202:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (polled.status_code, polled.content) == (200, b"")
    assert azure.call("POST", "jobs/long/cancel", api="2023-04-01-preview").status_code == 200


def test_a_cluster_runs_as_many_jobs_as_it_has_nodes_and_one_at_a_time_here(azure):
    submit(azure, "first", pipeline(tags={"rehearsal.seconds": "2"}))
    wait(azure, "first", wanted={"Running"})
    submit(azure, "second", pipeline())
    wait(azure, "second", wanted={"Queued"})
    assert wait(azure, "first")["properties"]["status"] == "Completed"
    assert wait(azure, "second")["properties"]["status"] == "Completed"


def test_run_history_patches_metadata_and_archiving_hides_from_lists(azure):
    submit(azure, "patched", pipeline(tags={"color": "blue"}))
    wait(azure, "patched")
    path = f"/history/v1.0{azure.workspace}/experiments/tests/runs/patched"
    run = data_plane(azure, "PATCH", path, {"displayName": "new", "tags": {"more": "1"}, "hidden": True})
    assert (run["displayName"], run["hidden"]) == ("new", True)
    document = azure.call("GET", "jobs/patched", api=API).json()["properties"]
    assert document["tags"] == {"color": "blue", "more": "1"}
    assert (document["displayName"], document["isArchived"]) == ("new", True)

    def names(**query):
        return [job["name"] for job in azure.call("GET", "jobs", api=API, **query).json()["value"]]

    assert "patched" not in names()
    assert names(listViewType="ArchivedOnly") == ["patched"]
    assert names(listViewType="All", tag="color=blue") == ["patched"]
    page = azure.call("GET", "jobs", api=API, **{"$top": "1", "listViewType": "All"}).json()
    assert [job["name"] for job in page["value"]] == ["patched"]
    assert page["nextLink"].startswith("https://management.azure.com/")
    assert "&$skipToken=" in page["nextLink"]


def test_a_child_job_has_no_properties_and_a_deleted_job_is_gone(azure):
    submit(azure, "brief", pipeline())
    wait(azure, "brief")
    [node] = history(azure, "brief/children")["value"]
    assert "properties" not in azure.call("GET", f"jobs/{node['runId']}", api=API).json()
    assert azure.call("DELETE", "jobs/brief", api=API).status_code == 202
    deadline = time.monotonic() + 5
    while azure.call("GET", "jobs/brief", api=API).status_code != 404:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert azure.call("DELETE", "jobs/brief", api=API).status_code == 204


def test_the_tracking_server_has_the_gaps_of_the_service(azure):
    base = f"/mlflow/v2.0{azure.workspace}/api/2.0/mlflow"
    answer = azure.call("POST", f"{base}/logged-models", {}, host="eastus.api.azureml.ms")
    assert (answer.status_code, answer.content) == (404, b"")
    assert azure.call("GET", f"{base}/traces", host="eastus.api.azureml.ms").status_code == 403
    missing = azure.call("GET", f"{base}/runs/get", host="eastus.api.azureml.ms", run_id="never")
    assert (missing.status_code, missing.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
