"""Component specs as the emulator keeps them, by the pairs of requests and answers that were recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from phift.emulator.services.assets.component_spec import stored_spec

RECORDED = Path(__file__).parents[1] / "emulator" / "recorded" / "component.yaml"


def recorded() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Name, spec that was sent, spec that came back, of the recordings that have both."""
    found = []
    for entry in yaml.safe_load(RECORDED.read_text(encoding="utf-8")):
        sent = ((entry["request"].get("body") or {}).get("properties") or {}).get("componentSpec")
        back = ((entry.get("body") or {}).get("properties") or {}).get("componentSpec")
        if sent and back:
            found.append((entry["name"], sent, back))
    return found


PAIRS = recorded()


def registry_id(reference: str) -> str:
    """As for a curated environment that the workspace has not."""
    name, _, version = reference.removeprefix("azureml:").partition(":")
    return f"azureml://registries/azureml/environments/{name}/versions/{version}"


def test_there_are_recorded_pairs() -> None:
    assert len(PAIRS) >= 4


@pytest.mark.parametrize(("sent", "back"), [pair[1:] for pair in PAIRS], ids=[pair[0] for pair in PAIRS])
def test_a_spec_comes_back_as_recorded(sent: dict[str, Any], back: dict[str, Any]) -> None:
    stored = stored_spec(sent, registry_id)
    known = {key: value for key, value in back.items() if not str(value).startswith("$like")}
    assert {key: stored[key] for key in known} == known
    assert stored.keys() == back.keys()
    assert list(stored.get("inputs", {})) == list(back.get("inputs", {})), "data comes before parameters"


def test_ids_get_their_prefix() -> None:
    spec = {"type": "command", "code": "/subscriptions/s/codes/c/versions/1", "environment": "/subscriptions/s/e"}
    stored = stored_spec(spec, lambda reference: reference)
    assert (stored["code"], stored["environment"]) == (f"azureml:{spec['code']}", f"azureml:{spec['environment']}")


def test_numbers_and_truths_of_inputs_are_text_and_the_steps_of_a_pipeline_stay() -> None:
    inputs = {
        "rate": {"type": "number", "default": 1e-05, "min": 0, "max": 1},
        "kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
        "fast": {"type": "boolean", "default": True, "optional": True},
    }
    jobs = {"a": {"type": "command", "resources": {"instance_count": 2}}}
    stored = stored_spec({"type": "pipeline", "inputs": inputs, "jobs": jobs}, registry_id)
    assert stored["inputs"] == {
        "rate": {"type": "number", "default": "1e-05", "min": "0", "max": "1", "optional": "False"},
        "kind": {"type": "string", "enum": ["a", "b"], "default": "a", "optional": "False"},
        "fast": {"type": "boolean", "default": "True", "optional": "True"},
    }
    assert stored["jobs"] == jobs
    assert "resources" not in stored
