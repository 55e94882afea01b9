"""The training that a job starts, for estimates of its memory, speed and cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phift.compile.draft import Draft
from phift.files import STATE_BYTES, read_regular
from phift.state.facts import DataFacts, Facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from phift.data.lengths import Lengths
    from phift.data.recipe import Recipe
    from phift.estimate.training import Training

__all__ = ["fewest_tokens", "training_in"]

_OWN_FILE = "deepspeed"


def training_in(draft: Draft, literals: Mapping[str, str], size: str, nodes: int) -> Callable[[], Training | None]:
    """Return a function that returns the training of a job; see phift.estimate.training.training_of.

    It may measure local rows for about a second, so it is called only for a job that will run or has failed.
    """
    own = draft.spec.finetune.parameters.get(_OWN_FILE) if draft.spec.finetune else None
    file = draft.loaded.path.parent / str(own) if own else None
    return partial(_training, draft.facts, literals, size, nodes, file)


def _training(facts: Facts, literals: Mapping[str, str], size: str, nodes: int, file: Path | None) -> Training | None:
    from phift.estimate.training import training_of

    inputs = {**literals, _OWN_FILE: str(file) if file else None}
    return training_of(facts, inputs, size, _lengths(facts.data.get("train")), nodes=nodes, deepspeed=_content(file))


def _lengths(train: DataFacts | None) -> Lengths | None:
    """Return the lengths of the rows: pinned with the data checks, remembered, or measured now."""
    if train is None or train.recipe is None:
        return None
    from phift.data.lengths import Lengths
    from phift.data.measured import lengths_of

    pinned = train.checked if train.checked.get("recipe") == train.recipe.key else {}
    return Lengths.from_plain(pinned.get("lengths")) or lengths_of(train.recipe)


def fewest_tokens(recipe: Recipe) -> int | None:
    """Return the tokens that the longest row has at least, by the lengths that are remembered; None without them."""
    from phift.data.measured import known_lengths
    from phift.estimate.training import MOST_BYTES_PER_TOKEN

    lengths = known_lengths(recipe)
    return int(lengths.longest / MOST_BYTES_PER_TOKEN) or None if lengths else None


def _content(file: Path | None) -> Mapping[str, Any] | None:
    """Return the author's DeepSpeed configuration; None if it is not a readable local file."""
    if file is None:
        return None
    try:
        found = json.loads(read_regular(file, STATE_BYTES))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, Mapping) else None
