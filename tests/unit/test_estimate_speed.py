"""The speed of a training by formula, its tokens, and the lengths of rows that both need."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

from phift.catalog import component
from phift.data.lengths import LengthMeter, Lengths
from phift.estimate.component import deepspeed_of
from phift.estimate.speed import throughput, tokens_of
from phift.estimate.training import BYTES_PER_TOKEN, Training, rows_of, training_of
from phift.state.facts import BaseModel, Component, Facts

A100, H100, V100, T4 = (
    *("Standard_NC24ads_A100_v4", "Standard_NC40ads_H100_v5", "Standard_ND40rs_v2"),
    "Standard_NC4as_T4_v3",
)
LORA = {"apply_lora": "true", "precision": "16", "apply_deepspeed": "true", "deepspeed_stage": "2"}


def facts(model: str, pipeline: str = "chat_completion_pipeline") -> Facts:
    known = component("chat_completion_pipeline")
    assert known is not None
    return Facts(
        arm_id="",
        location="",
        base_model=BaseModel("", "azureml", model, "1"),
        component=Component("", "azureml", pipeline, "1", known.interface),
    )


def even(tokens: int, rows: int = 1000) -> Lengths:
    """Rows of one length."""
    meter = LengthMeter()
    for _ in range(rows):
        meter.add(round(tokens * BYTES_PER_TOKEN))
    return meter.lengths()


def training(
    model: str, size: str, parameters: Mapping[str, Any], lengths: Lengths | None = None, nodes: int = 1
) -> Training:
    made = training_of(facts(model), parameters, size, lengths, nodes=nodes)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("model", "size", "parameters", "tokens", "expected"),
    [
        ("Phi-3-mini-4k-instruct", A100, LORA, 1024, 3400),
        ("Phi-3-mini-4k-instruct", A100, LORA, 4096, 4900),
        ("Phi-3-mini-4k-instruct", H100, LORA, 4096, 8200),
        ("mistralai-Mistral-7B-v01", V100, LORA, 2048, 3800),
        (
            "Phi-3-medium-4k-instruct",
            "Standard_NC96ads_A100_v4",
            {**LORA, "apply_lora": "false", "deepspeed_stage": "3", "per_device_train_batch_size": 4},
            4096,
            5100,
        ),
        ("Phi-4", A100, {**LORA, "deepspeed_stage": 3}, 1024, 230),
    ],
)
def test_the_throughput_of_rows_of_one_length(
    model: str, size: str, parameters: Mapping[str, Any], tokens: int, expected: float
) -> None:
    found = throughput(training(model, size, parameters, even(tokens)))
    assert found is not None
    assert found.middle == pytest.approx(expected, rel=0.04)
    assert (found.low, found.high) == (found.middle / 2, found.middle * 2)


def test_padding_costs_time_but_makes_no_tokens() -> None:
    meter = LengthMeter()
    for number in range(1000):
        meter.add(14_000 if number % 10 == 0 else 350)  # 4,000 and 100 tokens
    mixed = meter.lengths()
    batched = {**LORA, "per_device_train_batch_size": 8}
    one, many = (throughput(training("Phi-3-mini-4k-instruct", A100, p, mixed)) for p in (LORA, batched))
    assert one is not None
    assert many is not None
    assert many.middle < one.middle  # most batches of 8 have a long row
    assert tokens_of(training("Phi-3-mini-4k-instruct", A100, batched, mixed)) == pytest.approx(490_000, rel=0.01)


def test_pad_to_max_length_counts_as_padding() -> None:
    padded = {**LORA, "pad_to_max_length": "true", "max_seq_length": 2048}
    fast, slow = (throughput(training("Phi-3-mini-4k-instruct", A100, p, even(256))) for p in (LORA, padded))
    assert fast is not None
    assert slow is not None
    assert slow.middle < fast.middle / 2


def test_steps_override_epochs() -> None:
    by_epochs = training("Phi-4", A100, {**LORA, "num_train_epochs": 3}, even(100))
    assert tokens_of(by_epochs) == 300_000
    by_steps = training(
        *("Phi-4", "Standard_NC48ads_A100_v4"),
        {**LORA, "max_steps": 10, "gradient_accumulation_steps": 4, "per_device_train_batch_size": 2},
        even(100),
        nodes=2,
    )
    assert tokens_of(by_steps) == 10 * 4 * 2 * 4 * 100
    assert tokens_of(training("Phi-4", A100, {**LORA, "max_steps": -1}, even(100))) == 100_000


def test_the_unknown_has_no_numbers() -> None:
    assert throughput(training("Phi-4", A100, LORA)) is None
    assert tokens_of(training("Phi-4", A100, LORA)) is None
    assert throughput(training("my-own-model", A100, LORA, even(100))) is None
    assert tokens_of(training("my-own-model", A100, LORA, even(100))) == 100_000
    assert throughput(training("Phi-4", "Standard_Unheard_v9", LORA, even(100))) is None
    assert throughput(training("Phi-4", "Standard_NC6", LORA, even(100))) is None  # a K80 has no measurement
    assert training_of(facts("Phi-4", "my_component"), LORA, A100) is None
    assert training_of(Facts("", ""), LORA, A100) is None


def test_assumed_speed_is_stated() -> None:
    t4 = throughput(training("gpt2", T4, LORA, even(512)))
    a100 = throughput(training("gpt2", A100, LORA, even(512)))
    assert t4 is not None
    assert a100 is not None
    assert t4.source.endswith("the speed of T4 16GB is assumed")
    assert "assumed" not in a100.source


def test_rows_are_truncated_to_the_limit() -> None:
    limited = training("Phi-3-mini-4k-instruct", A100, {**LORA, "max_seq_length": 512}, even(2000))
    assert limited.rows is not None
    assert (limited.limit, limited.rows.longest, round(limited.rows.mean)) == (512, (512, 512), 512)
    assert training("Phi-3-mini-4k-instruct", A100, {**LORA, "max_seq_length": 9000}).limit == 4096
    assert training("Phi-3-mini-128k-instruct", A100, {**LORA, "max_seq_length": -1}).limit == 131072
    assert training("my-own-model", A100, LORA).limit is None


def test_the_mean_of_the_longest_of_a_batch_from_the_histogram() -> None:
    rng = random.Random(5)
    lengths = [round(rng.lognormvariate(7, 0.8)) + 1 for _ in range(20_000)]
    meter = LengthMeter()
    for one in lengths:
        meter.add(one)
    for batch in (1, 4, 16):
        drawn = [max(rng.choices(lengths, k=batch)) for _ in range(20_000)]
        expected = sum(drawn) / len(drawn) / BYTES_PER_TOKEN
        assert rows_of(meter.lengths(), batch).padded == pytest.approx(expected, rel=0.03)
    assert rows_of(meter.lengths(), 1).mean == pytest.approx(sum(lengths) / len(lengths) / BYTES_PER_TOKEN)


def test_lengths_are_stored_and_read() -> None:
    lengths = even(100, rows=3)
    assert Lengths.from_plain(lengths.plain()) == lengths
    for damaged in (None, {}, {**lengths.plain(), "rows": -1}, {**lengths.plain(), "buckets": {"x": 1}}):
        assert Lengths.from_plain(damaged) is None


def test_the_authors_deepspeed_file_is_used() -> None:
    assert deepspeed_of(2).offload_optimizer
    assert deepspeed_of(3).offload_parameters
    own = deepspeed_of(2, {"zero_optimization": {"stage": 3, "offload_param": {"device": "cpu"}}})
    assert (own.stage, own.offload_optimizer, own.offload_parameters, own.source) == (3, False, True, "spec")
    assert deepspeed_of(3, {"train_batch_size": 8}).stage == 0
    assert deepspeed_of(3, {"zero_optimization": {"stage": ["3"]}}).stage == 0
    assert deepspeed_of(3, unread=True).source == "unknown"


def test_the_precision_that_a_model_recommends_but_the_component_does_not_accept_stays_open() -> None:
    model = BaseModel("", "azureml", "Llama-2-7b", "1", defaults={"precision": "4", "apply_lora": "true"})
    known = facts("Llama-2-7b")
    open_ = training_of(Facts("", "", model, known.component), {"apply_lora": "true", "precision": "32"}, V100)
    chosen = training_of(Facts("", "", model, known.component), {"apply_lora": "true", "precision": "16"}, V100)
    assert open_ is not None
    assert chosen is not None
    assert (open_.bits, chosen.bits) == ((4, 32), (16,))
