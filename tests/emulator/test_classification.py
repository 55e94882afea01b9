"""Text classification: rows, measures, requests, and the whole way from data to a deployment that answers."""

import json
import types
from collections import defaultdict

import pytest

from phift.emulator.host import lifecycle
from phift.emulator.runtime.foundation.facts import facts
from phift.emulator.runtime.serving.classification import read_table
from phift.emulator.runtime.serving.contract import BadRequest
from phift.emulator.runtime.training.steps.classes import (
    Example,
    class_names,
    encode_examples,
    read_examples,
    score_classes,
)
from phift.emulator.runtime.training.steps.context import Parameters, StepError
from tests.emulator.client import Azure
from tests.emulator.serving import Serving
from tests.emulator.test_job_submission import REGISTRY, STORE, data_plane, history, pipeline, submit, wait

COMPONENT = f"{REGISTRY}/components/text_classification_pipeline/labels/latest"
KEYS = Parameters({"sentence1_key": "text", "label_key": "topic"})
PAIRS = Parameters({"sentence1_key": "a", "sentence2_key": "b", "label_key": "same"})


def examples(tmp_path, rows, keys=KEYS):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return list(read_examples(path, keys))


# rows


def test_rows_are_read_by_the_keys_of_the_job(tmp_path):
    assert examples(tmp_path, [{"text": "Hi", "topic": "greeting", "more": 1}]) == [Example("Hi", None, "greeting")]
    assert examples(tmp_path, [{"a": "x", "b": "y", "same": 0}], PAIRS) == [Example("x", "y", "0")]


@pytest.mark.parametrize(
    ("row", "keys", "text"),
    [
        ({"topic": "a"}, KEYS, "rows.jsonl, row 1: a row needs 'text' with text"),
        ({"text": "", "topic": "a"}, KEYS, "a row needs 'text' with text"),
        ({"text": "Hi"}, KEYS, "a row needs 'topic' with the name or number of a class"),
        ({"text": "Hi", "topic": True}, KEYS, "a row needs 'topic' with the name or number of a class"),
        ({"text": "Hi", "topic": 0.5}, KEYS, "a row needs 'topic' with the name or number of a class"),
        ({"a": "x", "same": 1}, PAIRS, "a row needs 'a' and 'b' with text"),
    ],
)
def test_a_row_that_lacks_something_is_named(tmp_path, row, keys, text):
    with pytest.raises(StepError, match=text):
        examples(tmp_path, [row], keys)


def test_classes_have_the_order_of_their_names_or_numbers():
    assert class_names([Example("", None, label) for label in ("b", "a", "b")]) == ["a", "b"]
    assert class_names([Example("", None, label) for label in ("10", "9", "-1")]) == ["-1", "9", "10"]
    with pytest.raises(StepError, match="has 1 class; a classifier needs at least two"):
        class_names([Example("", None, "a")])


def test_a_class_that_is_not_in_the_training_data_is_named():
    tokenizer = types.SimpleNamespace(all_special_tokens=[])
    with pytest.raises(StepError, match="the class 'c' is not in the training data"):
        encode_examples(tokenizer, [Example("x", None, "c")], ["a", "b"], 8)


@pytest.mark.parametrize(
    ("true", "predicted"),
    [([0, 1, 2, 1, 0, 2], [0, 1, 1, 1, 2, 2]), ([0, 0, 1], [0, 0, 0]), ([0, 1], [1, 0]), ([3, 3, 1], [3, 3, 1])],
)
def test_measures_are_those_of_scikit_learn(true, predicted):
    import numpy
    from sklearn import metrics

    found = score_classes(types.SimpleNamespace(label_ids=numpy.array(true), predictions=numpy.array(predicted)))
    macro = {"average": "macro", "zero_division": 0.0}
    assert found == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(true, predicted),
            "mcc": metrics.matthews_corrcoef(true, predicted),
            "precision_macro": metrics.precision_score(true, predicted, **macro),
            "recall_macro": metrics.recall_score(true, predicted, **macro),
            "f1_macro": metrics.f1_score(true, predicted, **macro),
        }
    )


# requests


def asked(body, columns=()):
    return read_table(json.dumps(body).encode(), columns)


@pytest.mark.parametrize(
    "data",
    [
        {"text": ["a", "b"]},
        {"input_string": ["a", "b"]},
        ["a", "b"],
        {"columns": ["text"], "index": [0, 1], "data": [["a"], ["b"]]},
        {"data": [["a"], ["b"]]},
    ],
)
def test_a_column_of_texts_is_understood_in_every_form(data):
    assert asked({"input_data": data}, ("text",)).rows == [("a",), ("b",)]
    assert asked({"input_data": data}).rows == [("a",), ("b",)]


