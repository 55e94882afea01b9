"""YAML that users wrote: conda files, MLmodel."""

from __future__ import annotations

from typing import Any

__all__ = ["load_yaml"]


def load_yaml(text: str | bytes) -> Any:
    """What a YAML text holds. Raises ValueError for whatever the parser does not take: what it raises itself depends
    on the place."""
    import yaml

    try:
        return yaml.safe_load(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, LookupError, AttributeError) as error:
        raise ValueError(str(error)) from error
