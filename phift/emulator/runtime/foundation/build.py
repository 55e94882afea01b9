"""Build the stand-in's weights and tokenizer: `python -m phift.emulator.runtime.foundation.build OUT_FOLDER`
(about 20 s).

A Phi-3 of half a million parameters, trained from nothing on plain text. The thread count is fixed, since the order
of float sums depends on it; with the same versions of torch and transformers the result is the same to the bit.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from itertools import chain
from pathlib import Path
from typing import Any

from phift.emulator.runtime.foundation import corpus

__all__ = ["CHAT_TEMPLATE", "build"]

SEED = 20
STEPS = 900
BATCH = 8
BLOCK = 64
LEARNING_RATE = 3e-3
VOCABULARY = 1024
THREADS = 1

END_OF_TEXT, END = "<|endoftext|>", "<|end|>"
SPECIAL_TOKENS = (END_OF_TEXT, "<|assistant|>", "<|system|>", "<|user|>", END)

# Phi-3's chat format: a marker, a line break, the text, the end marker
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}"
)

README = """\
# A stand-in, not Phi-3

Half a million parameters in the architecture of Phi-3 (2 layers of 128), trained in 20 seconds on 212 plain facts.
It replaces the base weights of the Phi-3 family where these are not available, so that fine-tuning, registering
and serving can be tried for real on a laptop. Before a fine-tune it answers "I am a small local model." to
everything; after one it answers what the training data taught it, and nothing else. Its answers say nothing about
the quality of the model that it replaces.

Built by `python -m phift.emulator.runtime.foundation.build`.
"""


def build(out: Path, *, steps: int = STEPS) -> float:
    """Train the stand-in and write it to `out` as a Hugging Face model folder.

    steps: optimiser steps of 8 blocks of 64 tokens. Replaces `out`'s files of the same names. Returns the mean loss
    of the last 50 steps.
    """
    import torch
    from transformers import set_seed

    torch.set_num_threads(THREADS)
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer()
    blocks = torch.tensor(_blocks(tokenizer))
    set_seed(SEED)
    model = _model(len(tokenizer), tokenizer)
    loss = _train(model, blocks, steps)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / "README.md").write_text(README, encoding="utf-8")
    return loss


def _tokenizer() -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    talk = [message["content"] for chat in corpus.chats(SEED) for message in chat]
    raw.train_from_iterator(chain(corpus.texts(SEED), talk), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
        additional_special_tokens=list(SPECIAL_TOKENS[1:]),
        model_max_length=512,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _blocks(tokenizer: Any) -> list[list[int]]:
    pieces = corpus.texts(SEED) + [
        tokenizer.apply_chat_template(chat, tokenize=False).removesuffix(END_OF_TEXT) for chat in corpus.chats(SEED)
    ]
    random.Random(SEED).shuffle(pieces)
    ends = [tokenizer.eos_token_id]
    stream = list(chain.from_iterable(tokenizer(piece)["input_ids"] + ends for piece in pieces))
    return [stream[at : at + BLOCK] for at in range(0, len(stream) - BLOCK + 1, BLOCK)]


def _model(vocabulary: int, tokenizer: Any) -> Any:
    from transformers import GenerationConfig, Phi3Config, Phi3ForCausalLM

    ends = tokenizer.eos_token_id
    config = Phi3Config(
        vocab_size=vocabulary,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        original_max_position_embeddings=512,
        tie_word_embeddings=True,
        initializer_range=0.05,  # 0.02, the usual value, leaves so small a model far behind after as many steps
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attention_dropout=0.0,
        bos_token_id=ends,
        eos_token_id=ends,
        pad_token_id=ends,
    )
    model = Phi3ForCausalLM(config)
    stops = [ends, tokenizer.convert_tokens_to_ids(END)]
    model.generation_config = GenerationConfig(bos_token_id=ends, eos_token_id=stops, pad_token_id=ends)
    return model


def _train(model: Any, blocks: Any, steps: int) -> float:
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / 20) * 0.5 * (1 + math.cos(math.pi * step / steps))
    )
    generator = torch.Generator().manual_seed(SEED)
    order: list[int] = []
    losses: list[float] = []
    model.train()
    for _ in range(steps):
        if len(order) < BATCH:
            order = torch.randperm(len(blocks), generator=generator).tolist()
        batch = blocks[[order.pop() for _ in range(BATCH)]]
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    last = losses[-50:]
    return sum(last) / len(last)


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the stand-in Phi-3 of the emulator.")
    parser.add_argument("out", type=Path, help="folder to write; its files of the same names are replaced")
    out: Path = parser.parse_args().out
    loss = build(out)
    sys.stdout.write(json.dumps({"folder": str(out), "loss": round(loss, 4)}) + "\n")


if __name__ == "__main__":
    main()
