"""The model that is trained: a language model or a classifier on top of one, whole or with LoRA."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phift.emulator.runtime.training.steps.context import StepContext, StepError, Task

__all__ = ["base_model", "model_class"]


def model_class(task: Task) -> Any:
    """The class of transformers that loads a model for a task."""
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    return AutoModelForSequenceClassification if task is Task.CLASS else AutoModelForCausalLM


def base_model(context: StepContext, source: Path, pad_token: int, classes: Sequence[str] = ()) -> Any:
    """The model of a folder, ready to be trained. Raises StepError when it cannot be loaded.

    classes: their names, for a classifier; its last layer then has random weights, unless the folder holds a
    classifier of as many classes.
    """
    import torch

    parameters = context.parameters
    lora = parameters.flag("apply_lora")
    # frozen weights may be half as wide; weights that are trained keep 32 bits under bf16 autocast
    dtype = torch.bfloat16 if lora and parameters.text("precision") == "16" else torch.float32
    more: dict[str, Any] = {}
    if classes:
        names = dict(enumerate(classes))
        more = {"num_labels": len(names), "id2label": names, "label2id": {name: at for at, name in names.items()}}
    try:
        model = model_class(context.task).from_pretrained(
            source, dtype=dtype, ignore_mismatched_sizes=parameters.flag("ignore_mismatched_sizes"), **more
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise StepError(f"the base model cannot be loaded: {str(error).splitlines()[0]}") from error
    model.config.use_cache = False
    if model.config.pad_token_id is None:
        model.config.pad_token_id = pad_token  # by it a classifier finds the end of a row
    if not lora:
        context.log(f"full fine-tune of {model.num_parameters():,} parameters")
        return model
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=parameters.integer("lora_r"),
        lora_alpha=parameters.integer("lora_alpha"),
        lora_dropout=parameters.number("lora_dropout"),
        target_modules="all-linear",
        task_type="SEQ_CLS" if classes else "CAUSAL_LM",
    )
    model = get_peft_model(model, config)
    trained, every = model.get_nb_trainable_parameters()
    context.log(f"LoRA: {trained:,} of {every:,} parameters are trained")
    return model
