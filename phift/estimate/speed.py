"""The speed of a training by a formula, as a range of x0.5 to x2: earlier jobs are a better source.

Time of a step = operations / (share x peak of the GPU) + a fixed time per layer; with parameters offloaded to the host,
at least the time to stream the weights. The constants are medians of public measurements; see docs/memory.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from phift.catalog import Architecture, Gpu
from phift.estimate.training import Training

__all__ = ["FORMULA", "Throughput", "padded_tokens_per_second", "throughput", "tokens_of"]

FORMULA = "phift's formula, x0.5 to x2"

_PER_LAYER = 0.0045
"""Seconds per layer and step that do not depend on the number of tokens. ZeRO-3 doubles it."""

_STREAMED = 20e9
"""Bytes per second from the host to a GPU, for offloaded parameters. Derived from the bus, not measured."""


@dataclass(frozen=True)
class Throughput:
    """Real tokens (without padding) per second of the whole job. source: where the numbers come from, for display."""

    low: float
    middle: float
    high: float
    source: str = FORMULA


def throughput(training: Training) -> Throughput | None:
    """Return the estimated throughput; None if the model, the GPU, or the lengths of the rows are not known."""
    shape, gpu, rows, padded = training.architecture, training.gpu, training.rows, training.padded
    if shape is None or gpu is None or rows is None or not padded or not rows.mean:
        return None
    whole = padded_tokens_per_second(training, shape, gpu, padded)
    if whole is None:
        return None
    real = whole * min(1.0, rows.mean / padded)
    source = FORMULA
    if _assumed(training, gpu):
        source += f"; the speed of {gpu.name} is assumed"
    return Throughput(real / 2, real, real * 2, source)


def padded_tokens_per_second(training: Training, shape: Architecture, gpu: Gpu, length: float) -> float | None:
    """Return the tokens per second of the whole job, with padding, for rows of this many tokens; None if the speed of
    the GPU is not known."""
    seconds = _step(training, shape, gpu, length)
    return None if seconds is None else training.all_gpus * training.batch * length / seconds


def tokens_of(training: Training) -> int | None:
    """Return the real tokens (without padding) that the job processes in all epochs; None if the rows are not known."""
    if training.rows is None:
        return None
    if training.max_steps:
        seen = float(training.max_steps * training.batch * training.accumulation * training.all_gpus)
    else:
        seen = float(training.rows.count * training.epochs)
    return round(seen * training.rows.mean)


def _step(training: Training, shape: Architecture, gpu: Gpu, length: float) -> float | None:
    """Return the seconds of a forward and backward pass of one batch."""
    full = max(training.bits) == 32
    peak, used = (gpu.peak_32, gpu.used_32) if full else (gpu.peak_16, gpu.used_16)
    if not peak:
        return None
    # A model for which checkpointing is open is taken as checkpointed, the slower case.
    recomputes = training.checkpointing[0]
    per_parameter = (4 if training.method == "lora" else 6) + (2 if recomputes else 0)
    attention = (16 if recomputes else 12) * shape.layers * shape.query * length / 2
    operations = (per_parameter * shape.used + attention) * training.batch * length
    gathers = training.deepspeed is not None and training.deepspeed.stage == 3
    seconds = operations / (used * peak * 1e12) + shape.layers * _PER_LAYER * (2 if gathers else 1)
    if training.deepspeed and training.deepspeed.offload_parameters:
        passes = 3 if recomputes else 2
        seconds = max(seconds, passes * 2 * shape.parameters / _STREAMED)
    return seconds


def _assumed(training: Training, gpu: Gpu) -> bool:
    return ("used_32" if max(training.bits) == 32 else "used_16") in gpu.assumed
