"""What a Hugging Face model folder contains, read without loading it: is it complete, and can it be used here?"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Contents", "UnusableModel", "inspect"]

_INDEX = "model.safetensors.index.json"
_HEADER = 8  # bytes of the length of a safetensors header
_MOST_HEADER = 100_000_000  # the format's own limit
_BITS = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16}
_CAUSAL = "ForCausalLM"


class UnusableModel(Exception):
    """The folder cannot be a base model; the text says why and starts with a name."""


@dataclass(frozen=True)
class Contents:
    """architecture: class of transformers. parameters: how many. dtype: of most of them, such as bfloat16.

    hidden_size, context_window: of the configuration, 0 where it does not say. chat: the tokenizer has a chat template.
    files: what belongs to the model, largest last. bytes: their size together.
    """

    architecture: str
    parameters: int
    dtype: str
    hidden_size: int
    context_window: int
    chat: bool
    files: tuple[Path, ...]
    bytes: int


def inspect(folder: Path) -> Contents:
    """The contents of a model folder. Raises UnusableModel when a file is missing or damaged, when the weights are
    not safetensors, or when the architecture is not a causal language model of the installed transformers."""
    config = _json(folder / "config.json")
    architecture = _architecture(config)
    counts = _tensors(folder)
    if not (folder / "tokenizer.json").is_file():
        raise UnusableModel("tokenizer.json is missing: the tokenizer in its fast form")
    about = _json(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
    nested = config.get("text_config")
    text: dict[str, Any] = nested if isinstance(nested, dict) else config
    files = sorted((file for file in folder.iterdir() if _belongs(file)), key=lambda file: file.stat().st_size)
    return Contents(
        architecture=architecture,
        parameters=sum(counts.values()),
        dtype=_dtype(counts),
        hidden_size=int(text.get("hidden_size") or 0),
        context_window=int(text.get("max_position_embeddings") or 0),
        chat=bool(about.get("chat_template")) or (folder / "chat_template.jinja").is_file(),
        files=tuple(files),
        bytes=sum(file.stat().st_size for file in files),
    )


def _belongs(file: Path) -> bool:
    suffixes = (".safetensors", ".json", ".jinja", ".model", ".txt", ".md")
    return file.is_file() and (file.suffix in suffixes or file.name.startswith("LICENSE"))


def _json(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UnusableModel(f"{path.name} is missing") from None
    except ValueError as error:
        raise UnusableModel(f"{path.name} is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise UnusableModel(f"{path.name} is not a JSON object")
    return body


def _architecture(config: dict[str, Any]) -> str:
    import transformers

    listed = config.get("architectures")
    if not isinstance(listed, list) or not listed or not isinstance(listed[0], str):
        raise UnusableModel("config.json does not name an architecture (architectures)")
    name = listed[0]
    if name not in dir(transformers):
        code = "; code that comes with weights is not run" if config.get("auto_map") else ""
        raise UnusableModel(f"config.json: transformers {transformers.__version__} does not have {name}{code}")
    if not name.endswith(_CAUSAL):
        raise UnusableModel(f"config.json: {name} is not a causal language model (...{_CAUSAL})")
    return name


def _tensors(folder: Path) -> Counter[str]:
    """How many numbers of each type the weights are."""
    counts: Counter[str] = Counter()
    names: set[str] = set()
    listed = _listed(folder)
    for shard in sorted(set(listed.values())) or ["model.safetensors"]:
        for name, tensor in _header(folder / shard).items():
            names.add(name)
            counts[str(tensor["dtype"])] += math.prod(tensor["shape"])
    if missing := sorted(set(listed) - names):
        raise UnusableModel(f"{listed[missing[0]]} does not contain {missing[0]}, which {_INDEX} says it does")
    return counts


def _listed(folder: Path) -> dict[str, str]:
    """The file of each tensor, by the index of weights that are in several files; {} for weights in one."""
    if not (folder / _INDEX).is_file():
        if not (folder / "model.safetensors").is_file() and any(folder.glob("pytorch_model*.bin")):
            raise UnusableModel("pytorch_model.bin can run code when it is loaded: convert the weights to safetensors")
        return {}
    listed = _json(folder / _INDEX).get("weight_map")
    if not isinstance(listed, dict) or not listed:
        raise UnusableModel(f"{_INDEX} lists no tensors (weight_map)")
    for shard in listed.values():
        if not isinstance(shard, str) or Path(shard).name != shard:
            raise UnusableModel(f"{_INDEX} names {shard!r}, which is not a file of the folder")
    return listed


def _header(path: Path) -> dict[str, Any]:
    """The tensors of a safetensors file, by name."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(_HEADER), "little")
            body: Any = json.loads(stream.read(length)) if 0 < length <= min(_MOST_HEADER, size) else None
        tensors: dict[str, Any] = {name: tensor for name, tensor in body.items() if name != "__metadata__"}
        end = max(int(tensor["data_offsets"][1]) for tensor in tensors.values())
    except FileNotFoundError:
        raise UnusableModel(f"{path.name} is missing") from None
    except (ValueError, AttributeError, LookupError, TypeError) as error:
        raise UnusableModel(f"{path.name} is not a safetensors file") from error
    if size != (expected := _HEADER + length + end):
        raise UnusableModel(f"{path.name} is damaged: {size} bytes long, {expected} expected")
    return tensors


def _dtype(counts: Counter[str]) -> str:
    floats = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
    name, _ = counts.most_common(1)[0]
    if name not in _BITS:
        raise UnusableModel(f"the weights are {name}: quantized weights cannot be fine-tuned here")
    return floats[name]
