"""The emulator answers as the service was recorded to answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from phift.emulator.host import lifecycle
from phift.emulator.host.lifecycle import Connection
from tests.emulator.client import Azure
from tests.emulator.replay import ENTRIES, Replay, differences
from tests.emulator.replay_steps import prepare

_REPLAYED = [e for e in ENTRIES.values() if "not_applicable" not in e and not e.get("setup_only")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
        patch.setenv("PHIFT_EMULATOR_DEPLOYMENTS", "rehearse")
        home = tmp_path_factory.mktemp("recorded") / "home"
        connection = lifecycle.ensure(home, idle_seconds=600)
    yield connection
    lifecycle.stop(home)


@pytest.fixture
def replay(azure: Azure) -> Iterator[Replay]:
    c = azure.connection
    provider = f"/subscriptions/{c.subscription_id}/providers/Microsoft.MachineLearningServices"
    datastore = azure.call("GET", "datastores/workspaceblobstore", api="2024-07-01-preview").json()["properties"]
    workspace = azure.call("GET", azure.workspace, api="2024-10-01-preview").json()["properties"]
    yield Replay(
        azure,
        {
            "WS": azure.workspace,
            "LOC": f"{provider}/locations/{c.location}",
            "sub": c.subscription_id,
            "rg": c.resource_group,
            "ws": c.workspace_name,
            "location": c.location,
            "workspace_id": workspace["workspaceId"],
            "account": datastore["accountName"],
            "container": datastore["containerName"],
        },
    )
    azure.admin("PUT", "/settings", {"pace": "fast"})
    azure.admin("PUT", "/storage", {"allowSharedKeyAccess": True})


@pytest.mark.parametrize("entry", _REPLAYED, ids=[entry["name"] for entry in _REPLAYED])
def test_the_answer_is_the_recorded_one(replay: Replay, entry: dict[str, Any]) -> None:
    prepare(replay, entry)
    replay.send(entry)
    found = replay.check(entry) + replay.check_names(entry)
    assert not found, "\n".join(found)


def test_the_names_of_headers_are_recorded_of_every_kind_of_host() -> None:
    listed = [entry for entry in _REPLAYED if "also" in entry]
    assert len(listed) > 60
    hosts = {entry["request"].get("host", "management.azure.com").rpartition("}.")[2] for entry in listed}
    assert hosts >= {"management.azure.com", "blob.core.windows.net", "api.azureml.ms"}


def test_the_comparison_of_names_sees_both_directions(replay: Replay) -> None:
    replay.send(ENTRIES["workspace"])
    entry = {**ENTRIES["workspace"], "also": ["(arm)", "x-ms-made-up"]}
    assert replay.check_names(entry) == [
        "header x-ms-made-up: missing",
        "header x-ms-ratelimit-remaining-subscription-global-reads: not in the recording",
        "header x-ms-ratelimit-remaining-subscription-reads: not in the recording",
    ]


def test_what_is_not_replayed_has_a_reason() -> None:
    left_out = {name: entry["not_applicable"] for name, entry in ENTRIES.items() if "not_applicable" in entry}
    assert all(len(reason) > 30 for reason in left_out.values())
    assert len(_REPLAYED) > 5 * len(left_out)


@pytest.mark.parametrize(
    ("wanted", "given", "count"),
    [
        ({"a": 1}, {"a": 1}, 0),
        ({"a": 1}, {"a": 1, "b": 2}, 1),
        ({"a": 1, "b": 2}, {"a": 1}, 1),
        ({"a": None}, {"a": {}}, 1),
        ({"a": 0}, {"a": False}, 1),
        ({"a": 0.0}, {"a": 0}, 1),
        ("$guid", "not a guid", 1),
        ("$time", "2026-03-01T00:00:00.1234567+00:00", 0),
        ("$time", "2026-03-01T00:00:00Z", 1),
        ("$like a*c", "abbbc", 0),
        ("$like a*c", "abbb", 1),
        (["$each", {"a": "$int"}], [{"a": 1}, {"a": 2}], 0),
        (["$each", {"a": "$int"}], [], 1),
    ],
)
def test_the_comparison_sees_differences(wanted: Any, given: Any, count: int) -> None:
    assert len(differences(wanted, given, "")) == count
