"""The tasks of the fine-tune components: which rows each learns from, and which ones phift does not support."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["CHAT", "TASKS", "UNSUPPORTED", "TextTask"]

CHAT = "chat_completion_pipeline"
"""The component that learns from conversations."""


@dataclass(frozen=True)
class TextTask:
    """name: of the task. texts: the parameters that name the columns of the input, the required one first. answer: the
    parameter that names the column of the ground truth or of the class. answered: whether it is required."""

    name: Literal["text-generation", "text-classification"]
    texts: tuple[str, ...]
    answer: str
    answered: bool


TASKS: Mapping[str, TextTask] = {
    "text_generation_pipeline": TextTask("text-generation", ("text_key",), "ground_truth_key", False),
    "text_classification_pipeline": TextTask(
        "text-classification", ("sentence1_key", "sentence2_key"), "label_key", True
    ),
}
"""Components of the azureml registry that learn from columns of a table. Any other one learns from conversations."""

UNSUPPORTED: Mapping[str, str] = {
    "question_answering_pipeline": "question answering",
    "summarization_pipeline": "summarization",
    "token_classification_pipeline": "token classification",
    "translation_pipeline": "translation",
    "nlp_textclassification_multiclass": "automated text classification",
    "nlp_textclassification_multilabel": "automated text classification with several labels",
    "grpo_chat_completion_pipeline": "reinforcement learning",
}
"""Components of the azureml registry whose rows phift does not prepare, by what they learn."""
