"""How many tokens a conversation has: by the base model's tokenizer where this machine holds it, else estimated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from phift.data.hub.environment import cache_folder

__all__ = ["ESTIMATE", "TokenCounter", "token_counter"]

ESTIMATE = "estimate"
_CHARACTERS = 4  # of a token, about


@dataclass(frozen=True)
class TokenCounter:
    """count: tokens of the contents of a row's messages, without those of the chat template.

    name: the model (owner/name) whose tokenizer counts, or ESTIMATE: a token for every 4 characters.
    """

    name: str
    count: Callable[[Sequence[str]], int]


def token_counter(model: str) -> TokenCounter:
    """The counter for a base model, by its name in the registry. Sends no request: the tokenizer is taken from the
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
    """Of the models of that name in the cache of huggingface_hub: owner/name, and the file. The newest comes first."""
    wanted = model.lower()
    found = []
    for folder in sorted(cache_folder().glob("models--*--*")):
        _, owner, name = folder.name.split("--", 2)
        # The registry calls some models by owner and name, joined by a hyphen.
        if wanted and wanted in (name.lower(), f"{owner}-{name}".lower()):
            found += [(f"{owner}/{name}", path) for path in folder.glob("snapshots/*/tokenizer.json")]
    return sorted(found, key=lambda one: one[1].stat().st_mtime if one[1].exists() else 0.0, reverse=True)


def _counting(tokenizer: Any) -> Callable[[Sequence[str]], int]:
    def count(texts: Sequence[str]) -> int:
        return sum(len(one.ids) for one in tokenizer.encode_batch(list(texts), add_special_tokens=False))

    return count


def _estimated(texts: Sequence[str]) -> int:
    return -(-sum(map(len, texts)) // _CHARACTERS)
