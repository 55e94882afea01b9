"""`phift emulator weights`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from phift.views.human.values import size, table

__all__ = ["facts", "listed"]


def facts(weights: Mapping[str, Any]) -> str:
    """Return architecture, number of parameters and size of a model's weights."""
    return f"{weights['architecture']}, {_count(weights['parameters'])} parameters, {size(weights['bytes'])}"


def listed(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the models with real weights, a row each, or a sentence without any."""
    if not found:
        return "No weights. Add some: phift emulator weights add NAME FOLDER"
    rows = [
        (each["name"], each["version"], each["architecture"], _count(each["parameters"]), size(each["bytes"]))
        for each in found
    ]
    return "\n".join(table([("name", "version", "architecture", "parameters", "size"), *rows]))


def _count(parameters: int) -> str:
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if parameters >= unit:
            return f"{parameters / unit:.3g}{name}"
    return str(parameters)
