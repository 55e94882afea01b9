"""Two versions of a model, or trainings, to compare: as named, or the last two."""

from __future__ import annotations

import re
from typing import Any

from phift.errors import UsageError
from phift.kinds.model.lookup import Trained, all_versions, model_of, run_named, version_named
from phift.kinds.registry import KINDS
from phift.state.desired import Desired
from phift.workbench.open import Workbench

__all__ = ["named_training", "two_versions"]

_NUMBER = re.compile(r"\d+")
_FORMS = "Pass a version (2), a model with its version (NAME:2), or the name of a training job."


def two_versions(bench: Workbench, before: str, after: str, *, running: bool = False) -> tuple[Trained, Trained]:
    """Return the two that are named: versions of the stack's model, NAME:VERSION, or jobs.

    Without names: the last two versions. With one: that and the newest other one. running: the training of the current
    spec counts as the newest, even if it has no version yet. Raises UsageError if one does not exist, and AzureError.
    """
    model = _model(bench)
    named = [_named(bench, model.name, text) for text in (before, after) if text]
    if len(named) == 2:
        return named[0], named[1]
    free = [one for one in _newest(bench, model.name, running) if one.job not in {n.job for n in named} or not one.job]
    free = [one for one in free if one.label not in {n.label for n in named}]
    if len(free) + len(named) < 2:
        if not any(d.traits.trains for d in bench.stack.resources) and not free:
            summary = f"stack {bench.stack.name} does not train a model, and a comparison requires two trainings"
            raise UsageError(summary, remedy=f"Name two. {_FORMS}")
        count = "1 version" if free or named else "no versions"
        raise UsageError(
            f"model {model.name} has {count}; a comparison requires two",
            remedy="Change the spec and run `phift apply`, or name two. " + _FORMS,
        )
    return (named[0], free[0]) if named else (free[1], free[0])


def named_training(bench: Workbench, text: str) -> Trained:
    """Return a version of the stack's model, NAME:VERSION, or a job. Raises UsageError if it does not exist."""
    return _named(bench, _model(bench).name, text)


def _model(bench: Workbench) -> Desired[Any]:
    model = model_of(bench.stack)
    if model is None:
        raise UsageError(f"stack {bench.stack.name} does not define a model")
    return model


def _newest(bench: Workbench, model: str, running: bool) -> list[Trained]:
    """Return the versions that are not archived, the newest first."""
    found = [one for one in all_versions(bench.context, model) if not one.archived]
    current = _current(bench) if running else None
    known = {one.job for one in found}
    return [current, *found] if current is not None and current.job not in known else found


def _current(bench: Workbench) -> Trained | None:
    """Return the training of the current spec, if it has started."""
    for desired in (d for d in bench.stack.resources if d.traits.trains):
        live = KINDS[desired.address.kind].wire.read(bench.context, desired).live
        return run_named(bench.context, live.name) if live is not None else None
    return None


def _named(bench: Workbench, model: str, text: str) -> Trained:
    name, _, version = text.rpartition(":")
    if _NUMBER.fullmatch(text):
        name, version = model, text
    found = version_named(bench.context, name, version) if name else run_named(bench.context, text)
    if found is not None:
        return found
    if name:
        others = [one.version for one in all_versions(bench.context, name)]
        known = f"Versions: {', '.join(others[:10])}." if others else f"Model {name} has no versions."
        raise UsageError(f"version {version} of model {name} not found in the workspace", remedy=known)
    raise UsageError(f"{text} is not a version of {model}, and job {text} was not found", remedy=_FORMS)
