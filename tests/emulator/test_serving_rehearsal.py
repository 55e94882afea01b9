"""Rehearsed deployments: the whole way of a deployment without a model in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from phift.emulator.host import lifecycle
from tests.emulator.client import Azure
from tests.emulator.serving import Serving, chat


def test_everything_but_the_model(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHIFT_EMULATOR_DEPLOYMENTS", "rehearse")
    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    with azure.session:
        serving = Serving(azure)
        assert azure.admin("GET", "/status")["deployments"].startswith("rehearsed")
        serving.endpoint("stage")
        model = serving.model("stage")
        serving.deployment("stage", "blue", model)
        answer = serving.score("stage", chat("Hello"), deployment="blue")
        assert answer.json() == {"output": "rehearsal: Hello"}
        assert serving.score("stage", chat("x", top_p=2), deployment="blue").status_code == 400
        assert "a rehearsal" in serving.logs("stage", "blue")
        failing = {"environmentVariables": {"REHEARSAL_FAIL": "out of luck"}}
        assert serving.failed(serving.put_deployment("stage", "green", model, **failing))["code"] == "ResourceNotReady"
        assert "out of luck" in serving.logs("stage", "green")
