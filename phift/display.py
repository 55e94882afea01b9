"""Results that a notebook shows in full instead of as a Python expression."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["Displayed"]

_VIEWS = "phift.views.notebook"
"""Loaded by name on first use: results are below the views, and a program that shows nothing never needs them."""


class Displayed:
    """A base class of results: IPython shows them as HTML in a notebook, and as text in a terminal."""

    def __init_subclass__(cls) -> None:
        """Repeat the method in the class: IPython prefers the `__repr__` of a dataclass to an inherited one."""
        super().__init_subclass__()
        cls._repr_pretty_ = Displayed._repr_pretty_  # type: ignore[method-assign]

    def _repr_html_(self) -> str:
        """Return a fragment of HTML without scripts, all of whose values are escaped."""
        return str(import_module(_VIEWS).html(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Write the text that the command line shows."""
        printer.text(import_module(_VIEWS).text(self))
