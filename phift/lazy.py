"""What is imported or compiled on first use, so that commands that do not need it start faster."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from sys import modules
from typing import Any, AnyStr, cast

__all__ = ["imported_on_use", "lazy_pattern"]


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


class _Pattern:
    """A regular expression that is compiled when one of its attributes is first used."""

    def __init__(self, text: Any, flags: int) -> None:
        self._source = (text, flags)

    def __getattr__(self, name: str) -> Any:
        value = getattr(re.compile(*self._source), name)
        setattr(self, name, value)
        return value


def lazy_pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return a pattern that is compiled on first use. An invalid one raises re.error only then."""
    return cast("re.Pattern[AnyStr]", _Pattern(text, flags))
