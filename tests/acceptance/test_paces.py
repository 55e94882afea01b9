"""The golden cases come out the same whatever the pace of the workspace, and under noise: `make matrix`."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness import Case, check, discover
from support import Embedded

from phift.emulator.host import lifecycle
from phift.emulator.host.home import Home

SPEED = 40
"""At its own speed the faithful pace takes ten minutes for a deployment alone; nothing but its times is changed."""
SETTINGS: dict[str, dict[str, Any]] = {
    "noise": {"noise": True},
    "faithful": {"pace": "faithful", "speed": SPEED},
    "faithful-noise": {"pace": "faithful", "speed": SPEED, "noise": True},
}
PATIENCE = 4
"""How many times longer than at the pace fast a case may take: polls are seconds apart."""
TELLS_OF_THE_PACE = {"emulator"}

pytestmark = pytest.mark.matrix


@pytest.fixture(scope="module", params=SETTINGS)
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of an emulator with such settings, for the cases that share one."""
    path = tmp_path_factory.mktemp(request.param) / "home"
    Embedded.start(path).admin("PUT", "/settings", SETTINGS[request.param])
    yield path
    lifecycle.stop(path)


CASES = [case for case in discover() if case.emulator and case.folder.name not in TELLS_OF_THE_PACE]


@pytest.mark.parametrize("case", CASES, ids=[case.folder.name for case in CASES])
def test_output_is_the_golden_one_there_too(
    case: Case, home: Path, server: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if case.emulator == "own":  # its emulator finds the settings in its home
        Home(tmp_path / "phift").remember(**SETTINGS[request.node.callspec.params["home"]])
    check(
        replace(case, timeout=PATIENCE * case.timeout),
        tmp_path,
        shared=home if case.emulator == "shared" else None,
        server=server,
    )
