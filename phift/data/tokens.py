"""Count the tokens of a conversation: with the base model's tokenizer if this machine has it, else estimated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from phift.data.hub.environment import cache_folder

__all__ = ["ESTIMATE", "TokenCounter", "token_counter"]

ESTIMATE = "estimate"
_CHARACTERS = 4  # per token, approximately


@dataclass(frozen=True)
class TokenCounter:
    """count: returns the tokens of the contents of a row's messages, without the chat template.

    name: the model (owner/name) of the tokenizer, or ESTIMATE: one token per 4 characters.
    """

    name: str
    count: Callable[[Sequence[str]], int]


def token_counter(model: str) -> TokenCounter:
    """Return the counter for a base model, given its registry name. Sends no request: the tokenizer is loaded from the
    cache of huggingface_hub, and only if the package `tokenizers` is installed."""
    for name, path in _tokenizers(model):
        try:
            loaded: Any = import_module("tokenizers").Tokenizer.from_file(str(path))
            loaded.no_truncation()
            loaded.no_padding()
        except Exception:  # noqa: BLE001 - not installed, or a file that it cannot read: tokens are then estimated
            continue
        return TokenCounter(name, _counting(loaded))
    return TokenCounter(ESTIMATE, _estimated)


def _tokenizers(model: str) -> list[tuple[str, Path]]:
    """Return owner/name and tokenizer file of the cached models of that name, newest first."""
    wanted = model.lower()
    found = []
    for folder in sorted(cache_folder().glob("models--*--*")):
        _, owner, name = folder.name.split("--", 2)
        # The registry names some models owner-name.
        if wanted and wanted in (name.lower(), f"{owner}-{name}".lower()):
            found += [(f"{owner}/{name}", path) for path in folder.glob("snapshots/*/tokenizer.json")]
    return sorted(found, key=lambda one: one[1].stat().st_mtime if one[1].exists() else 0.0, reverse=True)


def _counting(tokenizer: Any) -> Callable[[Sequence[str]], int]:
    def count(texts: Sequence[str]) -> int:
        return sum(len(one.ids) for one in tokenizer.encode_batch(list(texts), add_special_tokens=False))

    return count


def _estimated(texts: Sequence[str]) -> int:
    return -(-sum(map(len, texts)) // _CHARACTERS)
