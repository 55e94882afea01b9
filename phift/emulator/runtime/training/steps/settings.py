"""The component's inputs as the settings of Hugging Face's Trainer."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from phift.emulator.runtime.training.steps.context import Parameters

__all__ = ["MEASURES", "steps_per_epoch", "training_arguments"]

# one update rule in one kernel: the same numbers, a seventh faster on a CPU
_OPTIMIZERS = {"adamw_torch": "adamw_torch_fused"}
MEASURES = {
    "loss": False,
    **dict.fromkeys(("f1", "exact", "accuracy", "mcc", "f1_macro", "precision_macro", "recall_macro"), True),
}
"""What evaluations measure, and whether a greater value is better."""


def steps_per_epoch(parameters: Parameters, rows: int) -> int:
    """Optimiser steps in one pass over `rows` conversations."""
    batches = math.ceil(rows / parameters.integer("per_device_train_batch_size"))
    return max(1, math.ceil(batches / parameters.integer("gradient_accumulation_steps")))


def training_arguments(
    parameters: Parameters, out: Path, *, rows: int, evaluates: bool, selects: bool, cuda: bool
) -> dict[str, Any]:
    """Keyword arguments of transformers.TrainingArguments.

    rows: training conversations. evaluates: there is a split to evaluate on. selects: it may choose the best model.
    cuda: there is a GPU.
    """
    strategy = {"disable": "no"}.get(parameters.text("evaluation_strategy"), parameters.text("evaluation_strategy"))
    every = parameters.integer("eval_steps")
    if (share := parameters.number("evaluation_steps_interval")) > 0:
        every = max(1, round(share * steps_per_epoch(parameters, rows)))
        strategy = "steps" if strategy != "no" else "no"
    accumulation = parameters.integer("eval_accumulation_steps")
    limit = parameters.integer("save_total_limit")
    return {
        "output_dir": str(out),
        "num_train_epochs": parameters.integer("num_train_epochs"),
        "max_steps": parameters.integer("max_steps"),
        "per_device_train_batch_size": parameters.integer("per_device_train_batch_size"),
        "per_device_eval_batch_size": parameters.integer("per_device_eval_batch_size"),
        "auto_find_batch_size": parameters.flag("auto_find_batch_size"),
        "gradient_accumulation_steps": parameters.integer("gradient_accumulation_steps"),
        "eval_accumulation_steps": accumulation if accumulation > 0 else None,
        "optim": _OPTIMIZERS.get(parameters.text("optim"), parameters.text("optim")),
        "learning_rate": parameters.number("learning_rate"),
        "lr_scheduler_type": parameters.text("lr_scheduler_type"),
        "warmup_steps": parameters.integer("warmup_steps"),
        "weight_decay": parameters.number("weight_decay"),
        "adam_beta1": parameters.number("adam_beta1"),
        "adam_beta2": parameters.number("adam_beta2"),
        "adam_epsilon": parameters.number("adam_epsilon"),
        "max_grad_norm": parameters.number("max_grad_norm"),
        "seed": parameters.integer("seed"),
        "full_determinism": parameters.flag("enable_full_determinism"),
        "dataloader_num_workers": parameters.integer("dataloader_num_workers"),
        "bf16": parameters.text("precision") == "16",
        "logging_strategy": parameters.text("logging_strategy"),
        "logging_steps": parameters.integer("logging_steps"),
        "eval_strategy": strategy if evaluates else "no",
        "eval_steps": every,
        "save_strategy": strategy,
        "save_steps": every,
        "save_total_limit": limit if limit > 0 else None,
        "load_best_model_at_end": selects and strategy != "no",
        "metric_for_best_model": "eval_" + parameters.text("metric_for_best_model"),
        "greater_is_better": MEASURES[parameters.text("metric_for_best_model")],
        "include_num_input_tokens_seen": "non_padding",
        "use_cpu": not cuda,
        "dataloader_pin_memory": cuda,
        "remove_unused_columns": False,
        "label_names": ["labels"],
        "disable_tqdm": True,
        "report_to": "none",
    }
