"""Step 1: is what was asked for possible, and what of it cannot be honoured on this machine?"""

from __future__ import annotations

import json
from collections.abc import Iterator

from phift.emulator.runtime.training.steps.context import Parameters, StepContext, StepError
from phift.emulator.runtime.training.steps.rows import split_path
from phift.emulator.runtime.training.steps.splits import read_split

__all__ = ["check_parameters", "not_honoured", "run"]

_NOT_NEGATIVE = ("warmup_steps", "seed", "adam_epsilon", "weight_decay", "dataloader_num_workers")
_LARGEST_SEED = 2**32 - 1


def run(context: StepContext) -> None:
    """Check the data row by row and the parameters against each other; name in the log what has no effect here.

    Raises StepError for what makes the job impossible.
    """
    _check_parameters(context)
    _check_model(context)
    _check_deepspeed(context)
    inputs = dict(context.inputs)
    if split_path("train", inputs) is None:
        raise StepError("no training data: give train_file_path or train_mltable_path")
    for split in ("train", "validation", "test"):
        if path := split_path(split, inputs):
            rows = sum(1 for _ in read_split(context, path))
            context.log(f"{split}: {rows} {context.task} in {path.name}")
    for note in not_honoured(context.parameters, inputs_given=set(inputs)):
        context.log(f"not honoured here: {note}")


def _check_parameters(context: StepContext) -> None:
    parameters = context.parameters
    check_parameters(parameters)
    if parameters.flag("apply_early_stopping") and not _evaluates(context):
        raise StepError("apply_early_stopping needs a validation or a test split")
    if parameters.flag("pad_to_max_length") and parameters.integer("max_seq_length") < 1:
        context.log("pad_to_max_length without max_seq_length: rows are padded to the model's own limit")


def _check_deepspeed(context: StepContext) -> None:
    """Read the DeepSpeed configuration as the trainer does."""
    path = context.inputs.get("deepspeed")
    if path is None:
        return
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise StepError(f"deepspeed: {path.name} is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise StepError(f"deepspeed: {path.name} does not contain a JSON object")
    stage = (found.get("zero_optimization") or {}).get("stage", 0)
    context.log(f"deepspeed: {path.name} replaces deepspeed_stage: ZeRO stage {stage}")


def check_parameters(parameters: Parameters) -> None:
    """Raise StepError for values with which the training would fail (assumed: parameter_rules)."""
    deepspeed = parameters.flag("apply_deepspeed")
    if deepspeed and parameters.flag("auto_find_batch_size"):
        raise StepError("apply_deepspeed and auto_find_batch_size cannot both be true")
    if deepspeed and parameters.flag("apply_ort") and parameters.text("deepspeed_stage") == "3":
        raise StepError("apply_ort does not train with DeepSpeed stage 3")
    if parameters.flag("apply_early_stopping") and parameters.text("evaluation_strategy") == "disable":
        raise StepError("apply_early_stopping needs evaluations: evaluation_strategy must not be disable")
    for name in _at_least_one(parameters):
        if parameters.integer(name) < 1:
            raise StepError(f"{name} must be at least 1, got {parameters.integer(name)}")
    for name in _NOT_NEGATIVE:
        if parameters.number(name) < 0:
            raise StepError(f"{name} must be at least 0, got {parameters.text(name)}")
    if parameters.integer("seed") > _LARGEST_SEED:
        raise StepError(f"seed must be at most {_LARGEST_SEED}, got {parameters.integer('seed')}")
    for name in ("adam_beta1", "adam_beta2", *(("lora_dropout",) if parameters.flag("apply_lora") else ())):
        if not 0 <= parameters.number(name) < 1:
            raise StepError(f"{name} must be at least 0 and below 1, got {parameters.number(name)}")
    if parameters.number("learning_rate") <= 0:
        raise StepError(f"learning_rate must be above 0, got {parameters.number('learning_rate')}")
    if not 0 <= parameters.number("evaluation_steps_interval") <= 1:
        raise StepError("evaluation_steps_interval is a share of an epoch: it must lie between 0 and 1")


def _at_least_one(parameters: Parameters) -> Iterator[str]:
    yield from ("num_train_epochs", "per_device_train_batch_size", "per_device_eval_batch_size", "batch_size")
    yield "gradient_accumulation_steps"
    if parameters.text("logging_strategy") == "steps":
        yield "logging_steps"
    if parameters.text("evaluation_strategy") == "steps":
        yield "eval_steps"
    if parameters.flag("apply_lora"):
        yield from ("lora_r", "lora_alpha")


def _evaluates(context: StepContext) -> bool:
    return any(split_path(split, dict(context.inputs)) for split in ("validation", "test"))


def _check_model(context: StepContext) -> None:
    given = [name for name in ("mlflow_model_path", "pytorch_model_path") if name in context.inputs]
    if context.parameters.text("huggingface_id"):
        given.append("huggingface_id")
    if not given:
        raise StepError("no base model: give mlflow_model_path, pytorch_model_path or huggingface_id")
    context.log(f"base model from {given[0]}")
    for extra in given[1:]:
        context.log(f"{extra} is given too; {given[0]} wins")


def not_honoured(parameters: Parameters, *, inputs_given: set[str]) -> list[str]:
    """One sentence for each input that was set to something this machine cannot do."""
    notes = []
    if parameters.flag("apply_deepspeed") or "deepspeed" in inputs_given:
        notes.append("apply_deepspeed, deepspeed_stage, deepspeed: DeepSpeed shards over GPUs; one process trains here")
    if parameters.flag("apply_ort"):
        notes.append("apply_ort: ONNX Runtime training is not used; torch trains")
    if (gpus := parameters.integer("number_of_gpu_to_use_finetuning")) > 1:
        notes.append(f"number_of_gpu_to_use_finetuning={gpus}: one device trains")
    if (nodes := parameters.integer("num_nodes_finetune")) > 1:
        notes.append(f"num_nodes_finetune={nodes}: one node trains")
    if "finetune_config_path" in inputs_given:
        notes.append("finetune_config_path: its overrides of the model's code are not applied")
    if "evaluation_config" in inputs_given or parameters.text("evaluation_config_params"):
        notes.append("evaluation_config, evaluation_config_params: the pipeline has no evaluation step")
    if parameters.flag("trust_remote_code"):
        notes.append("trust_remote_code: code that comes with weights is never run here")
    return notes
