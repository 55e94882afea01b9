"""Conversations as token ids, with labels on what the assistant says and nothing else; texts, with labels on all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phift.emulator.runtime.training.steps.context import StepError

__all__ = ["IGNORED", "Encoded", "break_controls", "encode", "encode_texts", "escape_controls", "load", "save"]

IGNORED = -100  # the label torch's cross entropy leaves out


@dataclass
class Encoded:
    """Token ids and labels of conversations, one list each. cut: conversations shortened. dropped: with no label left.

    escaped: messages, or texts, that held a control token such as `<|end|>` as text.
    """

    ids: list[list[int]]
    labels: list[list[int]]
    cut: int = 0
    dropped: int = 0
    escaped: int = 0


def encode(tokenizer: Any, conversations: Sequence[list[dict[str, str]]], limit: int, batch: int) -> Encoded:
    """Render each conversation with the tokenizer's chat template and label the assistant's turns.

    limit: the most tokens a conversation may have; the rest is cut off at the end. batch: conversations tokenised at
    once. Raises StepError when the tokenizer has no chat template or the template refuses a conversation.
    """
    if not tokenizer.chat_template:
        raise StepError("the base model's tokenizer has no chat template, so it cannot learn chats")
    controls = _controls(tokenizer)
    result = Encoded([], [])
    for start in range(0, len(conversations), batch):
        texts, spans = [], []
        for conversation in conversations[start : start + batch]:
            messages, escaped = escape_controls(conversation, controls)
            result.escaped += escaped
            text, turns = _render(tokenizer, messages)
            texts.append(text)
            spans.append(turns)
        encodings = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
        for ids, offsets, turns in zip(encodings["input_ids"], encodings["offset_mapping"], spans, strict=True):
            _add(result, ids, offsets, turns, limit)
    return result


def encode_texts(tokenizer: Any, texts: Sequence[str], limit: int, batch: int) -> Encoded:
    """Each text between the tokenizer's begin and end markers, every token of it learned.

    limit, batch: as for `encode`.
    """
    controls = _controls(tokenizer)
    result = Encoded([], [])
    for start in range(0, len(texts), batch):
        framed = []
        for text in texts[start : start + batch]:
            plain = _escaped(text, controls)
            result.escaped += plain != text
            framed.append(f"{tokenizer.bos_token or ''}{plain}{tokenizer.eos_token or ''}")
        encodings = tokenizer(framed, add_special_tokens=False, return_offsets_mapping=True)
        for ids, offsets, text in zip(encodings["input_ids"], encodings["offset_mapping"], framed, strict=True):
            _add(result, ids, offsets, [(0, len(text))], limit)
    return result


def break_controls(tokenizer: Any, text: str) -> str:
    """The text with its control tokens broken by a space, so that they are read as text."""
    return _escaped(text, _controls(tokenizer))


def _controls(tokenizer: Any) -> list[str]:
    return [token for token in tokenizer.all_special_tokens if len(token) > 2]


def _escaped(text: str, controls: list[str]) -> str:
    for control in controls:
        text = text.replace(control, f"{control[0]} {control[1:]}")
    return text


def _add(
    result: Encoded, ids: list[int], offsets: list[tuple[int, int]], turns: list[tuple[int, int]], limit: int
) -> None:
    labels = [IGNORED] * len(ids)
    turn = 0
    for index, (start, end) in enumerate(offsets):
        while turn < len(turns) and start >= turns[turn][1]:
            turn += 1
        if turn < len(turns) and start >= turns[turn][0] and end <= turns[turn][1]:
            labels[index] = ids[index]
    if len(ids) > limit:
        result.cut += 1
        ids, labels = ids[:limit], labels[:limit]
    # the first label is never predicted: a causal model's labels are shifted by one
    if all(label == IGNORED for label in labels[1:]):
        result.dropped += 1
        return
    result.ids.append(list(ids))
    result.labels.append(labels)


def _render(tokenizer: Any, messages: list[dict[str, str]]) -> tuple[str, list[tuple[int, int]]]:
    """The conversation as text, and where in it the assistant speaks, its end marker included.

    Found by rendering prefixes, so that any chat template will do; those of the hub rarely mark generations.
    """
    try:
        whole = tokenizer.apply_chat_template(messages, tokenize=False)
        spans = []
        for index, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before = tokenizer.apply_chat_template(messages[:index], tokenize=False, add_generation_prompt=True)
            until = tokenizer.apply_chat_template(messages[: index + 1], tokenize=False)
            spans.append((_common(before, whole), _common(until, whole)))
    except Exception as error:
        raise StepError(f"the model's chat template refuses a conversation: {error}") from error
    return whole, spans


def _common(first: str, second: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(first), len(second)))


def escape_controls(messages: list[dict[str, str]], controls: list[str]) -> tuple[list[dict[str, str]], int]:
    """Break control tokens that stand in someone's text, or they would end the turn and start another speaker's."""
    count = 0
    kept = []
    for message in messages:
        content = _escaped(message["content"], controls)
        count += content != message["content"]
        kept.append({"role": message["role"], "content": content})
    return kept, count


def save(encoded: Encoded, path: Path) -> None:
    """Write the conversations as flat arrays."""
    import numpy as np

    lengths = np.array([len(ids) for ids in encoded.ids], dtype=np.int64)
    ids = np.array([token for row in encoded.ids for token in row], dtype=np.int32)
    labels = np.array([label for row in encoded.labels for label in row], dtype=np.int32)
    np.savez(path, lengths=lengths, ids=ids, labels=labels)


def load(path: Path) -> list[dict[str, Any]]:
    """The conversations as a list of {"input_ids", "labels"}, int64 arrays."""
    import numpy as np

    with np.load(path) as arrays:
        ends = arrays["lengths"].cumsum()[:-1]
        ids = np.split(arrays["ids"].astype(np.int64), ends)
        labels = np.split(arrays["labels"].astype(np.int64), ends)
    return [{"input_ids": i, "labels": j} for i, j in zip(ids, labels, strict=True)]
