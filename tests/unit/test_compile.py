"""What compiling decides: effective parameters, facts about base models, names, and marks of ownership."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from phift import catalog
from phift.address import Address
from phift.compile.naming import attempt_name, data_name, deployment_name, display_name, endpoint_name, job_name
from phift.kinds.job.parameters import effective_parameters
from phift.state.desired import Desired
from phift.state.facts import AllowList, BaseModel, Facts, Size
from phift.state.ownership import (
    APPLIED,
    DIGEST,
    ID,
    INPUTS,
    OWNER,
    PROTECT,
    SOURCE,
    STACK,
    TAGS,
    Claim,
    Ownership,
    inputs_in,
    marks_of,
    owner_of,
    user_tags,
)
from phift.state.source import Source

COMPONENT = catalog.component("chat_completion_pipeline")
assert COMPONENT is not None
INTERFACE = COMPONENT.interface


def values(author: dict[str, Any], defaults: dict[str, Any] | None = None, mode: str = "fill") -> dict[str, Any]:
    effective = effective_parameters(INTERFACE, author, defaults or {}, mode)
    assert effective.problems == ()
    return effective.values()


@pytest.mark.parametrize(
    ("mode", "rate", "origin"),
    [("fill", 0.1, "spec"), ("override", 0.2, "model default"), ("ignore", 0.1, "spec")],
)
def test_who_wins(mode: str, rate: float, origin: str) -> None:
    effective = effective_parameters(INTERFACE, {"learning_rate": 0.1}, {"learning_rate": "0.2"}, mode)
    parameter = effective.parameters["learning_rate"]
    assert (parameter.value, parameter.origin) == (rate, origin)
    assert effective.overridden == (("learning_rate",) if mode == "override" else ())


@pytest.mark.parametrize(
    ("mode", "steps", "origin"),
    [("fill", 7, "model default"), ("override", 7, "model default"), ("ignore", -1, "component default")],
)
def test_what_the_author_leaves_out(mode: str, steps: int, origin: str) -> None:
    effective = effective_parameters(INTERFACE, {}, {"max_steps": "7"}, mode)
    parameter = effective.parameters["max_steps"]
    assert (parameter.value, parameter.origin) == (steps, origin)


def test_an_overriding_default_equal_to_the_author_is_no_overriding() -> None:
    assert (
        effective_parameters(INTERFACE, {"learning_rate": 5e-6}, {"learning_rate": "5e-06"}, "override").overridden
        == ()
    )


@pytest.mark.parametrize("default", ["5e-6", "5e-06", "0.000005", "0.0000050", 5e-6])
def test_spellings_of_a_number_are_one_value(default: Any) -> None:
    assert values({"learning_rate": 5e-6}) == values({}, {"learning_rate": default})


@pytest.mark.parametrize(("flag", "wire"), [(True, "true"), (False, "false"), ("true", "true")])
def test_booleans_become_the_texts_the_component_wants(flag: Any, wire: str) -> None:
    assert values({"apply_lora": flag})["apply_lora"] == wire


def test_a_component_default_written_out_changes_nothing() -> None:
    for name, declared in INTERFACE.inputs.items():
        if name in (plain := values({})) and declared.default is not None:
            assert values({name: declared.default})[name] == plain[name], name


def test_model_defaults_the_component_does_not_know_are_dropped_and_named() -> None:
    effective = effective_parameters(INTERFACE, {}, {"learning_rate_min": 1, "max_steps": "many", "seed": "3"})
    assert effective.dropped == ("learning_rate_min", "max_steps")
    assert effective.values()["seed"] == 3


def test_the_authors_mistakes_are_problems_and_keep_the_default() -> None:
    effective = effective_parameters(INTERFACE, {"learning_rat": 1, "max_steps": "five"}, {})
    assert [(p.name, p.code) for p in effective.problems] == [("learning_rat", "unknown"), ("max_steps", "type")]
    assert "learning_rate" in effective.problems[0].remedy
    assert effective.values()["max_steps"] == -1


def test_what_phift_sets_is_no_parameter() -> None:
    assert not {"compute_finetune", "num_nodes_finetune", "mlflow_model_path", "train_file_path"} & set(values({}))


# Facts about base models

METADATA = {"supportedComputes": {"finetuneComputes": ["A"], "inferenceComputes": ["B"]}}
TAGGED = {"finetune_compute_allow_list": "['C', 'D']", "inference_compute_allow_list": ["E"]}


def base_model(name: str = "unlisted", registry: str = "azureml", **properties: Any) -> BaseModel:
    return BaseModel.from_document({"id": "i", "name": "1", "properties": properties}, registry=registry, name=name)


def test_system_metadata_goes_before_tags() -> None:
    model = base_model(systemMetadata=METADATA, tags=TAGGED)
    assert model.finetune == AllowList(("A",), "system metadata")
    assert model.inference == AllowList(("B",), "system metadata")


def test_tags_are_lists_or_their_text() -> None:
    model = base_model(tags=TAGGED)
    assert model.allow_list("finetune") == AllowList(("C", "D"), "tags")
    assert model.allow_list("inference") == AllowList(("E",), "tags")


@pytest.mark.parametrize("text", ["not a list", "['unclosed'", "", "{'a': 1}"])
def test_a_tag_that_is_no_list_says_nothing(text: str) -> None:
    assert not base_model(tags={"finetune_compute_allow_list": text}).finetune.known


def test_the_catalogue_comes_last_and_only_for_registries() -> None:
    listed = base_model("Phi-3-mini-4k-instruct")
    assert listed.finetune.origin == "catalogue"
    assert "Standard_NC24ads_A100_v4" in listed.finetune.sizes
    assert not base_model("Phi-3-mini-4k-instruct", registry="").finetune.known


def test_without_a_list_only_the_k80_sizes_are_refused() -> None:
    unknown = base_model().finetune
    assert not unknown.known
    assert unknown.admits("Standard_ND96")
    assert [s for s in ("standard_nc6", "Standard_NC12", "STANDARD_NC24", "Standard_NC24r") if unknown.admits(s)] == []
    assert unknown.admits("Standard_NC24rs_v3")


def test_sizes_compare_in_any_case() -> None:
    assert AllowList(("Standard_A",), "tags").admits("STANDARD_a")
    assert not AllowList(("Standard_A",), "tags").admits("Standard_B")


def test_defaults_retirement_and_stand_in() -> None:
    model = base_model(
        tags={"model_specific_defaults": "{'learning_rate': 5e-6}", "phift.stand_in": "true"},
        systemMetadata={"deprecation": {"finetuneRetirementDate": "2025-08-30T00:00:00Z"}},
    )
    assert model.defaults == {"learning_rate": 5e-6}
    assert model.finetune_retirement == date(2025, 8, 30)
    assert model.inference_retirement is None
    assert model.stand_in
    assert base_model(systemMetadata={"deprecation": {"finetuneRetirementDate": "soon"}}).finetune_retirement is None


def test_the_workspaces_sizes_go_before_the_catalogues() -> None:
    mine = Size("standard_nc24ADS_A100_v4", 24, 7)
    assert Facts("/x", "eastus", sizes={mine.name.lower(): mine}).size("Standard_NC24ads_A100_v4") == mine
    listed = Facts("/x", "eastus").size("STANDARD_NC24ADS_a100_v4")
    assert listed is not None
    assert listed.gpus == 1
    assert Facts("/x", "eastus").size("Standard_Nothing") is None


# Names

ARM_ID = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.MachineLearningServices/workspaces/W"


def test_names() -> None:
    assert data_name("s", "train") == "s-train"
    assert job_name("s", "0123456789abcdef") == "s-0123456789ab"
    assert [attempt_name("j", n) for n in (1, 2, 3)] == ["j", "j-r2", "j-r3"]
    assert deployment_name("0123456789abcdef") == "d-01234567"
    assert endpoint_name("s", ARM_ID) == endpoint_name("s", ARM_ID.lower()) != endpoint_name("s", ARM_ID + "2")


def test_endpoint_names_fit_azure() -> None:
    name = endpoint_name("a" * 24 + "-" + "b" * 30, ARM_ID)
    assert len(name) <= 32
    assert "--" not in name


@pytest.mark.parametrize(
    ("parameters", "gpus", "wanted"),
    [
        ({}, 0, "m-d-bs1-linear-nods-nolora-save_limit-1-seqlen-1"),
        (
            {
                "per_device_train_batch_size": 4,
                "gradient_accumulation_steps": 2,
                "lr_scheduler_type": "cosine",
                "apply_deepspeed": "true",
                "deepspeed_stage": "3",
                "apply_lora": "true",
                "save_total_limit": 1,
                "max_seq_length": 2048,
            },
            2,
            "m-d-bs16-cosine-ds3-lora-save_limit1-seqlen2048",
        ),
    ],
)
def test_display_name(parameters: dict[str, Any], gpus: int, wanted: str) -> None:
    assert display_name("m", "d", parameters, gpus) == wanted


# Marks

DESIRED = Desired(
    Address("compute", "finetune"), "gpu", {"tags": {"b": "1", "a": "2"}}, digest="dd", inputs={"x": 1}, protect=True
)
OBJECT = f"{ARM_ID}/computes/gpu"
CLAIM = Claim("0123456789abcdef", Source.parse("https://git.example/r.git#s.yaml"))
MARKS = marks_of(DESIRED, stack="s", claim=CLAIM, object_id=OBJECT)


def ownership(marks: dict[str, str], **other: Any) -> Ownership:
    asked = {"stack": "s", "claim": CLAIM, "object_id": OBJECT, "address": DESIRED.address, **other}
    return owner_of(marks, **asked).ownership


def test_marks_say_it_all() -> None:
    assert MARKS[STACK] == "s"
    assert MARKS[SOURCE] == "git.example/r#s.yaml"
    assert MARKS[ID] == CLAIM.id
    assert MARKS[DIGEST] == "dd"
    assert MARKS[PROTECT] == "true"
    assert MARKS[TAGS] == "a,b"
    assert inputs_in(MARKS) == {"x": 1}
    assert len(MARKS[OWNER]) == len(MARKS[APPLIED]) == 16
    assert set(MARKS) == set(MARKS) - set(user_tags(MARKS))
    plain = marks_of(
        Desired(DESIRED.address, "gpu"), stack="s", claim=Claim("", Source("", "s.yaml")), object_id=OBJECT
    )
    assert not {DIGEST, PROTECT, TAGS, INPUTS, ID} & set(plain)


def test_ours_verify_in_any_case_of_the_id() -> None:
    assert ownership(MARKS) is Ownership.OURS
    assert ownership(MARKS, object_id=OBJECT.upper()) is Ownership.OURS


@pytest.mark.parametrize(
    "other",
    [
        {"object_id": f"{ARM_ID}/computes/copy"},
        {"stack": "t"},
        {"claim": Claim("f" * 16, Source.parse("git.example/r#t.yaml"))},
        {"address": Address("compute", "other_steps")},
    ],
    ids=["copied to another object", "another stack", "another spec", "another address"],
)
def test_marks_that_do_not_verify_are_anothers(other: dict[str, Any]) -> None:
    assert ownership(MARKS, **other) is Ownership.FOREIGN


def test_a_forged_owner_and_no_marks_at_all() -> None:
    assert ownership({**MARKS, OWNER: "0" * 16}) is Ownership.FOREIGN
    assert ownership({STACK: "s"}) is Ownership.FOREIGN
    assert ownership({"team": "a"}) is Ownership.UNMARKED


@pytest.mark.parametrize("text", ["", "{", "[1]", "null"])
def test_inputs_that_cannot_be_read_are_none(text: str) -> None:
    assert inputs_in({INPUTS: text}) == {}
