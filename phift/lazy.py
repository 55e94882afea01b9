"""Packages that import the names they offer on first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from sys import modules
from typing import Any

__all__ = ["imported_on_use"]


def imported_on_use(package: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package, which imports the module of a name and keeps its value in the package.

    package: its `__name__`. names: by name, the full name of the module that defines it.
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(names[name]), name)
        setattr(modules[package], name, value)
        return value

    return find
