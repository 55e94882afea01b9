"""The maximum number of tokens of a row, as far as known without a workspace."""

from __future__ import annotations

from dataclasses import dataclass

from phift import catalog
from phift.lock import lock_path, read_lock
from phift.spec import LoadedSpec

__all__ = ["Limit", "limit_of"]

_PARAMETER = "max_seq_length"


@dataclass(frozen=True)
class Limit:
    """tokens: maximum length of a row, longer ones are truncated; None: unknown. what: the origin of the number."""

    tokens: int | None = None
    what: str = ""


def limit_of(loaded: LoadedSpec) -> Limit:
    """Return the limit: max_seq_length of the spec, that of the pinned model defaults, or the context window.

    The component uses the context window of the base model if max_seq_length is -1 or not set.
    """
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
