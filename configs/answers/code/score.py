"""Answers questions from a table: the scoring script of configs/code-configuration.yaml.

The inference server calls init() once and run() for each request. AZUREML_MODEL_DIR contains the folder of the model.
"""

import json
import os
from pathlib import Path

_answers: dict[str, str] = {}


def init() -> None:
    """Load the table from the model."""
    table = next(Path(os.environ["AZUREML_MODEL_DIR"]).rglob("answers.json"))
    _answers.update({_words(question): answer for question, answer in json.loads(table.read_text("utf-8")).items()})


def run(data: str) -> dict[str, str]:
    """Return the answer to the last message of a conversation."""
    question = json.loads(data)["input_data"]["input_string"][-1]["content"]
    return {"output": _answers.get(_words(question), os.environ.get("UNKNOWN", "I do not know."))}


def _words(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())
