"""A repository on a stand-in of GitHub."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "acceptance"))
sys.path.insert(0, str(Path(__file__).parent))

from fakegithub import FakeGitHub
from site_of_tests import Site
from support import Embedded


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub.serving() as found:
        yield found


@pytest.fixture
def site(tmp_path: Path, github: FakeGitHub, embedded: Embedded, server: Path, stack: str) -> Site:
    """A repository with the spec of a stack and the workflows of `phift ci github`."""
    return Site.begin(tmp_path, github, embedded, server, stack)
