"""The words about the memory of a training: one line for the plan, and the findings of the check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from phift.diagnostics import Diagnostic, Severity
from phift.estimate.advice import advice
from phift.estimate.component import deepspeed_of
from phift.estimate.memory import GIB
from phift.estimate.speed import throughput
from phift.estimate.training import BYTES_PER_TOKEN, Training
from phift.estimate.verdict import Memory, Verdict, memory_of

__all__ = ["finding", "line", "offload_hint"]

_SHOWN_HOST = 0.25
"""Share of the memory of a node above which the line mentions it."""
_WORTH = 2.0
"""How many times faster a change must be for a hint."""


def line(training: Training, memory: Memory | None) -> str:
    """Return one line for the plan, without a period."""
    if memory is None:
        what = f"the shape of {training.model}" if training.architecture is None else f"the GPU of {training.size}"
        return f"memory: not known: phift does not have {what}"
    card = f"{memory.card / GIB:g} GiB per GPU"
    if memory.verdict is Verdict.UNKNOWN:
        fit = f"rows of up to {memory.longest_fitting:,} tokens fit {card}" if memory.longest_fitting else card
        return f"memory: depends on the lengths of the rows, which are not known yet: {fit}"
    amount = f"{_amount(memory.low.total, memory.high.total)} of {card}"
    host = ""
    if memory.host and memory.host_high > _SHOWN_HOST * memory.host:
        host = f", {_amount(memory.host_low, memory.host_high)} of {memory.host / GIB:,.0f} GiB per node"
    known = training.pads or (training.rows is not None and training.rows.longest is not None)
    rows = "rows of up to" if known else "any rows, up to"
    return f"memory: {memory.verdict}: {amount}{host}, for {rows} {memory.tokens:,} tokens"


def finding(training: Training, sizes: Iterable[str] = ()) -> Diagnostic | None:
    """Return memory-cannot-fit or memory-tight; None if the training fits or nothing is known.

    memory-tight is a warning, and so is memory-cannot-fit for a model or component of which only the name is known.
    sizes: the VM sizes that the model and the author accept.
    """
    memory = memory_of(training)
    if memory is None or memory.verdict in (Verdict.FITS, Verdict.UNKNOWN):
        return None
    certain = memory.verdict is Verdict.CANNOT_FIT
    if memory.card_is_short:
        where, has = "GPU memory", f"a GPU has {memory.card / GIB:g}"
        low, high = memory.low.total, memory.high.total
    else:
        where, has = "memory of the nodes", f"a node has {memory.host / GIB:,.0f}"
        low, high = memory.host_low, memory.host_high
    needs = f"at least {_gib(low)}" if certain else _amount(low, high)
    verb = "does not fit" if certain else "may exceed"
    return Diagnostic(
        f"training {training.model} {verb} the {where} of {training.size}: it needs {needs} GiB, {has}",
        severity=Severity.ERROR if certain and not training.by_name else Severity.WARNING,
        detail=_detail(training, memory),
        remedy=sentences(advice(training, sizes)) or "Use a size with more memory per GPU.",
        code="memory-cannot-fit" if certain else "memory-tight",
    )


def sentences(several: Iterable[str]) -> str:
    """Return alternatives as one sentence."""
    found = "; or ".join(several)
    return f"{found[0].upper()}{found[1:]}." if found else ""


def offload_hint(training: Training) -> str:
    """Return a hint if DeepSpeed streams weights that would fit the GPU, which costs most of the speed; else ""."""
    zero = training.deepspeed
    if zero is None or not zero.offload_parameters or zero.source != "component":
        return ""
    kept = replace(training, deepspeed=deepspeed_of(2))
    memory, now, then = memory_of(kept), throughput(training), throughput(kept)
    if memory is None or memory.verdict is not Verdict.FITS or now is None or then is None:
        return ""
    times = then.middle / now.middle
    if times < _WORTH:
        return ""
    return (
        f"deepspeed_stage 2 fits too, and is probably {times:.0f} times faster: stage 3 of the component streams the "
        "weights from the host (derived, not measured)"
    )


def _detail(training: Training, memory: Memory) -> str:
    frugal = memory.verdict is Verdict.CANNOT_FIT
    shown = memory.low if frugal else memory.high
    parts = ", ".join(f"{name} {amount:g}" for name, amount in shown.parts().items())
    said = [f"GiB per GPU{' in the most frugal case' if frugal else ''}: {parts}."]
    if memory.host_high > _SHOWN_HOST * memory.host:
        said.append(f"DeepSpeed also needs {_amount(memory.host_low, memory.host_high)} GiB of each node's memory.")
    said.append(_rows_words(training, memory))
    if training.by_name:
        said.append("Computed for the published model and component of these names; those of the spec may differ.")
    said += _open(training)
    return " ".join(filter(None, said))


def _rows_words(training: Training, memory: Memory) -> str:
    batch = f"{training.batch} rows per GPU" if training.batch > 1 else "one row per GPU"
    if training.pads:
        return f"A batch is {batch}, padded to {memory.tokens:,} tokens."
    if training.rows is None or training.rows.longest is None:
        return (
            f"A batch is {batch}; the lengths of the rows are not known, so up to {memory.tokens:,} tokens are counted."
        )
    basis = f", of {training.rows.basis}" if training.rows.basis else ""
    return (
        f"A batch is {batch}; the longest row has about {memory.tokens:,} tokens{basis} (estimated at "
        f"{BYTES_PER_TOKEN:g} bytes per token)."
    )


def _open(training: Training) -> list[str]:
    said = []
    if len(training.checkpointing) > 1:
        said.append(
            "Whether the component recomputes activations of this model is not known; the larger case does not."
        )
    if len(training.bits) > 1:
        low, high = training.bits
        said.append(
            f"The model recommends {low} bit, which is not an input of the component; the larger case is {high} bit."
        )
    if training.deepspeed is not None and training.deepspeed.source == "unknown":
        said.append("The DeepSpeed configuration is not a local file; the component's own is assumed.")
    return said


def _amount(low: float, high: float) -> str:
    below, above = _gib(low), _gib(high)
    return f"about {above}" if below == above else f"{below} to {above}"


def _gib(amount: float) -> str:
    return f"{amount / GIB:,.0f}" if amount >= 10 * GIB else f"{amount / GIB:.1f}"
