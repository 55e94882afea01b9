"""What Azure compares case-insensitively: VM sizes, names of tags, resource ids. None of it makes a change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from memory import cloned
from worlds import World, changes

from phift.compile.naming import deployment_name
from phift.digest import digest_of
from phift.spec import load
from phift.state.ownership import INPUTS, marks_of
from phift.workbench.open import workbench_of

SIZE = "Standard_NC24ads_A100_v4"
IDENTITY = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Me"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("spelling", [SIZE.lower(), SIZE.upper(), "standard_nc24ADS_a100_V4"])
@pytest.mark.parametrize("strategy", ["blue_green", "in_place", "replace"])
def test_a_size_in_another_case_is_the_same_size(world: World, spelling: str, strategy: str) -> None:
    rollout = {"strategy": strategy}
    world.apply(world.write("a.yaml", "alpha", rollout=rollout))
    cluster = {"finetune": {"name": "gpu", "size": spelling, "max_instances": 1}}
    again = world.write("a.yaml", "alpha", rollout=rollout, compute=cluster, deployment={"instance_type": spelling})
    assert not world.plan(again).changes_something


def test_an_unknown_size_in_another_case_is_the_same_size(world: World) -> None:
    serve = {"base_model": None, "data": None, "finetune": None, "compute": None}
    model = {"path": "azureml://datastores/workspaceblobstore/paths/mine", "type": "mlflow_model"}
    world.memory.blobs.put("mine", b"weights")
    for spelling in ("Standard_New_v9", "STANDARD_new_v9"):
        spec = world.write("a.yaml", "alpha", model=model, deployment={"instance_type": spelling}, **serve)
        world.memory.offer("Standard_New_v9")
        if world.names("onlineEndpoints"):
            assert not world.plan(spec).changes_something
        else:
            world.apply(spec)


def test_a_deployment_that_release_0_1_0_named_by_another_spelling_stays(world: World) -> None:
    spec = world.write("a.yaml", "alpha", deployment={"instance_type": SIZE.lower()})
    world.apply(spec)
    bench = workbench_of(load(spec.path), world.memory.connect)
    (desired,) = bench.stack.of_kind("deployment")
    inputs = {**desired.inputs, "instance_type": SIZE.lower()}
    digest = digest_of({"digest_version": 1, **inputs})
    name = deployment_name(digest)
    assert name in desired.former_names
    path = next(p for p in world.memory.documents if p.endswith(f"/deployments/{desired.name}"))
    document = cloned(world.memory.documents[path], desired.name, name)
    old = replace(desired, name=name, digest=digest, inputs=inputs)
    marks = marks_of(old, stack="alpha", claim=bench.stack.claim, object_id=document["id"])
    document["properties"]["properties"] = {INPUTS: marks.pop(INPUTS)}
    document["tags"].update(marks)
    world.memory.remove(path)
    world.memory.keep(path.replace(desired.name, name), document)
    endpoint = next(d for p, d in world.memory.documents.items() if p.rpartition("/")[0].endswith("/onlineendpoints"))
    endpoint["properties"]["traffic"] = {name: 100}
    assert changes(world.plan(spec)) == {}
    respelled = world.write("a.yaml", "alpha", deployment={"instance_type": SIZE})
    assert changes(world.plan(respelled)) == {}


def test_names_of_tags_in_another_case_are_the_same_tags(world: World) -> None:
    world.apply(world.write("a.yaml", "alpha", tags={"team": "a", "cost": "1"}))
    assert not world.plan(world.write("a.yaml", "alpha", tags={"Team": "a", "COST": "1"})).changes_something
    changed = world.write("a.yaml", "alpha", tags={"Team": "b", "COST": "1"})
    world.apply(changed)
    assert not world.plan(changed).changes_something
    for document in world.memory.documents.values():
        names = [n.lower() for n in document.get("tags") or {}]
        assert len(names) == len(set(names)), "no tag is written twice"


def test_a_block_overrides_a_tag_of_the_spec_whatever_its_case(world: World) -> None:
    serving = {"instance_type": SIZE, "instance_count": 1, "tags": {"TEAM": "serving"}}
    spec = world.write("a.yaml", "alpha", tags={"team": "a"}, deployment=serving)
    world.apply(spec)
    document = next(d for p, d in world.memory.documents.items() if "/deployments/" in p)
    assert {k: v for k, v in document["tags"].items() if not k.startswith("phift.")} == {"TEAM": "serving"}


def test_marks_in_another_case_are_still_marks(world: World) -> None:
    spec = world.write("a.yaml", "alpha")
    world.apply(spec)
    for document in world.memory.documents.values():
        if document.get("tags"):
            document["tags"] = {name.title(): value for name, value in document["tags"].items()}
    assert not world.plan(spec).changes_something


def test_the_id_of_an_identity_in_another_case_is_the_same_identity(world: World) -> None:
    def endpoint(identity: str) -> dict[str, object]:
        return {"identity": {"type": "user_assigned", "user_assigned_identities": [identity]}}

    world.apply(world.write("a.yaml", "alpha", endpoint=endpoint(IDENTITY)))
    assert not world.plan(world.write("a.yaml", "alpha", endpoint=endpoint(IDENTITY.lower()))).changes_something
