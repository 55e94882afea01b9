"""How Azure's fine-tune components behave, beyond what their inputs show.

Facts read in azureml-acft-contrib-hf-nlp and azureml-acft-accelerator 0.0.91.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from phift.catalog import Architecture

__all__ = ["GENERATING", "KNOWN", "DeepSpeed", "checkpointing", "deepspeed_of"]

KNOWN = {
    "chat_completion_pipeline": True,
    "text_generation_pipeline": True,
    "summarization_pipeline": True,
    "translation_pipeline": True,
    "text_classification_pipeline": False,
    "token_classification_pipeline": False,
    "question_answering_pipeline": False,
}
"""The components whose behaviour is known, and whether they train on logits of the whole vocabulary."""

GENERATING = frozenset(name for name, generates in KNOWN.items() if generates)

_CHECKPOINTED = frozenset(
    ("llama", "falcon", "mistral", "mixtral", "phi_longrope", "phi3mini", "gpt_oss", "qwen3"),
)
"""Model types for which the component turns on gradient checkpointing, which is not an input."""


Stage = Literal[0, 1, 2, 3]
_STAGES: Mapping[object, Stage] = {1: 1, 2: 2, 3: 3}


@dataclass(frozen=True)
class DeepSpeed:
    """Settings of DeepSpeed. offload_optimizer, offload_parameters: to the memory of the host.

    source: "component" for the component's own file, "spec" for a file of the author, "unknown" for one that phift
    cannot read: the component's file of the stage is then assumed.
    """

    stage: Stage
    offload_optimizer: bool = False
    offload_parameters: bool = False
    source: Literal["component", "spec", "unknown"] = "component"


def deepspeed_of(wanted: int, file: Mapping[str, Any] | None = None, *, unread: bool = False) -> DeepSpeed:
    """Return the settings of a wanted stage. file: the author's own configuration, which overrides the stage.

    unread: the author has such a file, but its content is not known.
    """
    if file is None:
        return DeepSpeed(3 if wanted == 3 else 2, True, wanted == 3, "unknown" if unread else "component")
    own = file.get("zero_optimization")
    if not isinstance(own, Mapping):
        return DeepSpeed(0, source="spec")
    stage = own.get("stage")
    found = _STAGES.get(stage, 0) if isinstance(stage, int) else 0
    optimizer = found > 0 and (_offloads(own.get("offload_optimizer")) or own.get("cpu_offload") is True)
    return DeepSpeed(found, optimizer, found == 3 and _offloads(own.get("offload_param")), "spec")


def _offloads(block: object) -> bool:
    return isinstance(block, Mapping) and str(block.get("device", "none")) in ("cpu", "nvme")


def checkpointing(shape: Architecture, *, lora: bool, deepspeed: bool, bits: int) -> tuple[bool, ...]:
    """Return whether the component recomputes activations; two values if that is open, the frugal one first.

    It does so by model type, but not for LoRA without DeepSpeed, nor for 4 and 8 bit.
    """
    if bits < 16 or (lora and not deepspeed):
        return (False,)
    return tuple(sorted({kind in _CHECKPOINTED for kind in shape.model_types}, reverse=True))
