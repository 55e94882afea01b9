"""Rows of token ids as batches of tensors, with as little padding as the model allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from phift.emulator.runtime.training.steps.encoding import IGNORED

__all__ = ["PackingCollator", "PaddingCollator", "can_pack"]

Row = Mapping[str, Any]

_TOLERANCE = 0.01
"""Relative difference that rounding alone explains, with weights of 16 bits too."""


class PaddingCollator:
    """One row of the batch after the other, padded on the right to the longest, or to `pad_to` tokens."""

    def __init__(self, pad_token: int, pad_to: int = 0) -> None:
        self._pad_token = pad_token
        self._pad_to = pad_to

    def __call__(self, rows: Sequence[Row]) -> dict[str, Any]:
        import torch

        width = self._pad_to or max(len(row["input_ids"]) for row in rows)
        ids = torch.full((len(rows), width), self._pad_token)
        labels = torch.full((len(rows), width), IGNORED)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for index, row in enumerate(rows):
            length = len(row["input_ids"])
            ids[index, :length] = torch.from_numpy(row["input_ids"])
            labels[index, :length] = torch.from_numpy(row["labels"])
            mask[index, :length] = 1
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}


class PackingCollator:
    """Short rows of the batch share a line: the same loss as with padding, for two thirds of the time.

    Positions start at 0 in every row; a model that `can_pack` keeps rows apart by that. The batch has one entry more
    than a model takes: "tokens", how many tokens the rows have together.
    """

    def __init__(self, pad_token: int) -> None:
        self._pad_token = pad_token

    def __call__(self, rows: Sequence[Row]) -> dict[str, Any]:
        import torch

        lines = _lines(rows)
        width = max(sum(len(row["input_ids"]) for row in line) for line in lines)
        ids = torch.full((len(lines), width), self._pad_token)
        labels = torch.full((len(lines), width), IGNORED)
        positions = torch.zeros((len(lines), width), dtype=torch.long)
        for index, line in enumerate(lines):
            at = 0
            for row in line:
                end = at + len(row["input_ids"])
                ids[index, at:end] = torch.from_numpy(row["input_ids"])
                labels[index, at:end] = torch.from_numpy(row["labels"])
                labels[index, at] = IGNORED  # nothing predicts it: what stands before it is another row
                positions[index, at:end] = torch.arange(end - at)
                at = end
            positions[index, at:] = torch.arange(width - at)
        tokens = torch.tensor(sum(len(row["input_ids"]) for row in rows))
        return {"input_ids": ids, "position_ids": positions, "labels": labels, "tokens": tokens}


def _lines(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows in lines no longer than the longest row: longest first, each into the first line with room."""
    ordered = sorted(rows, key=lambda row: -len(row["input_ids"]))
    width = len(ordered[0]["input_ids"])
    lines: list[tuple[int, list[Row]]] = []
    for row in ordered:
        length = len(row["input_ids"])
        for index, (used, line) in enumerate(lines):
            if used + length <= width:
                line.append(row)
                lines[index] = used + length, line
                break
        else:
            lines.append((length, [row]))
    return [line for _, line in lines]


def can_pack(model: Any, rows: Sequence[Row], pad_token: int) -> bool:
    """Whether the model keeps rows that share a line apart, and rows are short enough to share one.

    It is tried, as not every architecture does. rows: of the training split. Leaves the model in the mode it was in.
    """
    import torch

    by_length = sorted(rows, key=lambda row: len(row["input_ids"]))
    first, second = by_length[0], by_length[min(1, len(by_length) - 1)]
    room = len(first["input_ids"]) + len(second["input_ids"])
    wide = next((row for row in by_length if len(row["input_ids"]) >= room), None)
    if wide is None:
        return False
    batch = [wide, first, second]
    packed, padded = PackingCollator(pad_token)(batch), PaddingCollator(pad_token)(batch)
    packed.pop("tokens")
    # the line that two rows share begins with the longer of them: what follows must not notice a change in it
    changed = {**packed, "input_ids": packed["input_ids"].clone()}
    changed["input_ids"][1, : len(second["input_ids"])] = packed["input_ids"][0, 0]
    own = slice(len(second["input_ids"]), room)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            alone, together, other = model(**padded), model(**packed), model(**changed)
    finally:
        model.train(was_training)
    losses = [float(each.loss) for each in (alone, together)]
    apart = torch.allclose(together.logits[1, own], other.logits[1, own], rtol=_TOLERANCE, atol=_TOLERANCE)
    return apart and abs(losses[0] - losses[1]) <= _TOLERANCE * abs(losses[0])
