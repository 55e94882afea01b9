"""Texts with a class each: read from rows, encoded as token ids, and how good the predicted classes are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phift.emulator.runtime.training.steps.context import Parameters, StepError
from phift.emulator.runtime.training.steps.encoding import break_controls
from phift.emulator.runtime.training.steps.rows import rows_of

__all__ = [
    "ClassCollator",
    "Example",
    "Examples",
    "class_names",
    "encode_examples",
    "load_examples",
    "names_in",
    "read_examples",
    "save_examples",
    "score_classes",
]


@dataclass(frozen=True)
class Example:
    """One row. pair: the second sentence, None without a key for it. label: its class, as text."""

    text: str
    pair: str | None
    label: str


@dataclass
class Examples:
    """Encoded rows: token ids, and the number of the class. cut: rows shortened. escaped: rows with a control token."""

    ids: list[list[int]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    cut: int = 0
    escaped: int = 0


def read_examples(path: Path, parameters: Parameters) -> Iterator[Example]:
    """The rows of a split in order; raises StepError naming file, row and what is wrong."""
    first, second, label = (parameters.text(f"{name}_key") for name in ("sentence1", "sentence2", "label"))
    texts = [key for key in (first, second) if key]
    for row, place in rows_of(path):
        found = [row[key] for key in texts if isinstance(row, dict) and isinstance(row.get(key), str)]
        if len(found) < len(texts) or not any(found):
            raise StepError(f"{place}: a row needs {' and '.join(repr(key) for key in texts)} with text")
        value = row.get(label)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise StepError(f"{place}: a row needs {label!r} with the name or number of a class")
        yield Example(found[0], found[1] if second else None, str(value))


def class_names(examples: Sequence[Example]) -> list[str]:
    """The classes in the order of their numbers; raises StepError for fewer than two."""
    names = {example.label for example in examples}
    if len(names) < 2:
        raise StepError(f"the training data has {len(names)} class; a classifier needs at least two")
    if all(name.lstrip("-").isdigit() for name in names):
        return sorted(names, key=int)
    return sorted(names)


def encode_examples(tokenizer: Any, examples: Sequence[Example], names: Sequence[str], limit: int) -> Examples:
    """Each row as the tokenizer frames one text, or a pair of them.

    limit: the most tokens that a row may have; the longer of its texts is cut. Raises StepError for a class that the
    training data does not have.
    """
    numbers = {name: number for number, name in enumerate(names)}
    result = Examples()
    for example in examples:
        if example.label not in numbers:
            raise StepError(f"the class {example.label!r} is not in the training data")
        given = [text for text in (example.text, example.pair) if text is not None]
        plain = [break_controls(tokenizer, text) for text in given]
        result.escaped += plain != given
        ids = tokenizer(*plain)["input_ids"]
        if len(ids) > limit:
            result.cut += 1
            ids = tokenizer(*plain, truncation=True, max_length=limit)["input_ids"]
        result.ids.append(ids)
        result.labels.append(numbers[example.label])
    return result


def save_examples(examples: Examples, path: Path) -> None:
    """Write the rows as flat arrays."""
    import numpy as np

    lengths = np.array([len(ids) for ids in examples.ids], dtype=np.int64)
    ids = np.array([token for row in examples.ids for token in row], dtype=np.int32)
    np.savez(path, lengths=lengths, ids=ids, labels=np.array(examples.labels, dtype=np.int64))


def load_examples(path: Path) -> list[dict[str, Any]]:
    """The rows as a list of {"input_ids": an int64 array, "labels": a number}."""
    import numpy as np

    with np.load(path) as arrays:
        ids = np.split(arrays["ids"].astype(np.int64), arrays["lengths"].cumsum()[:-1])
        return [{"input_ids": row, "labels": int(label)} for row, label in zip(ids, arrays["labels"], strict=True)]


class ClassCollator:
    """Rows of one batch as tensors, padded on the right to the longest, or to `pad_to` tokens."""

    def __init__(self, pad_token: int, pad_to: int = 0) -> None:
        self._pad_token = pad_token
        self._pad_to = pad_to

    def __call__(self, rows: Sequence[Any]) -> dict[str, Any]:
        import torch

        width = self._pad_to or max(len(row["input_ids"]) for row in rows)
        ids = torch.full((len(rows), width), self._pad_token)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for index, row in enumerate(rows):
            length = len(row["input_ids"])
            ids[index, :length] = torch.from_numpy(row["input_ids"])
            mask[index, :length] = 1
        return {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([row["labels"] for row in rows])}


def score_classes(prediction: Any) -> dict[str, float]:
    """Accuracy, Matthews correlation, and precision, recall and F1 as means over the classes, of a transformers
    EvalPrediction of `best_tokens`, here the likeliest class."""
    pairs = Counter(zip(prediction.label_ids.tolist(), prediction.predictions.tolist(), strict=True))
    total, right = sum(pairs.values()), sum(count for (true, got), count in pairs.items() if true == got)
    true_of, got_of = Counter[int](), Counter[int]()
    for (true, got), count in pairs.items():
        true_of[true] += count
        got_of[got] += count
    seen = sorted(true_of | got_of)
    precision = [pairs[each, each] / got_of[each] if got_of[each] else 0.0 for each in seen]
    recall = [pairs[each, each] / true_of[each] if true_of[each] else 0.0 for each in seen]
    f1 = [2 * p * r / (p + r) if p + r else 0.0 for p, r in zip(precision, recall, strict=True)]
    covered = total**2 - sum(got_of[each] ** 2 for each in seen), total**2 - sum(true_of[each] ** 2 for each in seen)
    shared = right * total - sum(true_of[each] * got_of[each] for each in seen)
    return {
        "accuracy": right / total,
        "mcc": shared / (covered[0] * covered[1]) ** 0.5 if covered[0] and covered[1] else 0.0,
        "precision_macro": sum(precision) / len(seen),
        "recall_macro": sum(recall) / len(seen),
        "f1_macro": sum(f1) / len(seen),
    }


def names_in(folder: Path) -> list[str]:
    """The classes that the preprocessing step found."""
    names: list[str] = json.loads((folder / "classes.json").read_text(encoding="utf-8"))
    return names
