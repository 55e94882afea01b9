"""The componentSpec of a component version, as the service keeps and shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["component_spec_text", "stored_spec"]

_FIRST = ("$schema", "name", "version", "display_name", "is_deterministic", "type", "description", "tags", "inputs")
_LAST = ("outputs", "code", "environment", "resources", "command")
_OPAQUE = frozenset({"jobs", "tags", "$schema"})
_DROPPED = frozenset({"_source", "id"})
_PARAMETERS = frozenset({"string", "number", "integer", "boolean", "enum"})


def component_spec_text(value: Any) -> Any:
    """Scalars inside a componentSpec come back as text: True as "True", 1 as "1" (recorded 2026-03)."""
    if isinstance(value, dict):
        return {key: component_spec_text(each) for key, each in value.items()}
    if isinstance(value, list):
        return [component_spec_text(each) for each in value]
    return str(value) if isinstance(value, bool | int | float) else value


def stored_spec(spec: Mapping[str, Any], environment: Callable[[str], str]) -> dict[str, Any]:
    """A componentSpec as it comes back from the one that is sent.

    environment: the id that a reference to an environment stands for. Inputs say whether they are optional, those of
    data come before parameters, command components have one instance unless they say more (recorded 2023-10, 2026-03);
    pipelines are not deterministic unless they say so (as Azure's tests of its client expect); ids have the prefix
    azureml:.
    """
    stored = {
        key: value if key in _OPAQUE else component_spec_text(value)
        for key, value in spec.items()
        if key not in _DROPPED
    }
    if isinstance(inputs := stored.get("inputs"), dict) and inputs:
        stored["inputs"] = _inputs(inputs)
    if stored.get("type") == "command":
        stored["resources"] = {"instance_count": "1", **(stored.get("resources") or {})}
    if stored.get("type") == "pipeline":
        stored["is_deterministic"] = stored.get("is_deterministic", "False")
    if isinstance(reference := stored.get("environment"), str):
        stored["environment"] = environment(_prefixed(reference))
    if isinstance(code := stored.get("code"), str):
        stored["code"] = _prefixed(code)
    first = {key: stored.pop(key) for key in _FIRST if key in stored}
    last = {key: stored.pop(key) for key in _LAST if key in stored}
    return {**first, **stored, **last}


def _inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: {**(body or {}), "optional": (body or {}).get("optional", "False")} for name, body in inputs.items()}
    return dict(sorted(told.items(), key=lambda item: str(item[1].get("type", "")).casefold() in _PARAMETERS))


def _prefixed(reference: str) -> str:
    return f"azureml:{reference}" if reference.startswith("/subscriptions/") else reference
