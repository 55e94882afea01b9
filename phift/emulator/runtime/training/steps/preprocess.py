"""Step 3: conversations, texts or examples of classes become token ids, one row each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from phift.emulator.runtime.training.steps.classes import (
    Example,
    Examples,
    class_names,
    encode_examples,
    names_in,
    save_examples,
)
from phift.emulator.runtime.training.steps.context import StepContext, StepError, Task
from phift.emulator.runtime.training.steps.encoding import Encoded, encode, encode_texts, save
from phift.emulator.runtime.training.steps.rows import split_path
from phift.emulator.runtime.training.steps.splits import read_split

__all__ = ["SPLITS", "run"]

SPLITS = ("train", "validation", "test")


def run(context: StepContext) -> None:
    """Encode every split given into the work folder `preprocessed`; StepError when nothing is left to learn."""
    tokenizer = _tokenizer(context.work("model"))
    limit = _limit(context, tokenizer)
    target = context.work("preprocessed")
    for split in SPLITS:
        path = split_path(split, dict(context.inputs))
        if path is None:
            continue
        rows = list(read_split(context, path))
        encoded: Encoded | Examples
        if context.task is Task.CLASS:
            encoded = _classified(context, tokenizer, split, rows, limit)
        else:
            encoded = _generated(context, tokenizer, split, rows, limit)
        tokens = sum(map(len, encoded.ids))
        context.log(f"{split}: {len(encoded.ids)} {context.task}, {tokens} tokens")
        for count, what in (
            (encoded.cut, f"longer than {limit} tokens, cut at the end"),
            (getattr(encoded, "dropped", 0), "left out: no answer within the limit"),
            (encoded.escaped, "with a control token as text, written with a space in it"),
        ):
            if count:
                context.log(f"{split}: {count} {what}")
    padded = limit if context.parameters.flag("pad_to_max_length") else 0
    (target / "preprocess.json").write_text(json.dumps({"limit": limit, "pad_to": padded}), encoding="utf-8")


def _generated(context: StepContext, tokenizer: Any, split: str, rows: list[Any], limit: int) -> Encoded:
    turn_into_tokens = encode if context.task is Task.CHAT else encode_texts
    encoded = turn_into_tokens(tokenizer, rows, limit, context.parameters.integer("batch_size"))
    if not encoded.ids:
        raise StepError(f"{split}: no conversation has an answer within {limit} tokens; raise max_seq_length")
    save(encoded, context.work("preprocessed") / f"{split}.npz")
    return encoded


def _classified(context: StepContext, tokenizer: Any, split: str, rows: list[Example], limit: int) -> Examples:
    """The classes are those of the training split, which comes first."""
    target = context.work("preprocessed")
    if split == SPLITS[0]:
        names = class_names(rows)
        (target / "classes.json").write_text(json.dumps(names), encoding="utf-8")
        context.log(f"{len(names)} classes: {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}")
    examples = encode_examples(tokenizer, rows, names_in(target), limit)
    save_examples(examples, target / f"{split}.npz")
    return examples


def _tokenizer(folder: Path) -> Any:
    # the fast tokenizer alone imports in half a second, AutoTokenizer pulls torch
    from transformers import PreTrainedTokenizerFast

    if (folder / "tokenizer.json").is_file():
        return PreTrainedTokenizerFast.from_pretrained(folder)
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


def _limit(context: StepContext, tokenizer: Any) -> int:
    config = json.loads((context.work("model") / "config.json").read_text(encoding="utf-8"))
    limits = [tokenizer.model_max_length, config.get("max_position_embeddings") or 0]
    model_limit = min(limit for limit in limits if limit > 0)
    asked = context.parameters.integer("max_seq_length")
    if asked > model_limit:
        context.log(f"max_seq_length={asked} is more than the model's {model_limit}; {model_limit} is used")
    return int(min(asked, model_limit) if asked > 0 else model_limit)
