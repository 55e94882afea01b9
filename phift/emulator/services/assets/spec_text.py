"""The componentSpec of a component version, as the service writes it."""

from __future__ import annotations

from typing import Any

__all__ = ["component_spec_text"]


def component_spec_text(value: Any) -> Any:
    """Scalars inside a componentSpec come back as text: True as "True", 1 as "1" (recorded 2026-03)."""
    if isinstance(value, dict):
        return {key: component_spec_text(each) for key, each in value.items()}
    if isinstance(value, list):
        return [component_spec_text(each) for each in value]
    return str(value) if isinstance(value, bool | int | float) else value
