"""Filters of MLflow's model registry, as the emulator reads them."""

from __future__ import annotations

from typing import Any

import pytest

from phift.emulator.core.errors import ServiceError
from phift.emulator.services.mlflow.documents import latest_versions, matches

MODEL: dict[str, Any] = {"name": "Phi-3", "tags": [{"key": "team", "value": "a"}], "run_id": "r1", "version": "7"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("name = 'Phi-3'", True),
        ("name='phi-3'", False),
        ("name != 'Phi-4'", True),
        ("name LIKE 'Phi%'", True),
        ("name like '%3' and run_id = 'r1'", True),
        ("name LIKE 'phi%'", False),
        ("name ILIKE 'phi%'", True),
        ("name LIKE 'Phi_3'", True),
        ("name LIKE 'P.%'", False),
        ("tags.team = 'a'", True),
        ("tag.`team` = 'b'", False),
        ("tags.\"none\" != 'x'", True),
        ("version_number = '7'", True),
        ("run_id IN ('r0', 'r1')", True),
        ("run_id IN ('r0') AND name = 'Phi-3'", False),
    ],
)
def test_a_filter_holds_or_does_not(text: str, holds: bool) -> None:
    assert matches(text, MODEL) is holds


@pytest.mark.parametrize("text", ["name", "name ~ 'x'", "name = 'Phi-3' OR name = 'y'", "name = Phi-3", "color = 'x'"])
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(ServiceError) as error:
        matches(text, MODEL)
    assert error.value.code == "INVALID_PARAMETER_VALUE"


def test_the_newest_version_of_each_stage() -> None:
    def version(number: str, stage: str) -> dict[str, Any]:
        properties = {"isArchived": stage == "Archived", "stage": stage, "description": None, "tags": {}}
        properties |= {"modelUri": "u", "jobName": None}
        data = dict.fromkeys(("createdAt", "lastModifiedAt"), "2026-01-01T00:00:00+00:00") | {"createdBy": "me"}
        return {"name": number, "properties": properties, "systemData": data}

    stored = [version("1", "Production"), version("2", "Production"), version("3", "Development")]
    newest = latest_versions("m", stored)
    assert [(each["version"], each["current_stage"]) for each in newest] == [("3", "None"), ("2", "Production")]
    assert [each["version"] for each in latest_versions("m", stored, ["production"])] == ["2"]
