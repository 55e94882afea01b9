"""The memory of a training, by a formula: bytes per GPU, and bytes of the host per node.

Symbols: N parameters, P trainable ones, G GPUs of all nodes, T padded tokens of a batch on a GPU. docs/memory.md has
the formula with its sources and its errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from phift.catalog import Architecture
from phift.estimate.training import Training

__all__ = ["GIB", "SMALL_ROW", "Breakdown", "Case", "breakdown", "cases", "host_bytes", "trainable"]

GIB = 1024**3

_CONTEXT = 0.8 * GIB
"""Of a CUDA context with its libraries."""
_SCALE = 1.08
"""Fragmentation of the allocator; makes the formula unbiased on the public measurements."""
_LOGITS = 12
"""Bytes per token and entry of the vocabulary: 16-bit logits, their 32-bit copy, log-softmax, and gradient."""
_BUCKETS = 2 * 2e8 * 2
"""Bytes of DeepSpeed's two buckets of 2e8 gradients, if the optimizer is on the host."""
_LIVE = 1e9
"""Parameters that ZeRO-3 keeps on the GPU at most, if they are offloaded (stage3_max_live_parameters)."""
_CROSS_ATTENTION = 1.3
"""Factor for the activations of an encoder-decoder."""
_EAGER_16, _EAGER_32 = 7, 8
"""Bytes per head and pair of tokens for attention without a fused kernel."""
_DISENTANGLED = 3
"""Its factor for DeBERTa, which keeps three matrices of scores. Assumed."""
_BUFFER = 1.5
"""DeepSpeed's factor for temporary buffers in the memory of the host."""

SMALL_ROW = 64
"""Tokens of a row that every data set has: the least that a training needs if its rows are not known."""


class Case(NamedTuple):
    """What is open about a training, decided: bits of the weights, whether activations are recomputed, rows per batch,
    and tokens per row, padded."""

    bits: int
    checkpointing: bool
    batch: int
    tokens: int


