"""Texts about an autoscale setting."""

from __future__ import annotations

from phift.kinds.words import StatusText, joined

__all__ = ["status"]


def status(row: StatusText) -> list[str]:
    """`1 to 4 instances of d-1a2b3c4d`."""
    instances, scales = row.facts.pop("instances", ""), row.facts.pop("scales", "")
    disabled = "disabled" if row.facts.pop("disabled", False) else ""
    return [joined(f"{instances} of {scales}" if instances and scales else str(instances), disabled)]
