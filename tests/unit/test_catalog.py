"""The catalogue's facts, and the typed interfaces of its components."""

from datetime import date

import pytest

from phift import catalog
from phift.catalog import ComponentInterface, Problem

CHAT = catalog.component("chat_completion_pipeline")
assert CHAT is not None
INTERFACE = CHAT.interface


def problem(**parameters: object) -> Problem:
    (found,) = INTERFACE.check(parameters)
    return found


def test_models_are_found_in_any_case_and_carry_their_facts() -> None:
    phi = catalog.model("PHI-3-mini-4K-instruct")
    assert phi is not None
    assert (phi.name, phi.version, phi.archived) == ("Phi-3-mini-4k-instruct", "15", True)
    assert "Standard_ND40rs_v2" not in phi.finetune_computes
    assert "Standard_NC24ads_A100_v4" in phi.finetune_computes
    assert phi.defaults["learning_rate"] == "5e-6"
    assert phi.finetune_retirement == date(2025, 8, 30)
    assert catalog.model("no-such-model") is None


def test_every_model_and_component_file_loads() -> None:
    assert len(catalog.models()) == 42
    assert len(catalog.components()) == 10
    assert all(name == found.name for name, found in {**catalog.models(), **catalog.components()}.items())


def test_vm_sizes_compare_in_any_case() -> None:
    size = catalog.vm_size("STANDARD_nc4AS_T4_V3")
    assert size is not None
    assert (size.name, size.gpus, size.vcpus) == ("Standard_NC4as_T4_v3", 1, 4)
    k80 = catalog.vm_size("standard_nc6")
    assert k80 is not None
    assert k80.retired == date(2023, 9, 6)
    assert catalog.vm_size("Standard_Nothing") is None


def test_sizes_without_serving_reserve_are_those_of_the_services_list() -> None:
    exempt = {name for name, size in catalog.vm_sizes().items() if not size.serving_reserve}
    assert exempt == {
        *("Standard_NC24ads_A100_v4", "Standard_NC48ads_A100_v4", "Standard_NC96ads_A100_v4"),
        *("Standard_NC40ads_H100_v5", "Standard_NC80adis_H100_v5", "Standard_ND96isr_H100_v5"),
        *("Standard_ND96asr_v4", "Standard_ND96amsr_A100_v4", "Standard_ND40rs_v2"),
    }


def test_facts_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        catalog.vm_sizes()["x"] = None  # type: ignore[index]


def test_steps_run_in_their_order() -> None:
    assert CHAT is not None
    assert list(CHAT.steps) == [
        "ft_nlp_common_validation",
        "chat_completion_model_import",
        "chat_completion_datapreprocess",
        "chat_completion_finetune",
        "ft_nlp_model_converter",
    ]
    assert CHAT.outputs["mlflow_model_folder"].type == "mlflow_model"


@pytest.mark.parametrize(
    ("name", "spellings", "canonical"),
    [
        ("learning_rate", [5e-6, 0.000005, "5e-06", "5E-6"], 5e-6),
        ("adam_epsilon", ["1e-8", 1e-8], 1e-8),
        ("apply_lora", [True, "true", "True"], "true"),
        ("num_train_epochs", [1, 1.0, "1"], 1),
        ("deepspeed_stage", [2, 2.0, "2"], "2"),
        ("lora_dropout", [0, 0.0, "0", "-0.0"], 0.0),
    ],
)
def test_spellings_of_one_value_are_one_value(name: str, spellings: list[object], canonical: object) -> None:
    values = [INTERFACE.canonical(name, spelling) for spelling in spellings]
    assert [repr(value) for value in values] == [repr(canonical)] * len(values)


@pytest.mark.parametrize(
    ("parameters", "code", "remedy"),
    [
        ({"learning_rat": 1}, "unknown", "Did you mean learning_rate?"),
        ({"learning_rate": "5e-6"}, "type", "Write it without quotes: learning_rate: 5e-6"),
        ({"learning_rate": True}, "type", ""),
        ({"learning_rate": float("inf")}, "type", ""),
        ({"max_steps": 1.5}, "type", ""),
        ({"apply_lora": "yes"}, "type", ""),
        ({"optim": "adamw"}, "enum", "Did you mean adamw_torch?"),
        ({"precision": 4}, "enum", ""),
        ({"num_train_epochs": 0}, "bounds", ""),
        ({"seed": None}, "type", "To use the default, remove the line."),
        ({"seed": [1]}, "type", ""),
    ],
)
def test_parameters_that_do_not_fit_are_told(parameters: dict[str, object], code: str, remedy: str) -> None:
    found = problem(**parameters)
    assert (found.code, found.remedy) == (code, remedy)
    assert next(iter(parameters)) in found.summary


def test_numbers_may_be_text_on_the_wire() -> None:
    assert INTERFACE.check({"learning_rate": "5e-6", "max_steps": "3"}, text_numbers=True) == []
    assert INTERFACE.inputs["learning_rate"].wire(5e-6) == "5e-06"
    assert INTERFACE.inputs["apply_lora"].wire(True) == "true"


def test_a_live_component_spec_may_hold_text() -> None:
    spec = {
        "inputs": {
            "epochs": {"type": "integer", "optional": "True", "default": "1", "min": "1", "max": "5"},
            "flag": {"type": "boolean", "optional": "True", "default": "False"},
            "mode": {"type": "string", "enum": ["a", "b"], "optional": "False"},
            "train": {"type": "uri_file"},
        },
        "outputs": {"model": {"type": "mlflow_model"}},
        "unknown": {},
    }
    interface = ComponentInterface.from_spec(spec)
    assert interface.defaults() == {"epochs": 1, "flag": False}
    assert [p.name for p in interface.missing({"train": "x"})] == ["mode"]
    assert [p.code for p in interface.check({"epochs": 6, "mode": "c", "flag": "true"})] == ["bounds", "enum"]


def test_live_and_catalogued_interfaces_agree() -> None:
    as_text = {
        "inputs": {
            name: {"type": i.type, "optional": str(i.optional), "enum": list(i.enum), "mode": i.mode}
            | ({"default": i.wire(i.default)} if i.default is not None else {})
            | ({"min": str(i.minimum)} if i.minimum is not None else {})
            for name, i in INTERFACE.inputs.items()
        }
    }
    assert ComponentInterface.from_spec(as_text).inputs == INTERFACE.inputs


@pytest.mark.parametrize(
    ("value", "canonical", "wire"),
    [(1, 1, "1"), (1.0, 1, "1"), ("1", 1, "1"), (True, None, ""), ([1], None, ""), ({"a": 1}, None, "")],
    ids=str,
)
def test_what_was_asked_before_changes_no_answer(value: object, canonical: object, wire: str) -> None:
    interface = ComponentInterface.from_spec({"inputs": {"epochs": {"type": "integer"}}})
    for other in (1, 1.0, "1"):
        interface.canonical("epochs", other)
        interface.wire("epochs", other)
        assert interface.check_one("epochs", other, text_numbers=True) is None
    for _ in range(2):
        if canonical is None:
            with pytest.raises(ValueError):  # noqa: PT011
                interface.canonical("epochs", value)
            assert interface.check_one("epochs", value) is not None
        else:
            assert interface.canonical("epochs", value) == canonical
            assert type(interface.canonical("epochs", value)) is int
            assert interface.wire("epochs", value) == wire
            assert (interface.check_one("epochs", value) is None) is not isinstance(value, str)
