"""The notebook's way, for real: configs/phi3-ultrachat.yaml on target local, from rows of the hub to an answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hub import Hub
from hubdata import rows_of
from support import REPOSITORY

from phift.emulator.host import lifecycle

pytestmark = pytest.mark.slow
Command = Callable[..., str]


@pytest.fixture
def phift(tmp_path: Path, seed_hub: Hub) -> Command:
    """Runs a command in a copy of configs/ as a new user would: nothing is rehearsed."""
    shutil.copytree(REPOSITORY / "configs", tmp_path / "configs")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "PHIFT_"))}
    environment = {**kept, "PHIFT_HOME": str(tmp_path / "home"), "PYTHONPATH": str(REPOSITORY)}

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "phift", *words, "phi3-ultrachat.yaml", "--target", "local"],
            cwd=tmp_path / "configs",
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_from_the_rows_of_the_hub_to_an_answering_endpoint(phift: Command, seed_hub: Hub, tmp_path: Path) -> None:
    before = len(seed_hub.requests())
    try:
        phift("apply", "--auto-approve")
        asked = len(seed_hub.requests())
        assert asked > before
        answers = json.loads(phift("invoke", "--sample", "2", "--json"))
        # A conversation is asked up to its last question.
        said = [[turn["content"] for turn in row["messages"]] for row in rows_of("test_gen", 50)]
        asked_of = {texts[-2]: texts[-1] for texts in said}
        assert len(answers["results"]) == 2
        assert all(asked_of[one["prompt"]] == one["ground_truth"] for one in answers["results"])
        assert all(isinstance(one["answer"], str) for one in answers["results"])
        assert "No changes." in phift("plan")
        assert len(seed_hub.requests()) == asked, "rows are prepared once, and a plan asks nothing"
        phift("destroy", "--auto-approve")
    finally:
        lifecycle.stop(tmp_path / "home")
