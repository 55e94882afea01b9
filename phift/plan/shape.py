"""Validation of a saved plan: the file may be truncated, edited, or not a plan."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

from phift.address import Address
from phift.diagnostics import Severity
from phift.plan.action import Action, ChangeAction, ChangedBy, Purpose

__all__ = ["require_shape"]

_MAX_DEPTH = 64
_LARGEST = 10**15
_TEXTS = [str]
_COUNTS = {"add": int, "change": int, "destroy": int, "unchanged": int}
_CHANGE = {
    "path": str,
    "wanted": object,
    "live": object,
    "action": ChangeAction,
    "reason?": str,
    "by?": ChangedBy,
    "rule?": str,
    "sensitive?": bool,
    "applied?": object,
}
_RESOURCE = {
    "address": Address,
    "action": Action,
    "identity": str,
    "reason": str,
    "changes": [_CHANGE],
    "unchanged": int,
    "desired": dict,
    "details": dict,
    "depends_on": [Address],
    "fingerprint": str,
    "notes": _TEXTS,
    "decided?": {
        "attempt?": int,
        "split?": ({"*": int}, None),
        "take_over?": bool,
        "endpoint?": str,
        "keep?": str,
        "tokens?": int,
        "tier?": str,
    },
    "protect?": bool,
}
_DIAGNOSTIC = {
    "summary": str,
    "severity": Severity,
    "detail?": str,
    "remedy?": str,
    "mark?": ({"file": str, "line?": int, "column?": int}, None),
    "path?": str,
    "address?": str,
    "code?": str,
}
_RANGE = {"low": float, "middle": float, "high": float}
_LINE = {
    "address": Address,
    "part": str,
    "size": str,
    "tier": str,
    "region": str,
    "nodes": int,
    "usd_per_hour": (float, None),
    "source": str,
    "as_of": str,
    "usd_per_hour_listed?": (float, None),
    "nodes_now?": (int, None),
    "nodes_most?": (int, None),
    "hours?": (_RANGE, None),
    "duration?": (_RANGE, None),
    "basis?": str,
    "stops?": bool,
}
_PLAN = {
    "format_version": str,
    "purpose": Purpose,
    "stack": str,
    "target": str,
    "workspace": str,
    "spec": {"path": str, "source": str, "id?": str, "digest": str, "env?": _TEXTS},
    "created": str,
    "counts?": _COUNTS,
    "fingerprint?": str,
    "resources": [_RESOURCE],
    "warnings": [_DIAGNOSTIC],
    "notes": _TEXTS,
    "lock": dict,
    "cost?": ({"region": str, "lines": [_LINE], "notes": _TEXTS}, None),
    "request?": {"target?": (str, None), "variables?": {"*": str}, "variable_files?": _TEXTS},
}
"""A key that ends in ? may be missing, and `*` is any key; further keys are ignored, as a later minor version may
have added them."""

_WORDS: dict[type, str] = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
    float: "a number",
    type(None): "null",
}


def require_shape(plan: Any) -> None:
    """Raise ValueError, with one line that names the key, for a document that is not a plan of this format."""
    _require_plain(plan)
    _require(plan, _PLAN, "the plan")


def _require_plain(document: Any) -> None:
    """Require a bounded depth and finite numbers: the views rely on both."""
    waiting = [(document, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > _MAX_DEPTH:
            raise ValueError(f"it is nested more than {_MAX_DEPTH} levels deep")
        if isinstance(value, dict):
            waiting += [(inner, depth + 1) for inner in value.values()]
        elif isinstance(value, list):
            waiting += [(inner, depth + 1) for inner in value]
        elif isinstance(value, float) and not math.isfinite(value):
            raise ValueError("it contains a number that is not finite")


def _require(value: Any, shape: Any, path: str) -> None:
    if isinstance(shape, tuple):
        if value is not None:
            _require(value, shape[0], path)
    elif isinstance(shape, dict):
        _require_type(value, dict, path)
        _require_keys(value, shape, path)
    elif isinstance(shape, list):
        _require_type(value, list, path)
        for number, item in enumerate(value):
            _require(item, shape[0], f"{path}[{number}]")
    elif shape is Address:
        _require_type(value, str, path)
        try:
            Address.parse(value)
        except ValueError:
            raise ValueError(f"{path} is not an address") from None
    elif issubclass(shape, Enum):
        _require_type(value, str, path)
        if value not in [member.value for member in shape]:
            raise ValueError(f"{path} must be one of {', '.join(str(member.value) for member in shape)}")
    elif shape is not object:
        _require_type(value, shape, path)


def _require_keys(value: Mapping[str, Any], shape: Mapping[str, Any], path: str) -> None:
    inner = "" if path == "the plan" else f"{path}."
    for key, below in shape.items():
        name = key.removesuffix("?")
        if name == "*":
            for other, item in value.items():
                _require(item, below, f"{inner}{other}")
        elif name in value:
            _require(value[name], below, f"{inner}{name}")
        elif name == key:
            raise ValueError(f"{inner}{name} is missing")


def _require_type(value: Any, wanted: type, path: str) -> None:
    if wanted is float and type(value) is int and abs(value) < _LARGEST:
        return
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        found = next((words for kind, words in _WORDS.items() if type(value) is kind), "something else")
        raise ValueError(f"{path} must be {_WORDS[wanted]}, not {found}")
