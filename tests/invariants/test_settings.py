"""What leaves the spec leaves the workspace too, and what an `azure:` block says is compared like the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from worlds import World, changes

from phift import phases
from phift.phases import Request
from phift.plan.model import FieldChange, Plan
from phift.state.ownership import FIELDS, ID, RAW

SERVING: dict[str, Any] = {"instance_type": "Standard_NC24ads_A100_v4", "instance_count": 1}
USER = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/me"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def visible(plan: Plan, address: str) -> dict[str, tuple[Any, Any, str]]:
    found = next(r for r in plan.resources if str(r.address) == address)
    return {c.path: (c.live, c.wanted, c.reason) for c in found.visible_changes}


def of(world: World, collection: str) -> dict[str, Any]:
    found = [d for p, d in world.memory.documents.items() if p.split("/")[-2] == collection.lower()]
    return found[0]


@pytest.mark.parametrize(
    ("block", "field", "value", "default"),
    [
        ({"request_settings": {"request_timeout_ms": 90000}}, "request_settings.request_timeout_ms", 90000, 5000),
        ({"request_settings": {"max_concurrent_requests_per_instance": 4}},
         "request_settings.max_concurrent_requests_per_instance", 4, 1),
        ({"liveness_probe": {"initial_delay": 600}}, "liveness_probe.initial_delay", 600, 10),
        ({"readiness_probe": {"failure_threshold": 3}}, "readiness_probe.failure_threshold", 3, 30),
        ({"description": "on trial"}, "description", "on trial", None),
        ({"data_collector": {"collections": {"model_inputs": {"enabled": True}}}},
         "data_collector.collections.model_inputs.enabled", True, None),
        ({"properties": {"purpose": "trial"}}, "properties.purpose", "trial", None),
    ],
)  # fmt: skip
def test_a_setting_that_leaves_the_spec_is_taken_back(
    world: World, block: dict[str, Any], field: str, value: Any, default: Any
) -> None:
    world.apply(world.write("a.yaml", "alpha", deployment={**SERVING, **block}))
    reverted = world.write("a.yaml", "alpha", deployment=SERVING)
    plan = world.plan(reverted)
    assert changes(plan) == {"deployment.main": "update"}
    assert visible(plan, "deployment.main") == {field: (value, default, "removed from the spec")}
    world.apply(reverted)
    again = world.plan(reverted)
    assert not again.changes_something
    document = of(world, "deployments")
    assert field not in document["properties"]["properties"].get(FIELDS, "")


def test_a_collection_that_leaves_the_spec_is_no_longer_stored(world: World) -> None:
    def collecting(*names: str) -> dict[str, Any]:
        return {**SERVING, "data_collector": {"collections": {name: {"enabled": True} for name in names}}}

    world.apply(world.write("a.yaml", "alpha", deployment=collecting("model_inputs", "model_outputs")))
    fewer = world.write("a.yaml", "alpha", deployment=collecting("model_outputs"))
    assert list(visible(world.plan(fewer), "deployment.main")) == ["data_collector.collections.model_inputs.enabled"]
    world.apply(fewer)
    assert list(of(world, "deployments")["properties"]["dataCollector"]["collections"]) == ["model_outputs"]
    none = world.write("a.yaml", "alpha", deployment=SERVING)
    world.apply(none)
    assert not of(world, "deployments")["properties"].get("dataCollector")
    assert not world.plan(none).changes_something


def test_what_cannot_be_taken_back_in_place_makes_a_new_deployment(world: World) -> None:
    world.apply(world.write("a.yaml", "alpha", deployment={**SERVING, "egress_public_network_access": "disabled"}))
    plan = world.plan(world.write("a.yaml", "alpha", deployment=SERVING))
    assert changes(plan)["deployment.main"] == "replace"
    assert visible(plan, "deployment.main")["egress_public_network_access"][:2] == ("disabled", "enabled")


def test_the_identity_of_an_endpoint_stays_and_a_warning_says_so(world: World) -> None:
    identity = {"type": "user_assigned", "user_assigned_identities": [USER]}
    world.apply(world.write("a.yaml", "alpha", endpoint={"identity": identity}))
    reverted = world.write("a.yaml", "alpha")
    plan = world.plan(reverted)
    assert not plan.changes_something
    (warning,) = [d for d in plan.warnings if d.code == "setting-stays"]
    assert "identity.type" in warning.summary
    assert "identity of an endpoint cannot be changed" in warning.detail


@pytest.mark.parametrize("kind", ["endpoint", "compute", "model"])
def test_a_description_is_taken_back_from_every_kind(world: World, kind: str) -> None:
    blocks: dict[str, Any] = {
        "endpoint": {"endpoint": {"description": "on trial"}},
        "model": {"model": {"name": "alpha", "description": "on trial"}},
        "compute": {"compute": {"finetune": {"name": "gpu", "size": SERVING["instance_type"], "description": "x"}}},
    }
    without: dict[str, Any] = {
        "endpoint": {"endpoint": {}},
        "model": {"model": {"name": "alpha"}},
        "compute": {"compute": {"finetune": {"name": "gpu", "size": SERVING["instance_type"]}}},
    }
    world.apply(world.write("a.yaml", "alpha", **blocks[kind]))
    reverted = world.write("a.yaml", "alpha", **without[kind])
    (address,) = changes(world.plan(reverted))
    assert address.partition(".")[0] == kind
    world.apply(reverted)
    assert not world.plan(reverted).changes_something


def test_what_somebody_else_set_is_left_alone(world: World) -> None:
    spec = world.write("a.yaml", "alpha", deployment=SERVING)
    world.apply(spec)
    of(world, "deployments")["properties"]["requestSettings"] = {"requestTimeout": "PT60S"}
    assert not world.plan(spec).changes_something


def test_an_object_of_release_0_1_0_is_compared_from_its_next_write_on(world: World) -> None:
    trial = {**SERVING, "description": "on trial", "azure": {"properties": {"modelMountPath": "/x"}}}
    world.apply(world.write("a.yaml", "alpha", deployment=trial))
    document = of(world, "deployments")
    for mark in (ID, FIELDS, RAW):
        document["tags"].pop(mark, None)
        document["properties"]["properties"].pop(mark, None)
    assert not world.plan(world.write("a.yaml", "alpha", deployment=SERVING)).changes_something


def azure(world: World, block: dict[str, Any] | None, **more: Any) -> Request:
    serving = {**SERVING, **more, **({"azure": block} if block is not None else {})}
    return world.write("a.yaml", "alpha", deployment=serving)


def test_an_override_is_shown_on_creation_and_applied_when_edited(world: World) -> None:
    block = {"properties": {"modelMountPath": "/models", "hidden": {"deep": 1}}}
    plan = world.plan(azure(world, block))
    assert next(r for r in plan.resources if str(r.address) == "deployment.main").details["azure"] == block
    world.apply(azure(world, block))
    assert not world.plan(azure(world, block)).changes_something
    edited = {"properties": {"modelMountPath": "/other", "hidden": {"deep": 1}}}
    plan = world.plan(azure(world, edited))
    assert changes(plan) == {"deployment.main": "update"}
    assert visible(plan, "deployment.main") == {"azure.properties.modelMountPath": ("/models", "/other", "")}
    world.apply(azure(world, edited))
    assert of(world, "deployments")["properties"]["modelMountPath"] == "/other"
    assert not world.plan(azure(world, edited)).changes_something


def test_an_override_that_the_service_hides_is_compared_by_its_mark(world: World) -> None:
    world.apply(azure(world, {"properties": {"secretSauce": 1}}))
    del of(world, "deployments")["properties"]["secretSauce"]
    assert not world.plan(azure(world, {"properties": {"secretSauce": 1}})).changes_something
    plan = world.plan(azure(world, {"properties": {"secretSauce": 2}}))
    (change,) = visible(plan, "deployment.main").items()
    assert change == (
        "azure.properties.secretSauce",
        (None, 2, "the service does not return it; compared with the value that phift wrote last"),
    )


def test_an_override_that_leaves_the_spec_is_taken_back(world: World) -> None:
    world.apply(azure(world, {"properties": {"modelMountPath": "/models"}}))
    plan = world.plan(azure(world, None))
    assert visible(plan, "deployment.main") == {
        "azure.properties.modelMountPath": ("/models", None, "removed from the spec")
    }
    world.apply(azure(world, None))
    assert "modelMountPath" not in of(world, "deployments")["properties"]
    assert not world.plan(azure(world, None)).changes_something


def test_an_override_of_an_endpoint_is_taken_back_although_a_write_starts_from_the_live_document(world: World) -> None:
    def spec(block: dict[str, Any]) -> Request:
        return world.write("a.yaml", "alpha", endpoint=block)

    world.apply(spec({"azure": {"properties": {"mirrorTraffic": {"x": 10}}}}))
    plan = world.plan(spec({}))
    assert changes(plan) == {"endpoint.main": "update"}
    world.apply(spec({}))
    assert not of(world, "onlineEndpoints")["properties"]["mirrorTraffic"]
    assert not world.plan(spec({})).changes_something


def test_an_override_decides_the_property_that_it_covers(world: World) -> None:
    """Not an eternal difference between the property and what the override made of it."""
    spec = azure(world, {"sku": {"capacity": 3}, "properties": {"description": "theirs"}}, description="mine")
    world.apply(spec)
    assert of(world, "deployments")["sku"]["capacity"] == 3
    assert not world.plan(spec).changes_something
    of(world, "deployments")["sku"]["capacity"] = 5
    plan = world.plan(spec)
    found: FieldChange = next(r for r in plan.resources if str(r.address) == "deployment.main").changes[0]
    assert (found.path, found.live, found.wanted, found.by) == ("azure.sku.capacity", 5, 3, "outside")


@pytest.mark.parametrize("live", [USER, USER.upper().replace("/SUBSCRIPTIONS", "/subscriptions")])
def test_resource_ids_in_an_override_are_case_insensitive(world: World, live: str) -> None:
    block = {"identity": {"userAssigned": [USER]}, "properties": {"host": USER}}
    world.apply(azure(world, block))
    document = of(world, "deployments")
    document["identity"]["userAssigned"], document["properties"]["host"] = [live], live
    assert not world.plan(azure(world, block)).changes_something


def test_an_override_of_what_is_made_once_takes_effect_with_the_next(world: World) -> None:
    world.apply(world.write("a.yaml", "alpha"))
    jobs = world.names("jobs")
    finetune = {
        "component": "azureml://registries/azureml/components/chat_completion_pipeline/labels/latest",
        "parameters": {"learning_rate": 0.001},
        "azure": {"properties": {"settings": {"defaultComputeName": "other"}}},
    }
    spec = world.write("a.yaml", "alpha", finetune=finetune, model={"name": "alpha", "azure": {"properties": {"x": 1}}})
    plan = world.plan(spec)
    assert not plan.changes_something
    notes = {str(r.address): r.notes for r in plan.resources if r.notes}
    assert "takes effect with the next run" in notes["job.finetune"][0]
    assert "takes effect with the next version" in notes["model.finetuned"][0]
    world.apply(spec)
    assert world.names("jobs") == jobs


def test_a_revert_after_a_drift_is_told_from_the_drift(world: World) -> None:
    spec = azure(world, {"properties": {"modelMountPath": "/models"}})
    world.apply(spec)
    of(world, "deployments")["properties"]["modelMountPath"] = "/elsewhere"
    found = phases.drift(spec, world.memory.connect)
    assert [str(r.address) for r in found.outside] == ["deployment.main"]
