"""Every trick by which a command starts, collects garbage and ends sooner, each with the benchmark that justifies it.

None of them stands anywhere else in phift (tests/unit/test_startup.py). Where nothing else is said, the benchmark is
`python -m benchmarks.cli`, and the share what `phift validate configs/quickstart.yaml` takes less of processor
instructions (measured in 2026-11 with Python 3.11). A trick that no longer shows in its benchmark goes.
"""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple, NoReturn

__all__ = ["Written", "begin", "importing", "leave", "uncollected", "usage_error", "written_stacks"]

_whole_process = False
"""Whether the process is a command's alone, and ends with it."""


def begin() -> None:
    """At the start of the process of a command, before anything is imported.

    - What imports allocate stays: not to look through it for garbage again and again, 3 %.
    - Pydantic looks for plugins among all installed packages, and even where that is switched off imports what it
      would read their metadata with: without that, 6 %.
    """
    global _whole_process
    _whole_process = True
    gc.set_threshold(100_000, 20, 20)
    _leave_out_plugins()


def _leave_out_plugins() -> None:
    name = "pydantic.plugin._loader"
    loader = ModuleType(name)

    def real(wanted: str) -> Any:
        """Anything else that a release of Pydantic may want of its module."""
        if wanted.startswith("__"):
            raise AttributeError(wanted)
        from importlib import import_module

        del sys.modules[name]
        return getattr(import_module(name), wanted)

    vars(loader).update(get_plugins=tuple, __getattr__=real)
    sys.modules.setdefault(name, loader)


def leave(code: int) -> NoReturn:
    """Ends the process with everything flushed and closed, without taking a thousand modules apart: 7 %.

    Threads that still run are not waited for.
    """
    import atexit

    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        code = code or 1  # what was to be read did not get out
    os._exit(code)


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage is collected within it.

    Thousands of plans are nearly all live objects: to look through them again and again finds nothing. `python -m
    benchmarks.plan_scale` takes 11 % less of processor time for 1,001 resources, and another 5 % where, in the process
    of a command, what was made is not looked through afterwards either.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if _whole_process:
            gc.freeze()
        if before:
            gc.enable()


@contextmanager
def importing() -> Iterator[None]:
    """No garbage is collected while large libraries are imported within it, nor looked for in them later.

    For processes of the emulator: MLflow's server is imported in 1.9 instead of 2.5 processor seconds, what a training
    needs in 3.6 instead of 4.6.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def usage_error() -> Any:
    """The class of every wrong command line.

    typer carries its own click and shows no more of it than this class's child; importing click as well would take
    3 %, and catch nothing.
    """
    import typer

    return typer.BadParameter.__mro__[1]


class Written(NamedTuple):
    """A lock file in the layout of phift. stacks: each name with its blocks, parsed on demand."""

    version: int
    id: str
    stacks: Iterator[tuple[str, list[str]]]


_START = r"version: ([0-9]+)\n(?:id: \"?([0-9a-f]{16})\"?\n)?stacks:\n"
_BLOCK = r"    [a-z]\S*:\n(?:      .*\n)++"
_STACK = rf"  ([a-z][a-z0-9-]*):\n((?:{_BLOCK})++)"


def written_stacks(text: str, head: str) -> Written | None:
    """The parts of a lock file that begins with `head` and is laid out as phift does it; None for any other.

    Stacks of one folder mostly pin the same model and component. Where each different block is parsed once, the file of
    1,430 stacks is read in a seventh of the time that it takes as YAML ("lock file" in `python -m
    benchmarks.plan_scale`). No pattern goes back on what it matched (`++`): to be able to, it would keep every line.
    """
    start = re.match(re.escape(head) + _START, text)
    if start is None or not re.compile(rf"(?:{_STACK})++").fullmatch(text, start.end()):
        return None
    found = re.compile(_STACK).finditer(text, start.end())
    return Written(int(start[1]), start[2] or "", ((stack[1], re.findall(_BLOCK, stack[2])) for stack in found))
