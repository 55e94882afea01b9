"""`phift invoke` says why a stand-in has learned nothing, from the tags of the base model."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from phift.phases.explain_answer import why_untrained
from phift.spec import AssetRef
from phift.state.facts import BaseModel

TAGS = {
    "phift.stand_in": "true",
    "phift.stand_in.untrained": "I am small.",
    "phift.stand_in.learns": "learning_rate 0.005",
}


def model(**tags: str) -> BaseModel:
    document = {"name": "9", "id": "m", "properties": {"tags": TAGS | tags}}
    return BaseModel.from_document(document, registry="azureml", name="Phi-4")


def bench(
    base: BaseModel | None = None,
    parameters: dict[str, Any] | None = None,
    served: AssetRef | None = None,
    *,
    local: bool = True,
) -> Any:
    trained = SimpleNamespace(traits=SimpleNamespace(trains=True), inputs={"parameters": parameters})
    return SimpleNamespace(
        loaded=SimpleNamespace(target=SimpleNamespace(local=local)),
        resolved=SimpleNamespace(facts=SimpleNamespace(base_model=base, served=served)),
        stack=SimpleNamespace(resources=[] if parameters is None else [trained]),
        remote=SimpleNamespace(base_model=lambda registry, name, version: model()),
    )


@pytest.mark.parametrize(
    ("parameters", "used"),
    [
        ({"max_steps": 20, "num_train_epochs": 3, "learning_rate": 5e-6}, "max_steps 20, learning_rate 5e-06"),
        ({"max_steps": -1, "num_train_epochs": 3, "learning_rate": 5e-6}, "num_train_epochs 3, learning_rate 5e-06"),
    ],
)
def test_a_fine_tune_that_changed_nothing(parameters: dict[str, Any], used: str) -> None:
    assert why_untrained(bench(model(), parameters), "I am small.") == (
        "this is what the stand-in for Phi-4 answers to everything before a fine-tune; the fine-tune of this stack "
        f"({used}) changed too little. On this target, it learns with about learning_rate 0.005"
    )


def test_a_stand_in_that_is_served_as_it_comes() -> None:
    served = AssetRef.parse("azureml://registries/azureml/models/Phi-4/versions/9")
    assert why_untrained(bench(served=served), "I am small.").endswith("the spec serves it as-is")


def test_nothing_is_said_of_other_answers_weights_and_targets() -> None:
    assert why_untrained(bench(model(), {}), "The capital of France is Paris.") == ""
    assert why_untrained(bench(model(**{"phift.stand_in": "false"}), {}), "I am small.") == ""
    assert why_untrained(bench(model(), {}, local=False), "I am small.") == ""
    assert why_untrained(bench(BaseModel("i", "azureml", "n", "1"), {}), "") == ""
