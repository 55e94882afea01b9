"""How many tokens of a row the training uses, as far as that is known without a workspace."""

from __future__ import annotations

from dataclasses import dataclass

from phift import catalog
from phift.lock import lock_path, read_lock
from phift.spec import LoadedSpec

__all__ = ["Limit", "limit_of"]

_PARAMETER = "max_seq_length"


@dataclass(frozen=True)
class Limit:
    """tokens: beyond them a row is cut; None: not known. what: where the number comes from."""

    tokens: int | None = None
    what: str = ""


def limit_of(loaded: LoadedSpec) -> Limit:
    """From the spec's max_seq_length, else from the model defaults that the lock file pins, else the context window of
    the base model, which is what the component takes where it is -1 or left out."""
    block, base = loaded.spec.finetune, loaded.spec.base_model
    if block is None or base is None:
        return Limit()
    pinned = read_lock(lock_path(loaded.path)).stack(loaded.stack).model_for(str(base))
    for values in (block.parameters, pinned.model_defaults if pinned else {}):
        try:
            tokens = int(str(values.get(_PARAMETER, "")))
        except ValueError:
            continue
        if tokens > 0:
            return Limit(tokens, _PARAMETER)
        break
    known = catalog.model(base.name)
    window = known.context_window if known else None
    return Limit(window, "the context window") if window else Limit()
