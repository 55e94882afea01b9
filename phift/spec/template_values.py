"""What templates are made of: the values that they read, the text that they give, and Azure's own expressions."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from phift.diagnostics import LISTED, nearest

__all__ = ["FILTERS", "Mixed", "Scope", "azure_parts"]

FILTERS = ("default", "d", "float", "int", "join", "length", "lower", "replace", "round", "string", "trim", "upper")


class Mixed(str):
    """The result of a template with text around its expressions."""

    __slots__ = ()


class Scope:
    """A named set of values for templates: vars, env or target. Values are computed on demand."""

    def __init__(
        self,
        name: str,
        names: Callable[[], Collection[str]],
        get: Callable[[str], Any],
        on_read: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self._names = names
        self._get = get
        self._on_read = on_read
        self._hints = LISTED

    def lookup(self, key: str) -> Any:
        """Return the value of a name. Raises KeyError with a readable message."""
        if self._on_read:
            self._on_read(key)
        names = self._names()
        if key not in names:
            self._hints -= 1
            near = nearest(key, names) if self._hints >= 0 else ""
            raise KeyError(
                f"{self.name}.{key} is not defined" + (f"; did you mean {self.name}.{near}?" if near else "")
            )
        return self._get(key)


def azure_parts(text: str) -> list[str]:
    """Split text at the expressions of Azure, `${{ ... }}`: parts alternate, the first and last are plain text."""
    parts = []
    at = 0
    while (start := text.find("${{", at)) >= 0 and (end := text.find("}}", start + 3)) >= 0:
        parts += [text[at:start], text[start : end + 2]]
        at = end + 2
    return [*parts, text[at:]]
