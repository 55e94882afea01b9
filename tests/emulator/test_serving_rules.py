"""What needs no process: the scoring contract, durations, probes, traffic, model folders, launches."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.core.errors import ServiceError
from phift.emulator.runtime.serving.contract import BadRequest, read_question
from phift.emulator.runtime.serving.durations import seconds_of
from phift.emulator.runtime.serving.folders import ModelFolderError, find_model
from phift.emulator.runtime.serving.launch import Launch
from phift.emulator.runtime.serving.probes import Probe
from phift.emulator.services.deployments.prepare import model_key
from phift.emulator.services.endpoints.traffic import check_traffic, pick
from tests.emulator.serving import MLMODEL, write_model

USER = {"role": "user", "content": "Hi"}


def asked(input_string: Any, **parameters: Any) -> str:
    return json.dumps({"input_data": {"input_string": input_string, "parameters": parameters}})


def test_one_conversation_in_either_form_is_answered_by_one_text() -> None:
    for form in ([USER], [[USER]]):
        question = read_question(asked(form, temperature=0.6), chat=True)
        assert (question.inputs, question.single) == ([[USER]], True)
        assert question.parameters == {"temperature": 0.6}
    many = read_question(asked([[USER], [USER]]), chat=True)
    assert (len(many.inputs), many.single) == (2, False)


def test_params_count_and_the_models_own_win() -> None:
    body = {"input_data": {"input_string": ["a"], "parameters": {"top_p": 0.5}}, "params": {"top_p": 1, "top_k": 3}}
    assert read_question(json.dumps(body), chat=False).parameters == {"top_p": 0.5, "top_k": 3}


def test_a_text_model_is_asked_with_a_column_too_and_then_answers_a_list() -> None:
    question = read_question(json.dumps({"input_data": {"text": ["a", "b"]}}), chat=False)
    assert (question.inputs, question.answer(["1", "2"])) == (["a", "b"], ["1", "2"])
    assert read_question(asked(["a", "b"]), chat=False).answer(["1", "2"]) == {"output": ["1", "2"]}
    for columns in ({"text": ["a"], "more": ["b"]}, {"text": ["a"], "input_string": ["b"]}, {"text": [1]}):
        with pytest.raises(BadRequest):
            read_question(json.dumps({"input_data": columns}), chat=False)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{", "body"),
        ("[]", "body"),
        ("{}", "input_data"),
        ('{"data": 1}', "data"),
        ('{"input_data": {"input_strings": []}}', "input_data.input_strings"),
        (asked([]), "input_data.input_string"),
        (asked("Hi"), "input_data.input_string"),
        (asked([[USER], []]), "input_data.input_string[1]"),
        (asked([USER, 3]), "input_data.input_string[1]"),
        (asked([{"role": "robot", "content": ""}]), "input_data.input_string[0].role"),
        (asked([[{"role": "user", "content": None}]]), "input_data.input_string[0][0].content"),
        (asked([USER], temprature=1), "input_data.parameters.temprature"),
        (asked([USER], temperature=-1), "input_data.parameters.temperature"),
        (asked([USER], top_p=0), "input_data.parameters.top_p"),
        (asked([USER], do_sample="yes"), "input_data.parameters.do_sample"),
        (asked([USER], max_new_tokens=True), "input_data.parameters.max_new_tokens"),
        (asked([[USER]] * 65), "input_data.input_string"),
    ],
)
def test_bad_input_names_its_field(body: str, field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_question(body, chat=True)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")


@pytest.mark.parametrize(("text", "seconds"), [("PT5S", 5), ("PT1M30S", 90), ("PT0.5S", 0.5), ("P1DT1H", 90000)])
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "5", "P1M", "PT5", "-PT5S"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds_of(text)


def test_probes_take_defaults_and_start_at_once_when_fast() -> None:
    probe = Probe.read({"initialDelay": "PT600S", "period": None})
    assert (probe.initial_delay, probe.period, probe.failures, probe.deadline) == (600, 10, 30, 900)
    fast = probe.at_start(fast=True)
    assert (fast.initial_delay, round(fast.deadline)) == (0, 120)
    assert probe.at_start(fast=False) == probe
    short = Probe.read({"initialDelay": "PT1S", "period": "PT1S", "failureThreshold": 2}).at_start(fast=True)
    assert round(short.deadline) == 3


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"blue": 50}, "must be 0 or 100, but is 50"),
        ({"green": 100}, "'green', which does not exist"),
        ({"new": 100}, "in state Creating"),
        ({"blue": 101}, "whole number from 0 to 100"),
        ([], "must be an object"),
    ],
)
def test_traffic_that_is_refused(sent: Any, why: str) -> None:
    with pytest.raises(ServiceError) as caught:
        check_traffic(sent, {"Blue": "Succeeded", "new": "Creating"})
    assert why in json.loads(caught.value.details[0]["message"])["errors"]["Traffic"][0]


def test_traffic_takes_the_deployments_case_and_ignores_zeros() -> None:
    assert check_traffic({"BLUE": 100, "new": 0}, {"Blue": "Succeeded", "new": "Creating"}) == {
        "Blue": 100,
        "new": 0,
    }
    assert check_traffic(None, {}) == {}


def test_picks_follow_the_weights() -> None:
    assert pick({}) is None
    assert pick({"a": 0}) is None
    assert pick({"a": 0, "b": 100}) == "b"
    counts = Counter(pick({"a": 90, "b": 10, "c": 0}) for _ in range(2000))
    assert 0.85 < counts["a"] / 2000 < 0.95
    assert counts["c"] == 0


def test_model_folders(tmp_path: Path) -> None:
    whole = write_model(tmp_path / "version" / "trained_model")
    place = find_model(whole.parent)
    assert (place.weights, place.chat) == (whole / "model", True)
    (whole / "MLmodel").write_text(MLMODEL.replace(", inference_task: llm/v1/chat", ""))
    assert find_model(whole).chat is False
    (whole / "MLmodel").write_text(MLMODEL.replace("llm/v1/chat", "fill-mask"))
    with pytest.raises(ModelFolderError, match="task 'fill-mask'"):
        find_model(whole)
    (whole / "MLmodel").write_text("flavors: {sklearn: {}}")
    with pytest.raises(ModelFolderError, match="sklearn"):
        find_model(whole)
    (whole / "MLmodel").write_text(MLMODEL)
    (whole / "model" / "model.safetensors").unlink()
    with pytest.raises(ModelFolderError, match="no weights"):
        find_model(whole)
    with pytest.raises(ModelFolderError, match="neither an MLmodel file"):
        find_model(tmp_path / "version" / "trained_model" / "components")


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ("/subscriptions/s/resourceGroups/g/providers/P/workspaces/w/models/m/versions/3", ("m", "3")),
        ("azureml:m:3", ("m", "3")),
        ("azureml://registries/azureml/models/Phi-3/versions/10", ("Phi-3", "10")),
        ("", ("", "")),
    ],
)
def test_model_ids_in_every_form(model: str, key: tuple[str, str]) -> None:
    assert model_key(model) == key


def test_a_container_is_kept_when_only_its_folder_differs() -> None:
    launch = Launch("e/d", "/a", "m", "x")
    assert launch.same_container(Launch("e/d", "/b", "m", "x"))
    assert not launch.same_container(Launch("e/d", "/a", "m", "x", workers=2))
    assert not launch.same_container(None)
    assert Launch.restored({**launch.stored(), "unknown_to_us": 1}) == launch
