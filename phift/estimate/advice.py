"""What makes a training fit: changes of the spec, each computed and checked with the formula."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from operator import itemgetter

from phift import catalog
from phift.estimate.component import checkpointing, deepspeed_of
from phift.estimate.training import Training
from phift.estimate.verdict import Memory, Verdict, memory_of

__all__ = ["advice", "after_a_failure"]

_MOST = 3
"""Changes to suggest, besides a size."""


def advice(training: Training, sizes: Iterable[str] = ()) -> list[str]:
    """Return sentences without a period, best first: changes that make the training fit; if none does, changes that do
    with a smaller batch, then changes that only help.

    sizes: the VM sizes that the model and the author accept.
    """
    fitting, together, helping = [], [], []
    for words, changed in _changes(training):
        if (memory := memory_of(changed)) is None:
            continue
        if memory.verdict is Verdict.FITS:
            fitting.append(words)
        elif _lighter(memory, memory_of(training)):
            helping.append(f"{words}, which is not enough alone")
            if batch := _largest_batch(changed):
                together.append((-batch, f"{words}, with {_batch_values(training, batch)}"))
    found = (fitting or [words for _, words in sorted(together, key=itemgetter(0))] or helping)[:_MOST]
    if size := _smallest_fitting(training, sizes):
        found.append(f"use {size}, the smallest allowed size with enough memory")
    return found


def after_a_failure(training: Training | None) -> list[str]:
    """Return sentences without a period about a job that ran out of memory: it did, whatever the formula says."""
    if training is None:
        return ["lower per_device_train_batch_size and raise gradient_accumulation_steps by the same factor"]
    found = [words for words, changed in _switches(training)]
    if training.batch > 1:
        whole = training.batch * training.accumulation
        half = next(one for one in range(max(1, training.batch // 2), 0, -1) if whole % one == 0)
        found.insert(0, _batch_words(training, half))
    if training.limit and training.limit > 512:
        found.append(f"lower max_seq_length, now {training.limit:,}, or shorten the longest rows")
    return [*found[:_MOST], "use a size with more memory per GPU"]


def _changes(training: Training) -> Iterator[tuple[str, Training]]:
    yield from _switches(training)
    if batch := _largest_batch(training):
        yield _batch_words(training, batch), _with_batch(training, batch)
    memory = memory_of(training)
    if memory is not None and (length := _largest_length(training, memory)):
        yield f"write `max_seq_length: {length}`, which truncates longer rows", _with_limit(training, length)
    if training.method == "full":
        lora = replace(training, method="lora", checkpointing=_checkpointing(training, lora=True))
        yield "write `apply_lora: true`", lora


def _switches(training: Training) -> Iterator[tuple[str, Training]]:
    """Yield changes that do not alter what is trained, other than by precision."""
    if max(training.bits) == 32:
        yield "write `precision: 16`", replace(training, bits=(16,))
    if training.deepspeed is None and max(training.bits) >= 16:
        on = replace(training, deepspeed=deepspeed_of(2), smallest_batch=training.batch)
        yield "write `apply_deepspeed: true`", replace(on, checkpointing=_checkpointing(on))
        if max(training.bits) == 32:
            yield (
                "write `precision: 16` and `apply_deepspeed: true`",
                replace(on, bits=(16,), checkpointing=_checkpointing(on)),
            )
    elif training.deepspeed is not None and training.deepspeed.stage < 3 and training.deepspeed.source != "spec":
        yield "write `deepspeed_stage: 3`", replace(training, deepspeed=deepspeed_of(3))


def _checkpointing(training: Training, *, lora: bool | None = None) -> tuple[bool, ...]:
    shape = training.architecture
    if shape is None:
        return training.checkpointing
    uses_lora = training.method == "lora" if lora is None else lora
    return checkpointing(shape, lora=uses_lora, deepspeed=training.deepspeed is not None, bits=max(training.bits))


def _batch_words(training: Training, batch: int) -> str:
    return f"write {_batch_values(training, batch)}"


def _batch_values(training: Training, batch: int) -> str:
    steps = training.batch * training.accumulation // batch
    return f"`per_device_train_batch_size: {batch}` and `gradient_accumulation_steps: {steps}`"


def _with_batch(training: Training, batch: int) -> Training:
    return replace(training, batch=batch, smallest_batch=min(batch, training.smallest_batch))


def _largest_batch(training: Training) -> int:
    """Return a large batch below the present one that fits; 0 if none does.

    It divides the rows per update, so that accumulation can keep their number.
    """
    most = _largest(1, training.batch - 1, lambda batch: _with_batch(training, batch))
    return next((one for one in range(most, 0, -1) if training.batch * training.accumulation % one == 0), 0)


def _largest_length(training: Training, memory: Memory) -> int:
    """Return the largest multiple of 256 tokens per row that fits; 0 if it is below 256."""
    return 256 * _largest(1, memory.tokens // 256, lambda count: _with_limit(training, 256 * count))


def _with_limit(training: Training, limit: int) -> Training:
    rows = training.rows
    if rows is not None:
        longest = rows.longest and (min(rows.longest[0], limit), min(rows.longest[1], limit))
        rows = replace(rows, mean=min(rows.mean, limit), padded=min(rows.padded, limit), longest=longest)
    return replace(training, limit=limit, rows=rows)


def _largest(below: int, above: int, changed: Callable[[int], Training]) -> int:
    """Return the largest number in a range whose training fits; 0 if none does. A larger number needs more memory."""
    found = 0
    while below <= above:
        middle = (below + above) // 2
        memory = memory_of(changed(middle))
        if memory is not None and memory.verdict is Verdict.FITS:
            found, below = middle, middle + 1
        else:
            above = middle - 1
    return found


def _smallest_fitting(training: Training, sizes: Iterable[str]) -> str:
    """Return the size with the fewest GPUs, then the least memory, on which the training fits; "" if there is none.

    The sizes of more GPUs also change the number of rows per step, which the caller's spec then decides.
    """
    found = []
    for name in sizes:
        listed = catalog.vm_size(name)
        card = catalog.gpu(listed.gpu) if listed else None
        if listed is None or card is None or listed.retired or listed.name == training.size:
            continue
        memory = memory_of(replace(training, size=listed.name, gpu=card, gpus=listed.gpus, host_gib=listed.memory_gib))
        if memory is not None and memory.verdict is Verdict.FITS:
            found.append((listed.gpus, card.memory_gib, listed.memory_gib, listed.name))
    return min(found)[-1] if found else ""


def _lighter(changed: Memory, now: Memory | None) -> bool:
    return now is not None and (changed.high.total, changed.host_high) < (now.high.total, now.host_high)
