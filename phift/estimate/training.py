"""A training as the value from which its memory, speed and number of tokens follow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from phift import catalog
from phift.catalog import Architecture, Gpu
from phift.data.lengths import Lengths
from phift.estimate.component import GENERATING, KNOWN, DeepSpeed, checkpointing, deepspeed_of
from phift.state.facts import BaseModel, Facts

__all__ = ["BYTES_PER_TOKEN", "MOST_BYTES_PER_TOKEN", "Rows", "Training", "rows_of", "training_of"]

BYTES_PER_TOKEN = 3.5
"""Of text in UTF-8, on the safe side for English: phift does not have the tokenizer of the model."""

MOST_BYTES_PER_TOKEN = 4.5
"""Of text that tokenizes well."""


@dataclass(frozen=True)
class Rows:
    """The rows of the train split in tokens, estimated from their bytes and truncated to the limit of the training.

    count: rows. mean: tokens of the average row. longest: of the longest row, as (fewest, most) by the bytes that a
    token may have; None if only the mean is known. padded: the mean over batches of the longest row of a batch, to
    which every row of it is padded. basis: "" if all rows were measured, otherwise which, for display.
    """

    count: int
    mean: float
    longest: tuple[int, int] | None
    padded: float
    basis: str = ""


@dataclass(frozen=True)
class Training:
    """Everything that the memory and the speed of a fine-tune depend on.

    model: registry name. architecture, gpu: None if not known. generates: whether the loss needs logits of the whole
    vocabulary. bits: of the arithmetic, 32 or 16, or of the frozen weights, 8 or 4; more than one if it is open which
    the component uses, the frugal one first. checkpointing: likewise.

    batch: rows per GPU and step; smallest_batch: the least that the component may reduce it to. accumulation: steps per
    update of the weights. deepspeed: None if not used. size: of the VM. gpus: per node. host_gib: memory of a node; 0
    if not known.

    max_steps: updates of the weights, which override epochs; 0 if not set. limit: tokens to which rows are truncated;
    None if not known. pads: whether every row is padded to the limit. rows: None if their lengths are not known yet.
    by_name: whether model or component is known only as the published one of the same name.
    """

    model: str
    architecture: Architecture | None
    generates: bool
    method: Literal["lora", "full"]
    rank: int
    bits: tuple[int, ...]
    checkpointing: tuple[bool, ...]
    optimizer: Literal["adamw", "adafactor"]
    batch: int
    smallest_batch: int
    accumulation: int
    deepspeed: DeepSpeed | None
    size: str
    gpu: Gpu | None
    gpus: int
    nodes: int
    host_gib: int
    epochs: int
    max_steps: int
    limit: int | None
    pads: bool
    rows: Rows | None
    by_name: bool = False

    @property
    def all_gpus(self) -> int:
        """GPUs of all nodes: each has a batch of its own."""
        return self.gpus * self.nodes

    @property
    def padded(self) -> float | None:
        """Tokens per row in an average batch, with padding; None if not known."""
        if self.pads and self.limit is not None:
            return float(self.limit)
        return self.rows.padded if self.rows else None


def training_of(
    facts: Facts,
    parameters: Mapping[str, Any],
    size: str,
    lengths: Lengths | None = None,
    *,
    nodes: int = 1,
    deepspeed: Mapping[str, Any] | None = None,
) -> Training | None:
    """Return the training of a spec; None without a base model, or for a component of unknown behaviour.

    parameters: the effective inputs of the component, typed or as text. size: name of the VM size. lengths: of the rows
    of the train split. nodes: of the fine-tune step. deepspeed: the content of the author's own configuration.
    """
    model, component = facts.base_model, facts.component
    if model is None or component is None or component.name not in KNOWN:
        return None
    inputs = _Inputs(parameters)
    shape = catalog.architecture(model.name)
    bits = _bits(inputs, model)
    lora = inputs.flag("apply_lora") or max(bits) < 16
    uses_deepspeed = inputs.flag("apply_deepspeed") and max(bits) >= 16
    batch = inputs.number("per_device_train_batch_size", 1)
    listed = catalog.vm_size(size)
    known = facts.size(size) or listed
    limit = _limit(inputs, model, shape)
    return Training(
        model=model.name,
        architecture=shape,
        generates=component.name in GENERATING,
        method="lora" if lora else "full",
        rank=inputs.number("lora_r", 8),
        bits=bits,
        checkpointing=checkpointing(shape, lora=lora, deepspeed=uses_deepspeed, bits=max(bits)) if shape else (False,),
        optimizer="adafactor" if inputs.text("optim") == "adafactor" else "adamw",
        batch=batch,
        smallest_batch=1 if inputs.flag("auto_find_batch_size") and not uses_deepspeed else batch,
        accumulation=inputs.number("gradient_accumulation_steps", 1),
        deepspeed=deepspeed_of(
            inputs.number("deepspeed_stage", 2), deepspeed, unread=bool(inputs.text("deepspeed")) and deepspeed is None
        )
        if uses_deepspeed
        else None,
        size=listed.name if listed else size,
        gpu=catalog.gpu(listed.gpu) if listed else None,
        gpus=max(1, known.gpus) if known else 1,
        nodes=max(1, nodes),
        host_gib=listed.memory_gib if listed else 0,
        epochs=inputs.number("num_train_epochs", 1),
        max_steps=max(0, inputs.number("max_steps", 0, least=-1)),
        limit=limit,
        pads=inputs.flag("pad_to_max_length"),
        rows=rows_of(lengths, batch, limit) if lengths and lengths.rows else None,
        by_name=not (model.registry and component.registry),
    )


def rows_of(lengths: Lengths, batch: int, limit: int | None = None) -> Rows:
    """Return the rows in tokens. batch: rows that are padded together. limit: tokens to which rows are truncated."""
    most = math.inf if limit is None else float(limit)
    spread = [(min(most, size / BYTES_PER_TOKEN), share) for size, share in lengths.spread()]
    # The buckets know a length to 6 %, the total exactly: scale, so that the mean is exact if nothing is truncated.
    raw = sum(size * share for size, share in lengths.spread())
    exact = lengths.mean / raw if raw else 1.0
    below = padded = 0.0
    for tokens, share in spread:
        # The longest of a batch is in this bucket if no row is in a later one, and not all are in earlier ones.
        padded += tokens * ((below + share) ** batch - below**batch)
        below += share
    fewest, upper = (min(most, lengths.longest / size) for size in (MOST_BYTES_PER_TOKEN, BYTES_PER_TOKEN))
    longest = (max(1, math.floor(fewest)), math.ceil(upper))
    return Rows(
        count=lengths.rows,
        mean=exact * sum(tokens * share for tokens, share in spread),
        longest=longest if lengths.longest else None,
        padded=min(most, exact * padded),
        basis=lengths.basis,
    )


def _bits(inputs: _Inputs, model: BaseModel) -> tuple[int, ...]:
    """Return the precision. Some models recommend 4 bit, which the components do not accept as an input, so that it is
    open whether they apply it."""
    given = inputs.number("precision", 32)
    recommended = _Inputs(model.defaults).number("precision", 0)
    return (recommended, given) if 0 < recommended < 16 <= given == 32 else (given,)


def _limit(inputs: _Inputs, model: BaseModel, shape: Architecture | None) -> int | None:
    """Return the limit of the component: max_seq_length, but at most what the model accepts; -1 means the latter."""
    listed = catalog.model(model.name)
    window = (shape.window if shape else None) or (listed.context_window if listed else None)
    wanted = inputs.number("max_seq_length", -1, least=-1)
    if wanted <= 0:
        return window
    return min(wanted, window) if window else wanted


class _Inputs:
    """Inputs of a component, whose values may be text."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        value = self._values.get(name)
        return "" if value is None else str(value).strip().lower()

    def flag(self, name: str) -> bool:
        return self.text(name) == "true"

    def number(self, name: str, default: int, least: int = 1) -> int:
        """Return a whole number; the default if it is missing, not a number, or less than `least`."""
        try:
            value = int(float(self.text(name)))
        except (ValueError, OverflowError):
            return default
        return value if value >= least else default
