"""Every check before spending, with a case that passes and one that does not. Values alone: no service is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support import SPEC, row, wanted

from phift.azure.facts import RemoteFacts
from phift.data.recipe import Recipe
from phift.data.sources import identify
from phift.diagnostics import Diagnostic, Severity
from phift.kinds.compute.parts import FINETUNE, ComputeParts
from phift.kinds.data.parts import DataParts
from phift.kinds.deployment.parts import DeploymentObservation, DeploymentParts
from phift.kinds.model.parts import ReferenceParts
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.preflight import Subject, check
from phift.preflight.run import all_checks
from phift.spec import LoadedSpec, load
from phift.spec.money import PriceBlock
from phift.state.desired import Desired, Stack
from phift.state.facts import AllowList, BaseModel, Facts, Size
from phift.state.live import Live, Observation
from phift.state.ownership import Claim, Owner, Ownership
from phift.state.permissions import Permission, Permissions
from phift.state.source import Source

OWNER = Permissions((Permission(("*",), data_actions=("*",)),))
NOTHING = cast(RemoteFacts, SimpleNamespace(usages=tuple, permissions=lambda: OWNER))
CLAIM = Claim("", Source.parse("#spec.yaml"))

A100 = Size("Standard_NC24ads_A100_v4", 24, 1)
CPU = Size("Standard_D4_v2", 4, 0)
SIZES = {s.name.lower(): s for s in (A100, CPU, Size("Standard_ND96asr_v4", 96, 8))}
MODEL = BaseModel("i", "azureml", "m", "1", finetune=AllowList((A100.name,), "tags"))
PARTS = ComputeParts(FINETUNE)
CLUSTER = wanted("compute", "finetune", "gpu", {"size": A100.name, "max_instances": 1}, parts=PARTS)
REFERENCE = replace(CLUSTER, properties={}, owned=False)
SERVED = wanted("model", "served", "m", digest="d", parts=ReferenceParts("3"), owned=False)


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedSpec:
    for split in ("train", "test"):
        (tmp_path / f"{split}.jsonl").write_text(row("q?", "a") + "\n")
    (tmp_path / "spec.yaml").write_text(SPEC.format(stack="facts"))
    return load(tmp_path / "spec.yaml", environ={})


def there(desired: Desired[Any], ownership: Ownership = Ownership.UNMARKED, **more: Any) -> Live:
    fields = {
        "properties": {"size": A100.name, "max_instances": 1},
        "raw": {"properties": {"computeType": "AmlCompute"}},
        **more,
    }
    return Live(name=desired.name, object_id="/x", owner=Owner(ownership), **fields)


def codes(loaded: LoadedSpec, desired: Desired[Any], live: Live | None = None, **facts: Any) -> list[str]:
    known = Facts("/x", "eastus", **{"base_model": MODEL, "sizes": SIZES, **facts})
    stack = Stack("s", "local", CLAIM, (desired,))
    planned = (PlannedResource(desired.address, Action.NO_OP if live else Action.CREATE, desired.name),)
    found = check(Subject(loaded, stack, known, {desired.address: Observation(live)}, planned, NOTHING))
    assert all(f.remedy or f.severity is Severity.WARNING for f in found), found
    return [str(f.code) for f in found]


def test_a_new_cluster_of_an_allowed_size_passes(loaded: LoadedSpec) -> None:
    assert codes(loaded, CLUSTER) == []


def with_(desired: Desired[Any], **properties: Any) -> Desired[Any]:
    return replace(desired, properties={**desired.properties, **properties})


@pytest.mark.parametrize(
    ("desired", "live", "facts", "expected"),
    [
        (with_(CLUSTER, size="STANDARD_nc24ads_a100_V4"), None, {}, []),
        (with_(CLUSTER, size="Standard_ND96asr_v4"), None, {}, ["size-not-allowed"]),
        (replace(CLUSTER, parts=replace(PARTS, allow=("X",))), None, {}, ["size-not-in-spec-list"]),
        (replace(CLUSTER, parts=replace(PARTS, allow=(A100.name.upper(),))), None, {}, []),
        (CLUSTER, None, {"base_model": replace(MODEL, finetune=AllowList())}, ["no-list-known"]),
        (
            with_(CLUSTER, size="Standard_NC6"),
            None,
            {"base_model": replace(MODEL, finetune=AllowList())},
            ["size-not-allowed", "no-list-known", "size-retired"],
        ),
        (with_(CLUSTER, size=CPU.name), None, {}, ["size-not-allowed", "size-without-gpu"]),
        (with_(CLUSTER, size="Standard_Nope"), None, {}, ["size-not-allowed", "size-unknown"]),
        (replace(CLUSTER, parts=replace(PARTS, nodes=2)), None, {}, ["too-few-nodes"]),
        (with_(replace(CLUSTER, parts=replace(PARTS, nodes=2)), max_instances=2), None, {}, []),
        (
            replace(CLUSTER, owned=False, properties={}, parts=replace(PARTS, nodes=2)),
            there(CLUSTER, Ownership.OURS, properties={"size": A100.name, "max_instances": 1}),
            {},
            ["too-few-nodes"],
        ),
        (
            replace(CLUSTER, owned=False, properties={}),
            there(CLUSTER, Ownership.OURS, properties={"size": CPU.name, "max_instances": 1}),
            {},
            ["size-not-allowed", "size-without-gpu"],
        ),
        (CLUSTER, there(CLUSTER), {}, []),
        (CLUSTER, there(CLUSTER, properties={"size": A100.name.lower(), "max_instances": 4}), {}, []),
        (CLUSTER, there(CLUSTER, properties={"size": "Standard_ND96asr_v4"}), {}, ["compute-size", "size-not-allowed"]),
        (
            CLUSTER,
            there(CLUSTER, Ownership.OURS, properties={"size": "Standard_ND96asr_v4"}),
            {},
            [],
        ),
        (CLUSTER, there(CLUSTER, state="Failed"), {}, ["compute-failed"]),
        (CLUSTER, there(CLUSTER, Ownership.OURS, state="Failed"), {}, []),
        (CLUSTER, there(CLUSTER, raw={"properties": {"computeType": "ComputeInstance"}}), {}, ["compute-type"]),
        (REFERENCE, there(CLUSTER), {}, []),
        (REFERENCE, None, {}, ["compute-missing"]),
        (REFERENCE, there(CLUSTER, properties={"size": "Standard_ND96asr_v4"}), {}, ["size-not-allowed"]),
    ],
)
def test_computes(
    loaded: LoadedSpec, desired: Desired[Any], live: Live | None, facts: dict[str, Any], expected: list[str]
) -> None:
    assert codes(loaded, desired, live, **facts) == expected


def test_a_retired_model_is_warned_of_and_a_stand_in_is_not(loaded: LoadedSpec) -> None:
    retired = replace(MODEL, finetune_retirement=date(2020, 1, 1))
    assert codes(loaded, CLUSTER, base_model=retired) == ["model-retired"]
    assert codes(loaded, CLUSTER, base_model=replace(retired, stand_in=True)) == []
    assert codes(loaded, CLUSTER, base_model=replace(MODEL, finetune_retirement=date(2999, 1, 1))) == []


def test_a_model_retires_by_the_date_of_the_service(loaded: LoadedSpec) -> None:
    model = replace(MODEL, finetune_retirement=date(2026, 6, 30))
    assert codes(loaded, CLUSTER, base_model=model, today=date(2026, 3, 31)) == []
    assert codes(loaded, CLUSTER, base_model=model, today=date(2026, 6, 29)) == ["model-retiring"]
    assert codes(loaded, CLUSTER, base_model=model, today=date(2026, 6, 30)) == ["model-retired"]


V100 = Size("Standard_NC6s_v3", 6, 1, computes=("AmlCompute", "MIR"))
SERVER = wanted("deployment", "main", "d-1", {"instance_type": V100.name}, parts=DeploymentParts("e"))


@pytest.mark.parametrize(
    ("offered", "today", "live", "expected"),
    [
        (V100, date(2025, 6, 1), None, []),
        (V100, date(2025, 7, 2), None, ["size-retiring"]),
        (None, date(2025, 9, 30), None, ["size-retired"]),
        (None, date(2025, 9, 30), there(SERVER), ["size-retired"]),
        (None, date(2025, 6, 1), None, ["size-unknown"]),
        (replace(V100, computes=("AmlCompute",)), date(2025, 6, 1), None, ["size-unsupported"]),
    ],
)
def test_the_region_offers_the_size_of_a_deployment(
    loaded: LoadedSpec, offered: Size | None, today: date, live: Live | None, expected: list[str]
) -> None:
    sizes = {**SIZES, **({offered.name.lower(): offered} if offered else {})}
    facts = Facts("/x", "eastus", base_model=MODEL, sizes=sizes, today=today)
    planned = (PlannedResource(SERVER.address, Action.NO_OP if live else Action.CREATE, SERVER.name),)
    stack = Stack("s", "local", CLAIM, (SERVER,))
    found = check(Subject(loaded, stack, facts, {SERVER.address: Observation(live)}, planned, NOTHING))
    found = [f for f in found if f.code.startswith("size-") and f.code != "size-not-allowed"]
    assert [f.code for f in found] == expected
    errors = {"size-retired", "size-unknown", "size-unsupported"} if live is None else set()
    assert {f.code for f in found if f.severity is Severity.ERROR} == errors & set(expected)


def test_alternatives_are_sizes_that_the_region_offers(loaded: LoadedSpec) -> None:
    listed = AllowList(("Standard_NC6s_v3", "Standard_NC40ads_H100_v5", A100.name), "tags")
    facts = Facts("/x", "eastus", base_model=replace(MODEL, inference=listed), sizes=SIZES, today=date(2026, 1, 1))
    planned = (PlannedResource(SERVER.address, Action.CREATE, SERVER.name),)
    (found,) = check(Subject(loaded, Stack("s", "local", CLAIM, (SERVER,)), facts, {}, planned, NOTHING))
    assert (found.code, found.remedy) == ("size-retired", f"Use {A100.name}.")


def test_alternatives_are_not_about_to_be_retired(loaded: LoadedSpec) -> None:
    listed = AllowList((V100.name, "Standard_NC12s_v3", A100.name), "tags")
    both = {size.name.lower(): size for size in (V100, replace(V100, name="Standard_NC12s_v3"))}
    sizes = {**SIZES, **both, A100.name.lower(): replace(A100, computes=("amlcompute", "mir"))}
    facts = Facts("/x", "eastus", base_model=replace(MODEL, inference=listed), sizes=sizes, today=date(2025, 9, 1))
    planned = (PlannedResource(SERVER.address, Action.CREATE, SERVER.name),)
    found = check(Subject(loaded, Stack("s", "local", CLAIM, (SERVER,)), facts, {}, planned, NOTHING))
    assert {f.code: f.remedy for f in found}["size-retiring"] == f"Use {A100.name}."


def test_a_price_of_an_unknown_size_is_a_warning(loaded: LoadedSpec) -> None:
    price = PriceBlock(dedicated=3.0)
    given = {"standard_nc24ads_A100_v4": price, "Standard_D4_v2": price, "Standard_NC4as_T4_v3": price}
    assert priced(loaded, given) == []
    (found,) = priced(loaded, {**given, "Standard_NC24asd_A100_v4": price})
    assert (found.severity, found.remedy) == (Severity.WARNING, "Did you mean Standard_NC24ads_A100_v4?")
    assert found.path == "prices.Standard_NC24asd_A100_v4"


def priced(loaded: LoadedSpec, prices: dict[str, PriceBlock]) -> list[Diagnostic]:
    spec = loaded.spec.model_copy(update={"prices": prices})
    facts = Facts("/x", "eastus", base_model=MODEL, sizes=SIZES)
    found = check(Subject(replace(loaded, spec=spec), Stack("s", "local", CLAIM, ()), facts, {}, (), NOTHING))
    return [finding for finding in found if finding.code == "size-unlisted"]


def test_alternatives_for_a_model_that_is_served_without_training_are_of_its_own_list(loaded: LoadedSpec) -> None:
    listed = {"supportedComputes": {"inferenceComputes": [V100.name, A100.name]}}
    live = there(SERVED, raw={"properties": {"systemMetadata": listed}})
    server = replace(SERVER, parts=DeploymentParts("e", model=SERVED.address, model_name="m"))
    facts = Facts("/x", "eastus", sizes={**SIZES, A100.name.lower(): A100}, today=date(2026, 1, 1))
    planned = (PlannedResource(server.address, Action.CREATE, server.name),)
    stack = Stack("s", "local", CLAIM, (SERVED, server))
    found = check(Subject(loaded, stack, facts, {SERVED.address: Observation(live)}, planned, NOTHING))
    assert {f.code: f.remedy for f in found}["size-retired"] == f"Use {A100.name}."


@pytest.mark.parametrize(("count", "expected"), [(19, []), (20, ["too-many-deployments"])])
def test_an_endpoint_has_at_most_twenty_deployments(loaded: LoadedSpec, count: int, expected: list[str]) -> None:
    server = with_(SERVER, instance_type=A100.name)
    facts = Facts("/x", "eastus", base_model=replace(MODEL, inference=MODEL.finetune), sizes=SIZES)
    planned = (PlannedResource(server.address, Action.CREATE, server.name),)
    seen = {server.address: DeploymentObservation(count=count)}
    found = check(Subject(loaded, Stack("s", "local", CLAIM, (server,)), facts, seen, planned, NOTHING))
    assert [f.code for f in found] == expected


@pytest.mark.parametrize(("name", "expected"), [("a-b1", []), ("a--b", ["endpoint-name"]), ("ab", ["endpoint-name"])])
def test_the_name_of_an_endpoint(loaded: LoadedSpec, name: str, expected: list[str]) -> None:
    endpoint = wanted("endpoint", "main", name, {"auth_mode": "key"})
    facts = Facts("/x", "eastus")
    found = check(Subject(loaded, Stack("s", "local", CLAIM, (endpoint,)), facts, {}, (), NOTHING))
    assert [f.code for f in found] == expected


def test_a_served_model_must_be_there_and_not_archived(loaded: LoadedSpec) -> None:
    assert codes(loaded, SERVED, there(SERVED)) == []
    assert codes(loaded, SERVED) == ["model-missing"]
    assert codes(loaded, SERVED, there(SERVED, state="Archived")) == ["model-archived"]


def data(folder: Path, *lines: str) -> Desired[Any]:
    (folder / "rows.jsonl").write_text("".join(f"{line}\n" for line in lines))
    identity = identify({"path": "rows.jsonl"}, folder)
    return wanted("data", "train", "s-train", digest="d", parts=DataParts(Recipe.of(identity)))


def test_rows_are_read_where_they_will_be_uploaded(loaded: LoadedSpec, tmp_path: Path) -> None:
    good, bad = row("q?", "a"), '{"prompt": "q", "messages": [], "prompt_id": "p"}'
    assert codes(loaded, data(tmp_path, good)) == []
    wrong = data(tmp_path, good, bad)
    facts = Facts("/x", "eastus", base_model=MODEL)
    planned = (PlannedResource(wrong.address, Action.CREATE, "x"),)
    stack = Stack("s", "local", CLAIM, (wrong,))
    (finding,) = check(Subject(loaded, stack, facts, {}, planned, NOTHING))
    assert finding.severity is Severity.ERROR
    assert finding.mark is not None
    assert (Path(finding.mark.file).name, finding.mark.line) == ("rows.jsonl", 2)
    reused = (replace(planned[0], action=Action.REUSE),)
    assert check(Subject(loaded, stack, facts, {}, reused, NOTHING)) == []


def test_findings_tell_the_place_in_the_spec(loaded: LoadedSpec) -> None:
    facts = Facts("/x", "eastus", base_model=MODEL, sizes=SIZES)
    wrong = with_(CLUSTER, size="Standard_ND96asr_v4")
    (finding, *_) = check(Subject(loaded, Stack("s", "local", CLAIM, (wrong,)), facts, {}, (), NOTHING))
    assert finding.path == "compute.finetune.size"
    assert finding.mark is not None
    assert "size:" in SPEC.format(stack="facts").splitlines()[finding.mark.line - 1]


def test_every_check_says_what_it_finds() -> None:
    assert all((each.run.__doc__ or "").strip() for each in all_checks())


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ({f"t{n}": "" for n in range(44)}, []),
        ({f"t{n}": "" for n in range(45)}, ["too-many-tags"]),
        ({"t": "x" * 256, "n" * 512: ""}, []),
        ({"t": "x" * 257}, ["tag-too-long"]),
        ({"n" * 513: ""}, ["tag-too-long"]),
        ({"a/b": ""}, ["tag-name"]),
        ({"Team": "a", "team": "b"}, ["tag-name"]),
    ],
)
def test_tags_fit_the_resource_managers_limits(loaded: LoadedSpec, tags: dict[str, str], wanted: list[str]) -> None:
    assert codes(loaded, replace(CLUSTER, properties={**CLUSTER.properties, "tags": tags})) == wanted
    assert codes(loaded, replace(REFERENCE, properties={"tags": tags}), there(CLUSTER)) == []
