"""Mirrored traffic: which is accepted, and copies of requests that are really sent."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.host.lifecycle import Connection
from phift.emulator.services.endpoints.traffic import check_mirror, mirror_in_force, rerouted, sampled
from tests.emulator.client import Azure
from tests.emulator.serving import API, Serving, refused, until

SCRIPT = """
import json, os, time

def init():
    pass

def run(data):
    asked = json.loads(data)
    with open(os.environ["SEEN"], "a") as stream:
        stream.write(f"{os.environ['VARIANT']} {asked.get('n')}\\n")
    if os.environ["VARIANT"] == "green":
        until = time.monotonic() + 30
        while asked.get("green_hold") and not os.path.exists(asked["green_hold"]) and time.monotonic() < until:
            time.sleep(0.02)
        if asked.get("green_fail"):
            raise RuntimeError("asked to fail")
        with open(os.environ["SEEN"], "a") as stream:
            stream.write(f"answered {asked.get('n')}\\n")
    return {"variant": os.environ["VARIANT"]}
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the containers were asked: a line a request, `variant n`."""
    return tmp_path_factory.mktemp("seen") / "requests.txt"


@pytest.fixture(scope="module")
def endpoint(served: Connection, seen: Path) -> Iterator[str]:
    """Blue with all the traffic, green with none."""
    azure = Azure(served)
    with azure.session:
        serving = Serving(azure)
        serving.endpoint("mirror")
        model = serving.model("mirror", {"weights.bin": b"0"}, "custom_model")
        code = {"codeId": serving.code("mirror", SCRIPT), "scoringScript": "score.py"}
        started = [
            serving.put_deployment(
                "mirror",
                name,
                model,
                codeConfiguration=code,
                requestSettings={"requestTimeout": "PT60S", "maxConcurrentRequestsPerInstance": 1},
                environmentVariables={"VARIANT": name, "SEEN": str(seen)},
            )
            for name in ("blue", "green")
        ]
        for each in started:
            serving.ok(each)
        serving.endpoint("mirror", traffic={"blue": 100})
        yield "mirror"


@pytest.fixture
def serving(azure: Azure) -> Serving:
    return Serving(azure)


def lines(seen: Path, variant: str) -> list[str]:
    return [line for line in seen.read_text().splitlines() if line.startswith(variant)] if seen.exists() else []


STATES = {"blue": "Succeeded", "Green": "Succeeded", "new": "Creating", "third": "Succeeded"}


@pytest.mark.parametrize(
    ("mirror", "why"),
    [
        ({"green": 51}, "At most 50 %"),
        ({"green": 101}, "from 0 to 100"),
        ({"green": -1}, "from 0 to 100"),
        ({"green": 10.5}, "whole number"),
        ({"green": True}, "whole number"),
        ({"green": 10, "third": 10}, "one deployment only"),
        ({"BLUE": 10}, "live or mirrored traffic, not both"),
        ({"new": 10}, "in state Creating"),
        ({"red": 10}, "does not exist"),
        ([], "must be an object"),
    ],
)
def test_mirrored_traffic_that_is_refused(mirror: Any, why: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        check_mirror(mirror, {"blue": 100, "Green": 0}, STATES)
    assert why in caught.value.details[0]["message"]  # type: ignore[attr-defined]


def test_mirrored_traffic_that_is_accepted() -> None:
    live = {"blue": 100}
    assert check_mirror(None, live, STATES) == {}
    assert check_mirror({"GREEN": 50, "third": 0}, live, STATES) == {"Green": 50, "third": 0}
    assert check_mirror({"blue": 0}, live, STATES) == {"blue": 0}


def test_the_sample_is_the_percentage_and_lags_as_traffic_does() -> None:
    drawn = sum(sampled({"green": 20, "third": 0}) == "green" for _ in range(5000))
    assert 850 < drawn < 1150
    assert sampled({}) is None
    record = {"routed": {"blue": 100}}
    assert mirror_in_force(record) == {}, "a record of an earlier release"
    later = rerouted(record, {"blue": 100}, {"green": 10}, 60)
    assert (later["mirrored"], mirror_in_force(later)) == ({}, {})
    assert mirror_in_force({**later, "reroute": {**later["reroute"], "at": time.time() - 1}}) == {"green": 10}
    assert mirror_in_force(rerouted(record, {"blue": 100}, {"green": 10}, 0)) == {"green": 10}


def test_copies_are_sent_and_nobody_waits_for_them(serving: Serving, endpoint: str, seen: Path, tmp_path: Path) -> None:
    serving.endpoint(endpoint, traffic={"blue": 100}, mirrorTraffic={"GREEN": 50})
    shown = serving.get(endpoint)["properties"]
    assert (shown["traffic"], shown["mirrorTraffic"]) == ({"blue": 100}, {"green": 50})
    key = serving.key(endpoint)
    for n in range(40):
        answer = serving.score(endpoint, {"n": n}, key=key)
        assert (answer.status_code, answer.json()["variant"]) == (200, "blue")
    until(lambda: len(lines(seen, "green")) > 5)
    copies = {line.split()[1] for line in lines(seen, "green")}
    assert len(copies) < 36
    assert copies <= {line.split()[1] for line in lines(seen, "blue")}

    release = tmp_path / "release"
    try:
        for number in range(6):
            for body in (
                {"n": f"fails-{number}", "green_fail": 1},
                {"n": f"hangs-{number}", "green_hold": str(release)},
            ):
                assert serving.score(endpoint, body, key=key).status_code == 200
        assert not [line for line in lines(seen, "answered") if "hangs" in line], "an answer waited for a copy"
        until(lambda: [line for line in lines(seen, "green") if "hangs" in line or "fails" in line])
    finally:
        release.touch()


def test_a_request_that_names_a_deployment_is_not_copied(serving: Serving, endpoint: str, seen: Path) -> None:
    serving.endpoint(endpoint, traffic={"blue": 100}, mirrorTraffic={"green": 50})
    key = serving.key(endpoint)
    for n in range(12):
        assert serving.score(endpoint, {"n": f"named-{n}"}, key=key, deployment="blue").status_code == 200
    later = itertools.count()

    def copied() -> bool:
        serving.score(endpoint, {"n": f"later-{next(later)}"}, key=key)
        return any("later" in line for line in lines(seen, "green"))

    until(copied)  # copies leave in the order of their requests
    assert not [line for line in lines(seen, "green") if "named" in line]


def test_the_rules_hold_at_the_endpoint(serving: Serving, endpoint: str) -> None:
    both = serving.put_endpoint(endpoint, traffic={"blue": 90, "green": 10}, mirrorTraffic={"green": 10})
    assert "not both" in refused(both)["errors"]["MirrorTraffic"][0]
    early = serving.put_endpoint("mirror-early", mirrorTraffic={"green": 10})
    assert "cannot be set when" in refused(early)["errors"]["MirrorTraffic"][0]
    assert serving.put_endpoint(endpoint, traffic={"blue": 100}, mirrorTraffic={"green": "10"}).status_code == 400


def test_traffic_is_patched_and_a_put_without_it_clears_it(serving: Serving, endpoint: str) -> None:
    serving.endpoint(endpoint, traffic={"blue": 100})
    path = f"onlineEndpoints/{endpoint}"
    started = serving.azure.call("PATCH", path, {"properties": {"mirrorTraffic": {"green": 5}}}, api=API)
    assert (started.status_code, started.json()["properties"]["provisioningState"]) == (202, "Updating")
    serving.ok(started)
    shown = serving.get(endpoint)
    assert (shown["properties"]["mirrorTraffic"], shown["tags"]) == ({"green": 5}, {"a": "b"})
    assert (
        "MirrorTraffic"
        in refused(serving.azure.call("PATCH", path, {"properties": {"traffic": {"green": 100}}}, api=API))["errors"]
    )
    serving.endpoint(endpoint, traffic={"blue": 100})
    assert serving.get(endpoint)["properties"]["mirrorTraffic"] == {}


def test_mirrored_traffic_ends_with_its_deployment(serving: Serving, endpoint: str) -> None:
    serving.endpoint(endpoint, traffic={"blue": 100}, mirrorTraffic={"green": 50})
    serving.azure.admin("PUT", "/assumed", {"mirrored_deployment_is_deleted": False})
    text = refused(serving.delete(f"{endpoint}/deployments/green"))["errors"][""][0]
    assert "Set its mirrored traffic to 0 first" in text
    serving.azure.admin("PUT", "/assumed", {"mirrored_deployment_is_deleted": True})
    serving.ok(serving.delete(f"{endpoint}/deployments/green"))
    assert serving.get(endpoint)["properties"]["mirrorTraffic"] == {}
    key = serving.key(endpoint)
    assert {serving.score(endpoint, {}, key=key).status_code for _ in range(6)} == {200}
