"""Lets the tests of this folder import what they share, and the server of commands of the golden cases."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "acceptance")]


@pytest.fixture(scope="session")
def command_server() -> Iterator[Path]:
    """Runs the commands of all pages, each in a process of its own, on imports that are made once."""
    from prefork import serving

    with serving() as path:
        yield path
