"""An emulator with room for many deployments, and the process that forks applies."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support import Embedded

pytest.register_assert_rewrite("tests.matrix.world")

from tests.matrix.killing import Zygote  # noqa: E402 - after what it says of assertions


@pytest.fixture(scope="session")
def roomy(embedded: Embedded) -> Embedded:
    """The worker's emulator, whose quota no scenario exhausts."""
    limits = embedded.admin("GET", "/quota")["limits"]
    embedded.admin("PUT", "/quota", dict.fromkeys(limits, 10_000))
    return embedded


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    process = Zygote()
    yield process
    process.close()


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a line that is shown at the end of the run."""
    return lambda text: request.node.user_properties.append(("tried", text))
