"""What the steps import, so that it can be imported before them: seconds that are then not spent in each job."""

from __future__ import annotations

from collections.abc import Callable, Iterator

__all__ = ["imports_of"]


def imports_of(module: str) -> Iterator[Callable[[], None]]:
    """What the step that `module` does imports, in parts; none for a step that imports nothing heavy.

    No part runs a torch operation: its thread pool would hang in the forks of the process that did.
    """
    match module:
        case "preprocess":
            yield _tokenizers
        case "finetune":
            yield from (_tokenizers, _torch, _training)
        case "convert":
            yield from (_tokenizers, _torch, _training, _mlflow)


def _tokenizers() -> None:
    from transformers import PreTrainedTokenizerFast

    _ = PreTrainedTokenizerFast


def _torch() -> None:
    import torch

    _ = torch


def _training() -> None:
    import peft
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, Trainer
    from transformers.models.phi3 import modeling_phi3  # the stand-in's architecture

    _ = peft, AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, Trainer, modeling_phi3


def _mlflow() -> None:
    import mlflow.pyfunc
    import mlflow.transformers
    from huggingface_hub import ModelCard

    _ = mlflow, ModelCard
