"""The training of a job, from what a compilation knows."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from phift.catalog import component
from phift.compile.draft import Draft
from phift.data.lengths import LengthMeter
from phift.estimate.training import Training
from phift.kinds.job.training import training_in
from phift.state.facts import BaseModel, Component, DataFacts, Facts

LITERALS = {"apply_lora": "true", "apply_deepspeed": "true", "precision": "16"}
RECIPE = SimpleNamespace(key="a" * 64)


def training(folder: Path, parameters: dict[str, Any], data: dict[str, DataFacts] | None = None) -> Training:
    known = component("chat_completion_pipeline")
    assert known is not None
    facts = Facts(
        arm_id="",
        location="",
        base_model=BaseModel("", "azureml", "Phi-4", "1"),
        component=Component("", "azureml", known.name, "1", known.interface),
        data=data or {},
    )
    spec = SimpleNamespace(finetune=SimpleNamespace(parameters=parameters))
    draft = SimpleNamespace(facts=facts, spec=spec, loaded=SimpleNamespace(path=folder / "spec.yaml"))
    made = training_in(cast(Draft, draft), LITERALS, "Standard_NC48ads_A100_v4", 2)()
    assert made is not None
    return made


def test_an_own_deepspeed_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "ds.json").write_text(json.dumps({"zero_optimization": {"stage": 1}}))
    found = training(tmp_path, {"deepspeed": "ds.json"}).deepspeed
    assert found is not None
    assert (found.stage, found.offload_optimizer, found.source) == (1, False, "spec")


@pytest.mark.parametrize("content", ["{", "[]", None])
def test_one_that_cannot_be_read_is_not_known(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "ds.json").write_text(content)
    found = training(tmp_path, {"deepspeed": "ds.json"}).deepspeed
    assert found is not None
    assert (found.stage, found.offload_optimizer, found.source) == (2, True, "unknown")


def test_every_node_has_its_gpus(tmp_path: Path) -> None:
    found = training(tmp_path, {})
    assert (found.gpus, found.nodes, found.all_gpus) == (2, 2, 4)


def test_lengths_pinned_for_the_same_rows_are_used(tmp_path: Path) -> None:
    meter = LengthMeter()
    meter.add(3500)
    pin = {"recipe": RECIPE.key, "lengths": meter.lengths().plain()}
    found = training(tmp_path, {}, {"train": DataFacts("train", "1", RECIPE, checked=pin)})
    assert found.rows is not None
    assert found.rows.longest == (777, 1000)
    assert training(tmp_path, {}, {"train": DataFacts("train", "1")}).rows is None
