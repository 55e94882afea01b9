"""Whether a training fits: the formula, the behaviour of the component, the verdict, and the advice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from phift import catalog
from phift.catalog import CatalogModel, component
from phift.data.lengths import LengthMeter, Lengths
from phift.diagnostics import Severity
from phift.estimate.advice import advice, after_a_failure
from phift.estimate.component import deepspeed_of
from phift.estimate.memory import GIB
from phift.estimate.training import BYTES_PER_TOKEN, Training, training_of
from phift.estimate.verdict import Verdict, memory_of
from phift.estimate.words import finding, line, offload_hint
from phift.state.facts import BaseModel, Component, Facts

A100, NC96, V100_32, V100_16 = (
    *("Standard_NC24ads_A100_v4", "Standard_NC96ads_A100_v4"),
    *("Standard_ND40rs_v2", "Standard_NC24rs_v3"),
)
LORA = {"apply_lora": "true", "precision": "16", "apply_deepspeed": "true", "deepspeed_stage": "2"}
FULL = {**LORA, "apply_lora": "false"}
WIDE = {**FULL, "per_device_train_batch_size": "32", "pad_to_max_length": "true"}
CHAT = component("chat_completion_pipeline")
assert CHAT is not None


def rows(longest: int, count: int = 100) -> Lengths:
    meter = LengthMeter()
    for number in range(count):
        meter.add(round((longest if number == 0 else longest / 4) * BYTES_PER_TOKEN))
    return meter.lengths()


def training(
    model: str,
    size: str,
    parameters: Mapping[str, Any],
    longest: int | None = None,
    *,
    pipeline: str = "chat_completion_pipeline",
    defaults: Mapping[str, Any] | None = None,
    registry: str = "azureml",
    **more: Any,
) -> Training:
    assert CHAT is not None
    facts = Facts(
        arm_id="",
        location="",
        base_model=BaseModel("", registry, model, "1", defaults=defaults or {}),
        component=Component("", "azureml", pipeline, "1", CHAT.interface),
    )
    made = training_of(facts, parameters, size, rows(longest) if longest else None, **more)
    assert made is not None
    return made


def verdict(*args: Any, **more: Any) -> Verdict:
    memory = memory_of(training(*args, **more))
    assert memory is not None
    return memory.verdict


def gib(*args: Any, **more: Any) -> tuple[float, float]:
    memory = memory_of(training(*args, **more))
    assert memory is not None
    return memory.low.total / GIB, memory.high.total / GIB


def pipeline_of(model: CatalogModel) -> str:
    for task in ("chat-completion", "text-generation", "summarization"):
        if task in model.finetune_tasks:
            return f"{task.replace('-', '_')}_pipeline"
    return "text_classification_pipeline"


DEFAULTS = [
    pytest.param(name, size, id=f"{name}-{size.removeprefix('Standard_')}")
    for name, model in catalog.models().items()
    for size in model.finetune_computes
    if (listed := catalog.vm_size(size)) is not None and listed.gpus
]


@pytest.mark.parametrize(("name", "size"), DEFAULTS)
def test_no_default_of_the_registry_is_rejected_on_a_size_of_its_allow_list(name: str, size: str) -> None:
    model = catalog.models()[name]
    effective = {k: v for k, v in model.defaults.items() if (k, str(v)) != ("precision", "4")}
    chats = "chat-completion" in model.finetune_tasks
    longest = model.defaults.get("max_seq_length") or (4096 if chats else None)
    for parameters in (model.defaults, effective):
        for length in (None, longest and int(longest)):
            given = training(
                *(name, size, parameters, length), pipeline=pipeline_of(model), defaults=dict(model.defaults)
            )
            memory = memory_of(given)
            assert memory is not None
            assert memory.verdict is not Verdict.CANNOT_FIT


def test_every_model_and_gpu_of_the_catalogue_is_known() -> None:
    assert set(catalog.models()) == set(catalog.architectures())
    assert {size.gpu for size in catalog.vm_sizes().values() if size.gpus} == set(catalog.gpus())


def test_a_shape_that_is_read_alone_is_that_of_the_table() -> None:
    assert {name: catalog.architecture(name.upper()) for name in catalog.architectures()} == catalog.architectures()
    assert catalog.architecture("gpt") is None
    assert catalog.architecture("swiglu") is None


def test_known_examples() -> None:
    low, high = gib("Phi-3-mini-4k-instruct", A100, LORA, 4096)
    assert low == pytest.approx(11, abs=0.7)  # recomputed
    assert high == pytest.approx(28, abs=1)
    assert verdict("Llama-2-13b", V100_32, {**LORA, "max_seq_length": "2048"}, 2048) is Verdict.TIGHT
    thirty_two = {"apply_lora": "true", "precision": "32", "max_seq_length": "2048"}
    assert gib("Llama-2-7b", A100, thirty_two, 2048)[1] == pytest.approx(50, abs=5)
    assert verdict("Llama-2-7b", V100_16, thirty_two, 2048) is Verdict.CANNOT_FIT


def test_deepspeed_moves_the_optimizer_to_the_host() -> None:
    alone = {**FULL, "apply_deepspeed": "false"}
    assert verdict("Llama-2-7b", A100, alone, 512) is Verdict.CANNOT_FIT
    offloaded = memory_of(training("Llama-2-7b", A100, FULL, 512))
    assert offloaded is not None
    assert offloaded.verdict is Verdict.FITS
    assert offloaded.host_high == pytest.approx(24 * 6.74e9, rel=0.01)
    # Three times the parameters fit the GPU, but not the host.
    host = memory_of(training("Phi-4", A100, FULL, 512))
    assert host is not None
    assert (host.verdict, host.card_is_short) == (Verdict.TIGHT, False)
    stage3 = {**FULL, "deepspeed_stage": "3"}
    big = memory_of(training("Llama-2-70b", "Standard_NC48ads_A100_v4", stage3, 512))
    assert big is not None
    assert (big.verdict, big.card_is_short) == (Verdict.CANNOT_FIT, False)


def test_an_own_deepspeed_file_keeps_the_states_on_the_gpu() -> None:
    own = {"zero_optimization": {"stage": 2}}
    assert verdict("Llama-2-7b", A100, FULL, 512, deepspeed=own) is Verdict.CANNOT_FIT
    assert verdict("Llama-2-7b", "Standard_ND96amsr_A100_v4", FULL, 512, deepspeed=own) is Verdict.FITS


def test_checkpointing_follows_the_model_type_and_the_method() -> None:
    without = {**LORA, "apply_deepspeed": "false"}
    assert training("mistralai-Mistral-7B-v01", A100, LORA).checkpointing == (True,)
    assert training("mistralai-Mistral-7B-v01", A100, without).checkpointing == (False,)
    assert training("gpt2", A100, LORA).checkpointing == (False,)
    assert training("Phi-4", A100, LORA).checkpointing == (True, False)
    assert gib("Phi-3-mini-4k-instruct", A100, without, 4096)[1] == pytest.approx(30, abs=3)


@pytest.mark.parametrize(("registry", "severity"), [("azureml", Severity.ERROR), ("", Severity.WARNING)])
def test_a_model_that_is_known_by_its_name_alone_is_not_rejected(registry: str, severity: Severity) -> None:
    found = finding(training("Llama-2-70b", V100_16, LORA, registry=registry))
    assert found is not None
    assert (found.code, found.severity) == ("memory-cannot-fit", severity)
    assert ("may differ" in found.detail) is (not registry)


def test_a_case_that_is_open_is_a_warning_with_what_would_help() -> None:
    found = finding(training("Phi-4", "Standard_ND96asr_v4", LORA, 2048), ("Standard_NC24ads_A100_v4",))
    assert found is not None
    assert (found.severity, found.code) == (Severity.WARNING, "memory-tight")
    assert "not known" in found.detail
    assert "Standard_NC24ads_A100_v4" in found.remedy


def test_lengths_that_are_not_known_reject_nothing_that_short_rows_would_fit() -> None:
    memory = memory_of(training("Phi-3.5-mini-instruct", A100, LORA))
    assert memory is not None
    assert memory.verdict is Verdict.UNKNOWN
    assert memory.longest_fitting is not None
    assert 10_000 < memory.longest_fitting < 16_000
    assert verdict("Phi-3.5-mini-instruct", A100, LORA, memory.longest_fitting) is Verdict.FITS
    assert verdict("Phi-3.5-mini-instruct", A100, LORA, 2 * memory.longest_fitting) is Verdict.TIGHT
    assert verdict("Llama-2-70b", V100_16, LORA) is Verdict.CANNOT_FIT


def test_padding_to_the_limit_counts_in_full() -> None:
    padded = {**LORA, "pad_to_max_length": "true", "max_seq_length": "4096", "per_device_train_batch_size": 32}
    assert verdict("mistralai-Mistral-7B-v01", V100_32, padded, 100) is Verdict.CANNOT_FIT
    assert verdict("mistralai-Mistral-7B-v01", V100_32, {**padded, "pad_to_max_length": "false"}, 100) is Verdict.FITS


def test_a_batch_that_the_component_can_reduce_is_not_rejected() -> None:
    large = {"apply_lora": "true", "precision": "16", "per_device_train_batch_size": 64}
    assert verdict("mistralai-Mistral-7B-v01", A100, large, 2048) is Verdict.CANNOT_FIT
    assert verdict("mistralai-Mistral-7B-v01", A100, {**large, "auto_find_batch_size": "true"}, 2048) is Verdict.TIGHT


@pytest.mark.parametrize(
    ("model", "size", "parameters", "longest"),
    [
        ("mistralai-Mistral-7B-v01", A100, {**LORA, "per_device_train_batch_size": 64}, 4096),
        ("mistralai-Mistral-7B-v01", A100, {**LORA, "precision": "32", "apply_deepspeed": "false"}, 8192),
        ("Phi-3-mini-4k-instruct", A100, {**FULL, "apply_deepspeed": "false"}, 1024),
        ("Phi-3-mini-128k-instruct", A100, LORA, 32_768),
        ("Phi-3-mini-4k-instruct", A100, {**WIDE, "precision": "32", "apply_deepspeed": "false"}, 4096),
        ("Phi-3-mini-4k-instruct", A100, {**WIDE, "apply_deepspeed": "false"}, 4096),
    ],
)
def test_what_the_advice_says_makes_it_fit(model: str, size: str, parameters: Mapping[str, Any], longest: int) -> None:
    given = training(model, size, parameters, longest)
    before = memory_of(given)
    assert before is not None
    assert before.verdict in (Verdict.TIGHT, Verdict.CANNOT_FIT)
    changes = [one for one in advice(given) if one.startswith("write")]
    assert changes
    for change in changes:
        written = dict(pair.split(": ") for pair in change.split("`")[1::2])
        assert verdict(model, size, {**parameters, **written}, longest) is Verdict.FITS, change


def test_a_smaller_batch_keeps_the_rows_per_update() -> None:
    large = {**LORA, "per_device_train_batch_size": 24, "gradient_accumulation_steps": 2}
    (change, *_) = [one for one in advice(training("mistralai-Mistral-7B-v01", A100, large, 8192)) if "batch" in one]
    batch, steps = (int(pair.split(": ")[1]) for pair in change.split("`")[1::2])
    assert batch < 24
    assert batch * steps == 48


def test_the_smallest_size_that_fits_is_named() -> None:
    large = {**LORA, "per_device_train_batch_size": 4}
    given = training("mistralai-Mistral-7B-v01", V100_16, large, 4096)
    sizes = ("Standard_ND96amsr_A100_v4", "Standard_NC48ads_A100_v4", A100, "Standard_NC6s_v3", "Standard_Unheard")
    assert advice(given, sizes)[-1] == f"use {A100}, the smallest allowed size with enough memory"
    assert not any(one.startswith("use") for one in advice(given))


def test_after_a_failure_the_advice_does_not_trust_the_formula() -> None:
    small = training("Phi-3-mini-4k-instruct", A100, {**LORA, "per_device_train_batch_size": 6}, 200)
    assert after_a_failure(small)[0] == "write `per_device_train_batch_size: 3` and `gradient_accumulation_steps: 2`"
    assert after_a_failure(None)


def test_streaming_the_weights_is_hinted_at_where_stage_2_fits() -> None:
    stage3 = {**LORA, "deepspeed_stage": "3"}
    assert "stage 2 fits too" in offload_hint(training("Phi-4", A100, stage3, 1024))
    assert offload_hint(training("Phi-4", A100, LORA, 1024)) == ""
    assert offload_hint(training("Llama-2-70b", "Standard_ND96asr_v4", stage3, 512)) == ""


def test_the_line_of_the_plan() -> None:
    def said(*args: Any, **more: Any) -> str:
        given = training(*args, **more)
        return line(given, memory_of(given))

    assert said("mistralai-Mistral-7B-v01", A100, LORA, 1024).startswith("memory: fits: ")
    assert said("my-model", A100, LORA) == "memory: not known: phift does not have the shape of my-model"
    assert said("Phi-4", "Standard_Mine", LORA) == "memory: not known: phift does not have the GPU of Standard_Mine"
    assert "not known yet: rows of up to " in said("Phi-3.5-mini-instruct", A100, LORA)
    assert "per node" in said("Phi-3-medium-4k-instruct", NC96, {**FULL, "deepspeed_stage": "3"}, 512)


def test_adafactor_and_zero_stages_keep_less() -> None:
    plain = {**FULL, "apply_deepspeed": "false"}
    adamw, adafactor = (gib("gpt2-large", A100, {**plain, "optim": o}, 512)[1] for o in ("adamw_torch", "adafactor"))
    assert adamw - adafactor == pytest.approx(1.08 * 8 * 774_030_080 / GIB, rel=0.01)
    given = training("Phi-3-mini-4k-instruct", NC96, FULL, 512)
    sizes = []
    for stage in (1, 2, 3):
        own = deepspeed_of(2, {"zero_optimization": {"stage": stage}})
        memory = memory_of(replace(given, deepspeed=own))
        assert memory is not None
        sizes.append(memory.high.total)
    assert sizes == sorted(sizes, reverse=True)