def test_two_columns_have_the_order_of_the_model():
    body = {"input_data": {"b": ["2"], "a": ["1"]}, "params": {"return_all_scores": True}}
    assert asked(body, ("a", "b")).rows == [("1", "2")]
    assert asked(body).rows == [("2", "1")]
    assert asked(body).scores


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({"input_data": ["a"], "more": 1}, "more"),
        ({"input_data": 3}, "input_data"),
        ({"input_data": {}}, "input_data"),
        ({"input_data": {"a": ["x"], "b": ["y"]}}, "input_data"),
        ({"input_data": {"text": []}}, "input_data"),
        ({"input_data": {"text": [1]}}, "input_data.text"),
        ({"input_data": {"columns": ["text"], "data": [["a", "b"]]}}, "input_data.data"),
        ({"input_data": {"data": "a"}}, "input_data.data"),
        ({"input_data": ["a"], "params": []}, "params"),
        ({"input_data": ["a"], "params": {"top_k": 1}}, "params.top_k"),
        ({"input_data": ["a"], "params": {"return_all_scores": 1}}, "params.return_all_scores"),
    ],
)
def test_a_request_that_breaks_the_contract_names_the_field(body, field):
    with pytest.raises(BadRequest) as caught:
        asked(body, ("text",))
    assert caught.value.field == field
    with pytest.raises(BadRequest, match="is not JSON"):
        read_table(b"{")


# from data to a deployment


def data():
    """(train, held out): questions with their topic, 20 facts of each; the phrasing that is held out is not trained."""
    topics = defaultdict(list)
    for fact in facts():
        topics[fact.topic].append(fact)
    chosen = [fact for known in topics.values() for fact in known[:: len(known) // 20][:20]]
    train = [{"text": question, "topic": fact.topic} for fact in chosen for question in fact.training_questions]
    return train, [{"text": fact.held_out_question, "topic": fact.topic} for fact in chosen]


def job(**parameters):
    body = pipeline(component=COMPONENT, data="topics/train.jsonl", **parameters)
    node = body["properties"]["jobs"]["trainer"]
    node["inputs"]["test_file_path"] = {"uri": f"{STORE}/topics/test.jsonl", "job_input_type": "uri_file"}
    return body


def deploy(azure, name, columns):
    serving = Serving(azure)
    serving.endpoint(name)
    output = f"azureml://datastores/workspaceblobstore/paths/azureml/{name}/trained_model"
    body = {"properties": {"modelType": "mlflow_model", "modelUri": output}}
    assert azure.call("PUT", f"models/{name}/versions/1", body, api="2023-08-01-preview").status_code in (200, 201)
    serving.deployment(name, "blue", f"{azure.workspace}/models/{name}/versions/1")
    return serving


def put_rows(azure):
    lines = ["".join(json.dumps(row) + "\n" for row in rows).encode() for rows in data()]
    Serving(azure).upload("topics", dict(zip(("train.jsonl", "test.jsonl"), lines, strict=True)))


@pytest.mark.slow
def test_topics_are_learned_and_a_deployment_tells_them(home):
    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    put_rows(azure)
    steps = {"max_steps": "100", "per_device_train_batch_size": "16", "per_device_eval_batch_size": "80"}
    keys = {"sentence1_key": "text", "label_key": "topic", "task_name": "SingleLabelClassification"}
    submit(azure, "topics", job(**keys, **steps, learning_rate="0.003", metric_for_best_model="accuracy"))
    assert wait(azure, "topics", 240)["properties"]["status"] == "Completed", history(azure, "topics")
    run = data_plane(azure, "GET", f"/mlflow/v1.0{azure.workspace}/api/2.0/mlflow/runs/get?run_id=topics")["run"]
    measured = {each["key"]: each["value"] for each in run["data"]["metrics"]}
    assert {"eval_accuracy", "eval_f1_macro", "eval_mcc", "eval_precision_macro", "eval_recall_macro"} <= set(measured)
    assert measured["eval_accuracy"] >= 0.9

    serving = deploy(azure, "topics", ("text",))
    _, held_out = data()
    texts = [row["text"] for row in held_out]
    answer = serving.score("topics", {"input_data": {"text": texts}}, deployment="blue")
    assert answer.status_code == 200, answer.text
    right = sum(got == row["topic"] for got, row in zip(answer.json(), held_out, strict=True))
    assert right / len(held_out) >= 0.9  # chance is a quarter
    scored = serving.score(
        "topics", {"input_data": texts[:1], "params": {"return_all_scores": True}}, deployment="blue"
    ).json()
    assert scored[0][0]["label"] == answer.json()[0]
    assert sum(each["score"] for each in scored[0]) == pytest.approx(1)
    bad = serving.score("topics", {"input_data": {"a": ["x"], "b": ["y"]}}, deployment="blue")
    assert bad.status_code == 400
    assert "has the columns a, b; the model takes text" in bad.text


def test_a_rehearsed_classifier_answers_a_row_each(home, monkeypatch):
    monkeypatch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
    monkeypatch.setenv("PHIFT_EMULATOR_DEPLOYMENTS", "rehearse")
    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    put_rows(azure)
    submit(azure, "rehearsed", job(sentence1_key="text", label_key="topic", task_name="SingleLabelClassification"))
    assert wait(azure, "rehearsed")["properties"]["status"] == "Completed"
    serving = deploy(azure, "rehearsed", ("text",))
    answer = serving.score("rehearsed", {"input_data": {"text": ["one", "two"]}}, deployment="blue")
    assert answer.json() == ["rehearsal: one", "rehearsal: two"]


def test_what_the_component_requires_is_required(home, monkeypatch):
    monkeypatch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    answer = submit(azure, "lacks", job(sentence1_key="text", task_name="SingleLabelClassification"), 400)
    assert "label_key" in answer.json()["error"]["message"]
