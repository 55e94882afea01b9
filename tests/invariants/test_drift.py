"""What `phift drift` tells apart: changed by others, not applied yet, failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from worlds import World, changes

from phift import phases
from phift.address import Address
from phift.phases import ApplyOptions, Drift, Request
from phift.views import json as documents
from phift.views.human import drift as view


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def told(found: Drift) -> dict[str, list[str]]:
    return {what: [str(r.address) for r in getattr(found, what)] for what in ("outside", "unapplied", "failed")}


def broken(world: World, path: str) -> None:
    document = next(d for key, d in world.memory.documents.items() if key.endswith(path.lower()))
    document["properties"]["provisioningState"] = "Failed"
    document["properties"]["provisioningErrors"] = [{"error": {"code": "OutOfCapacity", "message": "none left"}}]


def test_what_failed_is_no_change_of_the_author(world: World) -> None:
    request = world.write("a.yaml", "shop")
    world.apply(request)
    assert told(phases.drift(request, world.memory.connect)) == {"outside": [], "unapplied": [], "failed": []}
    broken(world, "/computes/gpu")
    found = phases.drift(request, world.memory.connect)
    assert told(found) == {"outside": [], "unapplied": [], "failed": ["compute.finetune"]}
    text = view.render(found)
    assert "# compute.finetune is in state Failed\n  # OutOfCapacity: none left\n" in text
    assert f"Next: phift apply {request.path} (replaces it)." in " ".join(text.split("\n  # "))
    assert "Not applied yet" not in text
    assert "1 resource in state Failed." in " ".join(text.split())
    document = json.loads(documents.drift(found))
    assert (document["drift"], [r["details"]["state"] for r in document["failed"]]) == (False, ["Failed"])
    world.apply(request)
    assert told(phases.drift(request, world.memory.connect))["failed"] == []


def test_a_failed_deployment_names_its_log(world: World) -> None:
    request: Request = world.write("a.yaml", "shop")
    world.apply(request)
    (endpoint,) = world.names("onlineEndpoints")
    (deployment,) = world.names(f"onlineEndpoints/{endpoint}/deployments")
    broken(world, f"/deployments/{deployment}")
    found = phases.drift(request, world.memory.connect)
    assert told(found)["failed"] == ["deployment.main"]
    assert "phift logs" in view.render(found)


def test_traffic_that_was_never_given_was_not_taken_away(world: World) -> None:
    def deployed_only(request: Request) -> None:
        plan = world.plan(request, select=[Address("deployment", "main")])
        options = ApplyOptions()
        finished = phases.apply(plan, request, world.memory.connect, listener=world.events.append, options=options)
        assert finished.exit_code == 0

    request = world.write("a.yaml", "shop")
    deployed_only(request)
    found = told(phases.drift(request, world.memory.connect))
    assert (found["outside"], found["unapplied"]) == ([], ["traffic.main"])

    world.apply(request)
    (endpoint,) = world.names("onlineEndpoints")
    document = next(d for key, d in world.memory.documents.items() if key.endswith(f"/onlineendpoints/{endpoint}"))
    given = document["properties"]["traffic"]
    document["properties"]["traffic"] = {}
    assert told(phases.drift(request, world.memory.connect))["outside"] == ["traffic.main"]

    document["properties"]["traffic"] = given
    beside = {"instance_type": "Standard_NC48ads_A100_v4", "instance_count": 1}
    request = world.write("a.yaml", "shop", deployment=beside)
    deployed_only(request)
    found = told(phases.drift(request, world.memory.connect))
    assert (found["outside"], found["unapplied"][0]) == ([], "traffic.main")


def removed(world: World, collection: str) -> None:
    (path,) = [path for path in world.memory.documents if f"/{collection}/" in path]
    world.memory.remove(path)


@pytest.mark.parametrize(("collection", "address"), [("data", "data.train"), ("models", "model.finetuned")])
def test_a_version_that_was_removed_is_told_by_its_content(world: World, collection: str, address: str) -> None:
    """Versions share a name: the ledger knows them by their digests."""
    request = world.write("a.yaml", "shop")
    world.apply(request)
    removed(world, collection)
    assert told(phases.drift(request, world.memory.connect))["outside"] == [address]
    plan = world.plan(request)
    (again,) = [r for r in plan.resources if r.action.changes_something]
    assert (str(again.address), again.reason) == (address, "removed outside")
    world.apply(request)
    assert told(phases.drift(request, world.memory.connect))["outside"] == []


def test_a_version_that_the_spec_wants_anew_was_not_removed(world: World) -> None:
    world.apply(world.write("a.yaml", "shop"))
    request = world.write("a.yaml", "shop", finetune={"parameters": {"learning_rate": 0.002}})
    found = told(phases.drift(request, world.memory.connect))
    assert found["outside"] == []
    assert "model.finetuned" in found["unapplied"]


def test_a_version_that_was_archived_by_a_destroy_and_then_removed_is_no_drift(world: World) -> None:
    request = world.write("a.yaml", "shop")
    world.apply(request)
    world.apply(request, phases.destroy_plan(request, world.memory.connect, archive=True))
    removed(world, "models")
    assert told(phases.drift(request, world.memory.connect))["outside"] == []


def test_what_drift_advises_for_a_cluster_without_tags_claims_it(world: World) -> None:
    """Its name is the author's, so a plan asks the ledger about it only when it is to take over."""
    request = world.write("a.yaml", "shop")
    world.apply(request)
    cluster = next(d for path, d in world.memory.documents.items() if path.endswith("/computes/gpu"))
    cluster["tags"] = {}
    found = phases.drift(request, world.memory.connect)
    assert [str(r.address) for r in found.claimable] == ["compute.finetune"]
    assert "--take-over" in view.render(found)
    assert not world.plan(request).changes_something
    plan = world.plan(request, take_over=True)
    assert changes(plan) == {"compute.finetune": "adopt"}
    world.apply(request, plan)
    assert told(phases.drift(request, world.memory.connect))["outside"] == []


def test_a_model_whose_tags_are_lost_is_found_and_not_registered_twice(world: World) -> None:
    """The tag holds the digest; the properties, which nobody can change, hold what it covers."""
    request = world.write("a.yaml", "shop")
    world.apply(request)
    model = next(d for path, d in world.memory.documents.items() if "/models/" in path)
    model["properties"]["tags"] = {}
    assert not world.plan(request).changes_something
    other = world.write("a.yaml", "shop", finetune={"parameters": {"learning_rate": 0.002}})
    assert changes(world.plan(other))["model.finetuned"] == "create"
