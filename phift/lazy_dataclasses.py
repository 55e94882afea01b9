"""Dataclasses whose methods are generated on first use.

`dataclasses` generates up to six methods from source text as soon as a class is defined: half a millisecond a class. A
command defines more than a hundred classes, instantiates half of them, and compares or prints a tenth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from threading import RLock
from typing import Any

__all__ = ["deferred", "install"]

_PACKAGE = "phift."
_OPTIONS = {"frozen", "kw_only"}
_FIELDS = "__dataclass_fields__"
_OWN = {"__init__", "__eq__", "__hash__", "__setattr__", "__delattr__"}
"""A class that defines one of these, or inherits from a dataclass, is left to `dataclasses`."""

_eager: Any = dataclasses.dataclass
_generating = RLock()


def install() -> None:
    """Defer the methods of all dataclasses of phift that are defined from now on."""
    dataclasses.dataclass = deferred


def deferred(cls: Any = None, /, **options: Any) -> Any:
    """Decorate as `dataclasses.dataclass` does; a class of phift gets its methods on first use."""

    def decorate(cls: Any) -> Any:
        deferrable = cls.__module__.startswith(_PACKAGE) and options.keys() <= _OPTIONS
        if not deferrable or not _OWN.isdisjoint(vars(cls)) or hasattr(cls, _FIELDS):
            return _eager(cls, **options)
        _Deferred(cls, options)
        return cls

    return decorate if cls is None else decorate(cls)


class _Deferred:
    """The fields of a class until its methods are generated.

    A method is replaced when the generated one is complete: until then, each thread calls the one that generates it.
    """

    def __init__(self, cls: Any, options: dict[str, Any]) -> None:
        self._cls = cls
        self._options = options
        self._frozen = options.get("frozen", False)
        comparing = ("__eq__", "__hash__", "__repr__") if self._frozen else ("__eq__", "__repr__")
        self._comparing = [name for name in comparing if name not in vars(cls)]
        if not self._frozen:
            cls.__hash__ = None
        for name in self._comparing:
            setattr(cls, name, self._first(name, self._generate_comparing))
        cls.__init__ = self._first("__init__", self._generate)
        setattr(cls, _FIELDS, self)

    def __get__(self, instance: object, owner: object) -> Any:
        self._generate()
        return getattr(self._cls, _FIELDS)

    def _first(self, name: str, generate: Callable[[], None]) -> Callable[..., Any]:
        def method(instance: object, /, *args: Any, **keywords: Any) -> Any:
            generate()
            return getattr(self._cls, name)(instance, *args, **keywords)

        return method

    def _generate(self) -> None:
        """Generate the fields and `__init__`."""
        cls = self._cls
        with _generating:
            if vars(cls)[_FIELDS] is not self:
                return
            kw_only = self._options.get("kw_only", False)
            _eager(cls, init=False, repr=False, eq=False, kw_only=kw_only)
            if self._frozen:
                cls.__dataclass_params__.frozen = True
                cls.__setattr__, cls.__delattr__ = _guards(cls)
            cls.__init__ = self._generated(repr=False, eq=False).__init__

    def _generate_comparing(self) -> None:
        with _generating:
            if self._comparing:
                generated = self._generated(init=False)
                for name in self._comparing:
                    setattr(self._cls, name, getattr(generated, name))
                self._comparing.clear()

    def _generated(self, **without: bool) -> Any:
        """Return a child of the class with generated methods for the fields of the class."""
        child = type(self._cls)(self._cls.__name__, (self._cls,), {})
        return _eager(child, **self._options, **without)


def _guards(cls: Any) -> tuple[Callable[..., None], Callable[..., None]]:
    """Return `__setattr__` and `__delattr__` of a frozen dataclass, as `dataclasses` defines them."""
    fields = getattr(cls, _FIELDS)

    def set_attribute(instance: object, name: str, value: object) -> None:
        if type(instance) is cls or name in fields:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, instance).__setattr__(name, value)

    def delete_attribute(instance: object, name: str) -> None:
        if type(instance) is cls or name in fields:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, instance).__delattr__(name)

    return set_attribute, delete_attribute
