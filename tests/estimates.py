"""phift's estimates of memory and speed next to public measurements, with their errors.

    python tests/estimates.py               the tables of docs/memory.md

No public measurement of Azure's own component was found, so these are other trainers. A point states what differs from
that component: states in pure 16 bit, a loss in chunks, LoRA on all linear layers, attention without a fused kernel.
The constants of the formula were chosen with most of these points in view: the errors are in sample.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from phift.catalog import Architecture, architecture, gpu
from phift.estimate.component import DeepSpeed
from phift.estimate.memory import GIB, Breakdown, Case, breakdown
from phift.estimate.speed import padded_tokens_per_second
from phift.estimate.training import Training
from phift.estimate.verdict import USABLE, Verdict, of_card

__all__ = ["MEMORY", "SPEED", "MemoryPoint", "SpeedPoint", "errors", "summary", "tables", "verdicts"]

GB = 1e9 / GIB


def _shape(
    layers: int, hidden: int, heads: int, kv: int, ffn: int, words: int, count: int, **more: Any
) -> Architecture:
    sizes = {"layers": layers, "hidden": hidden, "heads": heads, "kv_heads": kv, "ffn": ffn, "vocabulary": words}
    fixed = {"model_types": ("llama",), "block": "swiglu", "adapted": "query and value", "window": 1 << 17}
    return Architecture(**{**fixed, **sizes, "parameters": count, **more})


def _known(name: str, **more: Any) -> Architecture:
    found = architecture(name)
    assert found is not None
    return replace(found, **more)


SHAPES = {
    "Llama-2-7B": _known("Llama-2-7b"),
    "Llama-2-13B": _known("Llama-2-13b"),
    "Mistral-7B": _known("mistralai-Mistral-7B-v01"),
    "Phi-3-mini": _known("Phi-3-mini-4k-instruct"),
    "phi-2": _known("microsoft-phi-2", adapted="attention"),
    "phi-1.5": _shape(24, 2048, 32, 32, 8192, 51200, 1_418_270_720, block="gelu"),
    "Llama-3-8B": _shape(32, 4096, 32, 8, 14336, 128256, 8_030_261_248),
    "Llama-3.2-3B": _shape(28, 3072, 24, 8, 8192, 128256, 3_212_749_824),
    "Llama-3.2-1B": _shape(16, 2048, 32, 8, 8192, 128256, 1_235_814_400),
    "TinyLlama-1.1B": _shape(22, 2048, 32, 4, 5632, 32000, 1_100_048_384),
    "Qwen-1.8B": _shape(24, 2048, 16, 16, 5504, 151936, 1_836_828_672),
    "Qwen-7B": _shape(32, 4096, 32, 32, 11008, 151936, 7_721_324_544),
    "Qwen-14B": _shape(40, 5120, 40, 40, 13696, 152064, 14_167_290_880),
    "Qwen-72B": _shape(80, 8192, 64, 64, 24576, 152064, 72_287_920_128),
    "bert-large": _known("bert-large-uncased", attention="eager"),
    "OpenLLaMA-7B": _known("Llama-2-7b", attention="eager"),
}


@dataclass(frozen=True)
class MemoryPoint:
    """A measurement. gib: per GPU. tokens: per row. rank: of LoRA; 0 for full fine-tuning. states: "pure" for weights,
    gradients and moments in 16 bit. linears: LoRA on all linear layers, "peft" with a 32-bit copy of their inputs.
    context: whether the CUDA context is in the measurement. stage: of ZeRO."""

    source: str
    model: str
    gib: float
    tokens: int
    batch: int = 1
    rank: int = 0
    bits: int = 16
    checkpointing: bool = False
    states: Literal["", "pure"] = ""
    linears: Literal["", "plain", "peft"] = ""
    logit_bytes: int = 12
    context: bool = False
    adafactor: bool = False
    gpus: int = 1
    stage: Literal[0, 3] = 0
    generates: bool = True

    @property
    def series(self) -> tuple[str, str, bool]:
        return self.source, self.model, self.rank > 0

    def estimate(self) -> float:
        """Return GiB per GPU."""
        shape = SHAPES[self.model]
        training = _training(self, "lora" if self.rank else "full")
        case = Case(self.bits, self.checkpointing, self.batch, self.tokens)
        found = breakdown(training, shape, case, logit_bytes=self.logit_bytes)
        if self.linears:
            kept = breakdown(_training(self, "full"), shape, case, logit_bytes=self.logit_bytes)
            found = replace(found, activations=kept.activations + self._copies(shape))
            found = replace(found, **self._adapters(shape))
        if self.states == "pure":
            count = shape.parameters
            found = replace(found, weights=2 * count, gradients=2 * count, optimizer=4 * count)
        return Breakdown(**{**vars(found), "context": found.context if self.context else 0.0}).total / GIB

    def _copies(self, shape: Architecture) -> float:
        if self.linears != "peft" or self.checkpointing:
            return 0.0
        inputs = 3 * shape.hidden + shape.query + 2 * shape.hidden + shape.ffn
        return float(4 * inputs * shape.layers * self.batch * self.tokens)

    def _adapters(self, shape: Architecture) -> dict[str, float]:
        h, i = shape.hidden, shape.ffn
        count = self.rank * shape.layers * (2 * (h + shape.query) + 2 * (h + shape.key) + 3 * (h + i))
        weights = 2 * shape.parameters / (self.gpus if self.stage else 1)
        share = 1 / self.gpus if self.stage else 1.0
        return {"weights": weights + 4 * count * share, "gradients": 4 * count * share, "optimizer": 8 * count * share}


@dataclass(frozen=True)
class SpeedPoint:
    """A measurement. rate: tokens per second of all GPUs. The rest: see MemoryPoint."""

    source: str
    model: str
    rate: float
    tokens: int
    card: str = "A100 80GB SXM"
    batch: int = 1
    rank: int = 0
    bits: int = 16
    checkpointing: bool = False
    gpus: int = 1
    stage: Literal[0, 3] = 0
    adafactor: bool = False
    generates: bool = True

    def estimate(self) -> float:
        """Return tokens per second of all GPUs."""
        card = gpu(self.card)
        assert card is not None
        training = _training(self, "lora" if self.rank else "full")
        found = padded_tokens_per_second(training, SHAPES[self.model], card, self.tokens)
        assert found is not None
        return found


def _training(point: MemoryPoint | SpeedPoint, method: Literal["lora", "full"]) -> Training:
    return Training(
        model=point.model,
        architecture=SHAPES[point.model],
        generates=point.generates,
        method=method,
        rank=point.rank,
        bits=(point.bits,),
        checkpointing=(point.checkpointing,),
        optimizer="adafactor" if point.adafactor else "adamw",
        batch=point.batch,
        smallest_batch=point.batch,
        accumulation=1,
        deepspeed=DeepSpeed(point.stage, source="spec") if point.stage else None,
        size="",
        gpu=None,
        gpus=point.gpus,
        nodes=1,
        host_gib=0,
        epochs=1,
        max_steps=0,
        limit=point.tokens,
        pads=True,
        rows=None,
    )


def _sweep(source: str, model: str, values: Sequence[float], **more: Any) -> list[MemoryPoint]:
    lengths = (256, 512, 1024, 2048, 4096, 8192)
    return [
        MemoryPoint(source, model, gib, tokens, context=True, **more)
        for tokens, gib in zip(lengths, values, strict=False)
    ]


_LITGPT = "litgpt tutorials/resource-tables.md"
_HUB = "litgpt config_hub/finetune/README.md"
_QWEN = "Qwen README, Profiling of Memory and Speed"
_GPUS = "a trainer's page GPU Test (H100, A100)"
_TUNE = "torchtune README (Llama-3.2-3B)"
_HF = "transformers perf_train_gpu_one"
_VERTEX = "Vertex OpenLLaMA report"

_LIT: dict[str, Any] = {"logit_bytes": 6, "rank": 8}
_LIT32: dict[str, Any] = {**_LIT, "rank": 32}
_CKPT: dict[str, Any] = {"checkpointing": True, "batch": 2}
_BERT: dict[str, Any] = {"generates": False, "context": True}

MEMORY = (
    MemoryPoint(_LITGPT, "Llama-2-7B", 21.30 * GB, 1304, **_LIT),
    MemoryPoint(_LITGPT, "Llama-2-7B", 29.07 * GB, 1304, 2, **_LIT),
    MemoryPoint(_LITGPT, "Llama-2-13B", 38.12 * GB, 1304, **_LIT),
    MemoryPoint(_LITGPT, "phi-1.5", 4.82 * GB, 1044, **_LIT),
    MemoryPoint(_LITGPT, "phi-1.5", 6.76 * GB, 1044, 2, **_LIT),
    MemoryPoint(_LITGPT, "phi-1.5", 10.68 * GB, 1044, 4, **_LIT),
    MemoryPoint(_HUB, "Llama-2-7B", 19.77 * GB, 512, 2, **_LIT32),
    MemoryPoint(_HUB, "Mistral-7B", 20.66 * GB, 512, 2, **_LIT32),
    MemoryPoint(_HUB, "Llama-3-8B", 19.73 * GB, 512, 1, **_LIT32),
    MemoryPoint(_HUB, "Llama-3.2-1B", 4.49 * GB, 512, 1, **_LIT32),
    MemoryPoint(_HUB, "Llama-3.2-3B", 9.67 * GB, 512, 1, **_LIT32),
    MemoryPoint(_HUB, "phi-2", 13.98 * GB, 512, 4, linears="plain", **_LIT),
    MemoryPoint(_HUB, "Phi-3-mini", 19.75 * GB, 512, 4, linears="plain", **_LIT),
    MemoryPoint(_HUB, "TinyLlama-1.1B", 13.50 * GB, 512, 8, linears="plain", **_LIT32),
    MemoryPoint(_HUB, "TinyLlama-1.1B", 14.10 * GB, 512, 4, states="pure", logit_bytes=6),
    MemoryPoint(_TUNE, "Llama-3.2-3B", 60.0, 4096, 2, states="pure"),
    MemoryPoint(_TUNE, "Llama-3.2-3B", 42.9, 4096, 2, states="pure", logit_bytes=2),
    MemoryPoint(_TUNE, "Llama-3.2-3B", 24.9, 4096, states="pure", logit_bytes=2, **_CKPT),
    MemoryPoint(_TUNE, "Llama-3.2-3B", 8.5, 4096, rank=8, logit_bytes=2, **_CKPT),
    *_sweep(_QWEN, "Qwen-1.8B", (6.7, 7.4, 8.4, 11.0, 16.2, 21.8), rank=64, linears="peft", checkpointing=True),
    *_sweep(_QWEN, "Qwen-7B", (20.1, 20.4, 21.5, 23.8, 29.7, 36.6), rank=64, linears="peft", checkpointing=True),
    *_sweep(_QWEN, "Qwen-14B", (34.6, 35.1, 35.3, 37.4, 42.5, 55.2), rank=64, linears="peft", checkpointing=True),
    *_sweep(
        _QWEN,
        "Qwen-72B",
        [total / 4 for total in (215.4, 217.7, 222.6, 228.8, 249.0, 289.2)],
        rank=64,
        linears="peft",
        checkpointing=True,
        gpus=4,
        stage=3,
    ),
    *_sweep(_QWEN, "Qwen-7B", [total / 2 for total in (139.2, 148.0, 162.0)], checkpointing=True, gpus=2, stage=3),
    MemoryPoint(_GPUS, "Llama-3-8B", 78, 8192, states="pure", **_CKPT),
    MemoryPoint(_GPUS, "Llama-3-8B", 36, 8192, rank=8, **_CKPT),
    MemoryPoint(_GPUS, "Llama-2-13B", 43, 8192, rank=8, **_CKPT),
    MemoryPoint(_GPUS, "Phi-3-mini", 40, 8192, states="pure", **_CKPT),
    MemoryPoint(_GPUS, "Phi-3-mini", 17, 8192, rank=8, **_CKPT),
    MemoryPoint(_HF, "bert-large", 14949 / 1024, 512, 4, bits=32, **_BERT),
    MemoryPoint(_HF, "bert-large", 8681 / 1024, 512, 1, bits=32, **_BERT),
    MemoryPoint(_HF, "bert-large", 6775 / 1024, 512, 1, bits=32, checkpointing=True, **_BERT),
    MemoryPoint(_HF, "bert-large", 13939 / 1024, 512, 4, **_BERT),
    MemoryPoint(_HF, "bert-large", 7275 / 1024, 512, 1, checkpointing=True, **_BERT),
    MemoryPoint(_HF, "bert-large", 12295 / 1024, 512, 4, bits=32, adafactor=True, **_BERT),
    MemoryPoint(_HF, "bert-large", 4847 / 1024, 512, 1, checkpointing=True, adafactor=True, **_BERT),
    MemoryPoint(_VERTEX, "OpenLLaMA-7B", 20.5 * GB, 256, 2, rank=16, linears="peft", context=True),
    MemoryPoint(_VERTEX, "OpenLLaMA-7B", 28.2 * GB, 512, 2, rank=16, linears="peft", context=True),
)


def _pace(model: str, seconds: Sequence[float], **more: Any) -> list[SpeedPoint]:
    """Return the points of a sweep, of which an iteration is eight batches of one row per GPU."""
    lengths = (256, 512, 1024, 2048, 4096, 8192)
    gpus = int(more.get("gpus", 1))
    return [
        SpeedPoint(_QWEN, model, 8 * gpus * tokens / time, tokens, checkpointing=True, **more)
        for tokens, time in zip(lengths, seconds, strict=False)
    ]


_H100 = "H100 80GB SXM"
SPEED = (
    *_pace("Qwen-1.8B", (1.0, 1.0, 1.1, 1.7, 3.3, 6.8), rank=64),
    *_pace("Qwen-1.8B", (2.1, 2.2, 2.2, 2.3, 2.8, 5.6)),
    *_pace("Qwen-7B", (1.2, 1.5, 2.8, 5.2, 10.1, 21.3), rank=64),
    *_pace("Qwen-7B", (4.0, 4.0, 4.5), gpus=2, stage=3),
    *_pace("Qwen-14B", (1.6, 2.4, 4.4, 8.4, 17.0, 36.0), rank=64),
    *_pace("Qwen-72B", (17.6, 20.5, 29.4, 45.7, 83.4, 161.5), rank=64, gpus=4, stage=3),
    SpeedPoint(_GPUS, "Llama-3-8B", 16384 / 4.7, 8192, _H100, 2, checkpointing=True),
    SpeedPoint(_GPUS, "Llama-3-8B", 16384 / 9.7, 8192, batch=2, checkpointing=True),
    SpeedPoint(_GPUS, "Phi-3-mini", 16384 / 4.0, 8192, _H100, 2, checkpointing=True),
    SpeedPoint(_GPUS, "Phi-3-mini", 16384 / 7.4, 8192, batch=2, checkpointing=True),
    SpeedPoint(_TUNE, "Llama-3.2-3B", 7075, 4096, batch=2),
    SpeedPoint(_TUNE, "Llama-3.2-3B", 7210, 4096, batch=2, checkpointing=True),
    SpeedPoint(_TUNE, "Llama-3.2-3B", 8210, 4096, batch=2, rank=8, checkpointing=True),
    *(
        SpeedPoint("xtuner llama3_8b README", "Llama-3-8B", rate * count, 8192, gpus=count, stage=3, checkpointing=True)
        for count, rate in ((2, 1037), (4, 2331), (8, 2771))
    ),
    SpeedPoint(_HF, "bert-large", 8.86 * 512, 512, "V100 16GB", 4, bits=32, generates=False),
    SpeedPoint(_HF, "bert-large", 18.64 * 512, 512, "V100 16GB", 4, generates=False),
)


def errors(points: Iterable[MemoryPoint | SpeedPoint]) -> list[float]:
    """Return estimate / measured - 1 of each point."""
    return [point.estimate() / (point.gib if isinstance(point, MemoryPoint) else point.rate) - 1 for point in points]


def summary(found: Sequence[float]) -> dict[str, float]:
    """Return the median of the absolute errors, the shares within 15 and 30 %, and within a factor of two."""
    return {
        "points": len(found),
        "median": statistics.median(map(abs, found)),
        "within_15": sum(abs(one) <= 0.15 for one in found) / len(found),
        "within_30": sum(abs(one) <= 0.30 for one in found) / len(found),
        "within_x2": sum(0.5 <= 1 + one <= 2 for one in found) / len(found),
        "least": min(found),
        "most": max(found),
    }


@dataclass(frozen=True)
class Verdicts:
    """How the verdicts on the measured runs turn out for cards of several sizes. refused: wrongly; failed: `fits` of a
    run that needs more than the card; tight: `tight`."""

    given: int = 0
    refused: int = 0
    failed: int = 0
    tight: int = 0


CARDS = (16, 24, 32, 40, 80, 94)
"""GiB."""


def verdicts(points: Iterable[MemoryPoint] = MEMORY) -> Verdicts:
    """Judge each measured run for each card."""
    found = Verdicts()
    for point in points:
        estimate = point.estimate() * GIB
        for card in CARDS:
            said = of_card(estimate, estimate, card * GIB)
            runs = point.gib <= USABLE * card
            found = Verdicts(
                found.given + 1,
                found.refused + (runs and said is Verdict.CANNOT_FIT),
                found.failed + (not runs and said is Verdict.FITS),
                found.tight + (said is Verdict.TIGHT),
            )
    return found


def tables() -> str:
    """Return the tables of docs/memory.md, in Markdown."""
    judged = verdicts()
    lines = [
        "| estimate | points | median error | within 15 % | within 30 % | within a factor of 2 | range |",
        "|---|---|---|---|---|---|---|",
        _row("memory", errors(MEMORY)),
        _row("memory, without ZeRO", errors(p for p in MEMORY if not p.stage)),
        _row("memory, ZeRO-3", errors(p for p in MEMORY if p.stage)),
        _row("speed", errors(SPEED)),
        "",
        f"On cards of {', '.join(map(str, CARDS[:-1]))} and {CARDS[-1]} GiB, these runs give {judged.given} verdicts: "
        f"{judged.refused} reject a run that fits, {judged.failed} say `fits` of a run that needs more than the card, "
        f"and {judged.tight} say `tight`.",
        "",
        "| source | model | method | GPUs | tokens | measured GiB per GPU | estimate | error |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {p.source} | {p.model} | {_method(p)} | {p.gpus} | {p.batch} x {p.tokens:,} | {p.gib:.1f} | "
            f"{p.estimate():.1f} | {error:+.0%} |"
            for p, error in zip(MEMORY, errors(MEMORY), strict=True)
        ),
        "",
        "| source | model | method | GPUs | tokens | measured tokens/s | estimate | error |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {p.source} | {p.model} | {_method(p)} | {p.gpus} x {p.card} | {p.batch} x {p.tokens:,} | "
            f"{p.rate:,.0f} | {p.estimate():,.0f} | {error:+.0%} |"
            for p, error in zip(SPEED, errors(SPEED), strict=True)
        ),
    ]
    return "\n".join(lines) + "\n"


def _row(name: str, found: Sequence[float]) -> str:
    s = summary(found)
    return (
        f"| {name} | {s['points']} | {s['median']:.0%} | {s['within_15']:.0%} | {s['within_30']:.0%} | "
        f"{s['within_x2']:.0%} | {s['least']:+.0%} to {s['most']:+.0%} |"
    )


def _method(point: MemoryPoint | SpeedPoint) -> str:
    parts = [f"LoRA r {point.rank}" if point.rank else "full", f"{point.bits} bit"]
    if isinstance(point, MemoryPoint) and point.states:
        parts[-1] = "pure 16 bit"
    parts += ["Adafactor"] * point.adafactor + ["checkpointing"] * point.checkpointing
    return ", ".join([*parts, *(["ZeRO-3"] if point.stage else [])])


if __name__ == "__main__":
    print(tables(), end="")
