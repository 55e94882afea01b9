"""Requests to a text classification deployment, and the model that answers them.

Request: `{"input_data": {"text": [...]}, "params": {...}}`, a table of the model's one or two columns of texts, in this
form or as `{"columns": [...], "index": [...], "data": [[...], ...]}`. A list of texts under `input_string`, or instead
of the table, is one column. Answer: `[label, ...]`, a class for each row; with the parameter `return_all_scores` a list
of `{"label", "score"}` for each, the likeliest first (assumed: classification_answers).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phift.emulator.runtime.serving.contract import BadRequest
from phift.emulator.runtime.serving.folders import find_model
from phift.emulator.runtime.training.steps.encoding import break_controls

__all__ = ["Classifier", "Table", "read_table"]

_MAX_ROWS = 1024
_SCORES = "return_all_scores"
_SPLIT = frozenset(("columns", "index", "data"))


@dataclass(frozen=True)
class Table:
    """A request that was understood. rows: one or two texts each. scores: those of all classes are asked for."""

    rows: list[tuple[str, ...]]
    scores: bool = False


def read_table(body: bytes, columns: Sequence[str] = ()) -> Table:
    """The rows in a request's body. columns: the model's own names of them. Raises BadRequest."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("body", f"is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadRequest("body", "must be a JSON object")
    if unknown := sorted(set(document) - {"input_data", "params"}):
        raise BadRequest(unknown[0], "is not a field of the request; there are input_data and params")
    table = _columns(document.get("input_data"))
    table.pop("parameters", None)
    names = list(table)
    if len(columns) > 1 and set(names) == set(columns):
        names = list(columns)
    if len(names) not in ((len(columns),) if columns else (1, 2)):
        wanted = ", ".join(columns) or "one or two of texts"
        raise BadRequest("input_data", f"has the columns {', '.join(names) or 'none'}; the model takes {wanted}")
    rows = [_texts(f"input_data.{name}", table[name]) for name in names]
    if len({len(texts) for texts in rows}) > 1:
        raise BadRequest("input_data", "has columns of different lengths")
    if not 1 <= len(rows[0]) <= _MAX_ROWS:
        raise BadRequest("input_data", f"has {len(rows[0])} rows; 1 to {_MAX_ROWS} are answered")
    return Table(list(zip(*rows, strict=True)), _scores(document.get("params")))


def _columns(data: Any) -> dict[str, Any]:
    if isinstance(data, list):
        return {"input_string": data}
    if not isinstance(data, dict):
        raise BadRequest("input_data", "must be a table, or a list of texts")
    if "data" not in data or not set(data) <= _SPLIT:
        return dict(data)
    listed, rows = data.get("columns"), data["data"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise BadRequest("input_data.data", "must be a list of rows, each a list")
    width = len(rows[0]) if rows else 0
    names = listed if isinstance(listed, list) else [str(index) for index in range(width)]
    if any(len(row) != len(names) for row in rows):
        raise BadRequest("input_data.data", f"has rows that do not have {len(names)} values, one for each column")
    return {str(name): [row[index] for row in rows] for index, name in enumerate(names)}


def _texts(where: str, column: Any) -> list[str]:
    texts = [column] if isinstance(column, str) else column
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise BadRequest(where, "must be a list of strings")
    return texts


def _scores(params: Any) -> bool:
    given = {} if params is None else params
    if not isinstance(given, dict):
        raise BadRequest("params", "must be an object")
    if unknown := sorted(set(given) - {_SCORES}):
        raise BadRequest(f"params.{unknown[0]}", f"is not a parameter; there is {_SCORES}")
    value = given.get(_SCORES, False)
    if not isinstance(value, bool):
        raise BadRequest(f"params.{_SCORES}", f"must be true or false, not {value!r}")
    return value


@dataclass
class Classifier:
    """A sequence classification model with its tokenizer. columns: its own names of a row's texts."""

    model: Any
    tokenizer: Any
    columns: tuple[str, ...]

    @classmethod
    def load(cls, folder: Path) -> Classifier:
        """The model of an AZUREML_MODEL_DIR. Raises ModelFolderError for a folder that holds none, OSError or
        ValueError where transformers cannot read what is there."""
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        torch.set_num_threads(1)
        place = find_model(folder)
        tokenizer = AutoTokenizer.from_pretrained(place.tokenizer, padding_side="right")
        model = AutoModelForSequenceClassification.from_pretrained(place.weights, dtype=torch.float32)
        model.eval()
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        if model.config.pad_token_id is None:
            model.config.pad_token_id = tokenizer.pad_token_id
        return cls(model, tokenizer, place.columns)

    def answer(self, table: Table) -> list[Any]:
        """The contract's answer; texts longer than the model takes are cut."""
        import torch

        texts = [[break_controls(self.tokenizer, text) for text in column] for column in zip(*table.rows, strict=True)]
        limit = getattr(self.model.config, "max_position_embeddings", None) or self.tokenizer.model_max_length
        encoded = self.tokenizer(
            *texts, return_tensors="pt", padding=True, truncation=True, max_length=limit, return_token_type_ids=False
        )
        with torch.inference_mode():
            shares = torch.softmax(self.model(**encoded).logits.float(), dim=-1).tolist()
        names = self.model.config.id2label
        ranked = [sorted(enumerate(row), key=lambda pair: -pair[1]) for row in shares]
        if table.scores:
            return [[{"label": names[number], "score": share} for number, share in row] for row in ranked]
        return [names[row[0][0]] for row in ranked]

    def respond(self, body: bytes) -> list[Any]:
        """The answer to a request's body; raises BadRequest."""
        return self.answer(read_table(body, self.columns))

    def warm_up(self) -> None:
        """One answer: the first one is slower than the rest."""
        self.answer(Table([("Hello",) * max(1, len(self.columns))]))