@dataclass(frozen=True)
class Breakdown:
    """Bytes per GPU. The total is above the sum of the parts by the fragmentation of the allocator."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    logits: float
    context: float = _CONTEXT

    @property
    def total(self) -> float:
        return _SCALE * (self.weights + self.gradients + self.optimizer + self.activations + self.logits + self.context)

    def parts(self) -> dict[str, float]:
        """Return the parts in GiB by name, each with its share of the fragmentation, rounded; without empty ones."""
        found = {
            "weights": self.weights,
            "gradients": self.gradients,
            "optimizer": self.optimizer,
            "activations": self.activations,
            "logits": self.logits,
            "context": self.context,
        }
        rounded = {name: round(_SCALE * amount / GIB, 1) for name, amount in found.items()}
        return {name: amount for name, amount in rounded.items() if amount}


def cases(training: Training, low_tokens: int, high_tokens: int) -> tuple[Case, Case]:
    """Return the frugal and the costly case of a training for rows of this many tokens."""
    low = Case(training.bits[0], training.checkpointing[0], training.smallest_batch, low_tokens)
    return low, Case(training.bits[-1], training.checkpointing[-1], training.batch, high_tokens)


def breakdown(training: Training, shape: Architecture, case: Case, *, logit_bytes: int = _LOGITS) -> Breakdown:
    """Return the memory of each GPU in a case.

    logit_bytes: per token and entry of the vocabulary; fewer for a trainer that computes the loss in chunks.
    """
    weights, gradients, optimizer = _states(training, shape, case.bits)
    tokens = case.batch * case.tokens
    layer = _layer(training, shape, case) * tokens
    logits = float(logit_bytes * shape.vocabulary * tokens) if training.generates else 0.0
    if case.checkpointing:
        # One layer is recomputed at a time, after the logits are freed.
        kept = shape.layers * shape.hidden * (4 if case.bits == 32 else 2) * tokens
        return Breakdown(weights, gradients, optimizer, kept + max(0.0, layer - logits), logits)
    return Breakdown(weights, gradients, optimizer, shape.layers * layer, logits)


def trainable(training: Training, shape: Architecture) -> int:
    """Return the number of trained parameters."""
    if training.method == "full":
        return shape.parameters
    h, q, k, i = shape.hidden, shape.query, shape.key, shape.ffn
    widths = {
        "query and value": (h + q) + (h + k),
        "attention": 2 * (h + q) + 2 * (h + k),
        "attention and mlp": (h + q) + (h + k) + 2 * (h + i),
    }[shape.adapted]
    return training.rank * shape.layers * widths


def host_bytes(training: Training, shape: Architecture) -> tuple[float, float]:
    """Return the bytes of the host that DeepSpeed needs per node, without and with its buffers; zero without offload.

    LoRA keeps only the states of the trained parameters there, and the weights with ZeRO-3.
    """
    zero = training.deepspeed
    if zero is None or not (zero.offload_optimizer or zero.offload_parameters):
        return 0.0, 0.0
    trained, nodes = trainable(training, shape), training.nodes
    if training.method == "lora":
        least = ((2 * shape.parameters if zero.offload_parameters else 0) + 16 * trained) / nodes
        return least, _BUFFER * least
    least = (18 if zero.offload_parameters else 16) * shape.parameters / nodes
    # With ZeRO-2, every process may load the weights in 32 bit before they are partitioned.
    loading = 0 if zero.stage == 3 else 4 * training.gpus * shape.parameters
    return least, _BUFFER * max(least, loading)


def _states(training: Training, shape: Architecture, bits: int) -> tuple[float, float, float]:
    """Return the bytes of weights, gradients and optimizer."""
    parameters, trained = shape.parameters, trainable(training, shape)
    moments = 0 if training.optimizer == "adafactor" else 8
    wide = 4 if bits == 32 else 2
    zero = training.deepspeed if bits >= 16 else None
    if zero is None or zero.stage == 0:
        if training.method == "full":
            # In mixed precision, autocast keeps a 16-bit copy of the weights.
            return parameters * (4 + (2 if bits == 16 else 0)), 4 * parameters, moments * parameters
        frozen = _quantized(shape, bits) if bits < 16 else wide * parameters
        return frozen + 4 * trained, 4 * trained, moments * trained
    share = 1 / training.all_gpus
    weights = wide * parameters * (share if zero.stage == 3 else 1)
    if zero.offload_parameters:
        weights = min(wide * parameters, wide * _LIVE)
    gradients = wide * trained * (share if zero.stage >= 2 else 1)
    if zero.offload_optimizer:
        gradients = min(wide * trained, _BUCKETS) if zero.stage >= 2 else gradients
        optimizer = 0.0
    else:
        optimizer = (moments + (4 if bits == 16 else 0)) * trained * share
    return weights, gradients, optimizer


def _quantized(shape: Architecture, bits: int) -> float:
    """Return the bytes of quantized weights; embeddings stay in 16 bit."""
    embeddings = min(shape.parameters, 2 * shape.vocabulary * shape.hidden)
    return (bits / 8 + 0.03) * (shape.parameters - embeddings) + 2 * embeddings


def _layer(training: Training, shape: Architecture, case: Case) -> float:
    """Return the bytes of the activations of one layer per token, without checkpointing."""
    wide = 2 if case.bits == 32 else 1
    h, q, k, i = shape.hidden, shape.query, shape.key, shape.ffn * shape.chosen
    if shape.block == "gelu":
        amount = 30 * h + 4 * i if wide == 1 else 60 * h + 8 * i
    else:
        amount = (16 * h + 4 * q + 4 * k + 8 * i) if wide == 1 else (24 * h + 8 * q + 8 * k + 16 * i)
        amount += 6 * h * wide if shape.block == "fused" else 0
    if training.method == "lora":
        if shape.adapted == "attention and mlp":
            # peft copies the input of each adapted module in 32 bit.
            amount += 4 * (3 * h + i) if wide == 1 else 0
        else:
            amount -= (2 * i + 2 * h) * wide
    if shape.attention != "fused":
        scores = (_EAGER_32 if wide == 2 else _EAGER_16) * shape.heads * case.tokens
        amount += scores * (_DISENTANGLED if shape.attention == "disentangled" else 1)
    return amount * (_CROSS_ATTENTION if shape.encoder_layers else 1.0)
