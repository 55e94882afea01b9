"""An autoscale setting becomes the block that writes it, or no block at all."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from phift.kinds.autoscale.document import profiles
from phift.kinds.autoscale.imported import imported_setting
from phift.spec.autoscale import AutoscaleBlock

TARGET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/e/deployments/blue"  # noqa: E501
RULE = {"metric": "GpuUtilizationPercentage", "above": 70, "add": 1}


def setting(block: dict[str, Any]) -> dict[str, Any]:
    written = profiles(AutoscaleBlock.model_validate(block), TARGET)
    return {"properties": {"enabled": True, "targetResourceUri": TARGET, "profiles": written}}


@pytest.mark.parametrize(
    "block",
    [
        {"maximum": 4, "rules": [RULE]},
        {"minimum": 2, "maximum": 4, "initial": 3, "rules": [RULE, {**RULE, "add": "50%"}]},
        {
            "maximum": 4,
            "rules": [
                {
                    "metric": "RequestLatency_P95",
                    "at_least": 0.5,
                    "set": 3,
                    "window_minutes": 10,
                    "cooldown_minutes": 1,
                },
                {"metric": "RequestsPerMinute", "below": 5, "remove": 1, "statistic": "maximum", "per_instance": True},
                {"metric": "CpuUtilizationPercentage", "at_most": 5, "remove": 1, "time_aggregation": "last"},
            ],
        },
        {
            "maximum": 4,
            "rules": [RULE],
            "schedules": {
                "office": {"days": ["weekdays"], "begin": "08:00", "end": "18:00", "minimum": 2, "initial": 2},
                "night": {"days": ["Saturday"], "begin": "22:00", "end": "06:00", "time_zone": "Tokyo Standard Time"},
                "open": {"days": ["Sunday", "Monday"], "begin": "12:30"},
                "launch": {"begin": "2030-03-04T06:00", "end": "2030-03-05T00:00", "rules": []},
            },
        },
    ],
)
def test_it_comes_back(block: dict[str, Any]) -> None:
    raw = setting(block)
    found = imported_setting(raw)
    assert setting(found) == raw
    times = found.get("schedules", {}).get("office", {})
    assert times.get("days") in (None, ["weekdays"])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("enabled",), False),
        (("profiles", 0, "rules", 0, "metricTrigger", "timeGrain"), "PT90S"),
        (("profiles", 0, "rules", 0, "metricTrigger", "metricName"), "Unknown"),
        (("profiles", 0, "rules", 0, "metricTrigger", "metricResourceUri"), "/subscriptions/other"),
        (("profiles", 0, "rules", 0, "scaleAction", "type"), "ServiceAllowedNextValue"),
        (("profiles", 0, "capacity", "minimum"), "0"),
        (("profiles", 0, "capacity"), None),
        (("profiles",), []),
    ],
)
def test_what_a_block_cannot_express(path: tuple[Any, ...], value: Any) -> None:
    raw = copy.deepcopy(setting({"maximum": 4, "rules": [RULE]}))
    place = raw["properties"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert imported_setting(raw) == {}
