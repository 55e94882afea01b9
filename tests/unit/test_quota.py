"""What a plan takes of the quota, in numbers, and how it is told. Values alone: no service is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support import SPEC, row, wanted

from phift.azure.facts import RemoteFacts
from phift.diagnostics import Diagnostic, Severity
from phift.errors import AzureError
from phift.kinds.compute.parts import FINETUNE, ComputeParts
from phift.kinds.deployment.demand import reserved
from phift.kinds.deployment.parts import BLUE_GREEN, DeploymentParts
from phift.kinds.job.parts import JobParts
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.preflight import Subject
from phift.preflight.quota import quota
from phift.spec import LoadedSpec, load
from phift.state.desired import Desired, Stack
from phift.state.facts import AllowList, BaseModel, Consumer, Facts, Size, Usage
from phift.state.live import Live, Observation
from phift.state.ownership import Claim, Owner, Ownership
from phift.state.source import Source

CLAIM = Claim("", Source.parse("#spec.yaml"))

FAMILY = "standardNCADSA100v4Family"
BIG = Size("Standard_NC24ads_A100_v4", 24, 1, FAMILY)
BIGGER = Size("Standard_NC48ads_A100_v4", 48, 2, FAMILY)
SMALL = Size("Standard_NC4as_T4_v3", 4, 1, "standardNCASv3_T4Family")
T4 = Size("Standard_NC16as_T4_v3", 16, 1, "standardNCASv3_T4Family")
NEW = Size("Standard_NC32new_v9", 32, 1, "standardNCv9Family")
"""A size that the service offers and the catalogue does not list."""
SIZES = {s.name.lower(): s for s in (BIG, BIGGER, SMALL, T4, NEW)}
MODEL = BaseModel("i", "azureml", "m", "1", finetune=AllowList((BIG.name, SMALL.name), "tags"))
COMPUTE = wanted(
    "compute",
    "finetune",
    "gpu",
    {"size": BIG.name, "max_instances": 2, "min_instances": 0, "tier": "dedicated"},
    parts=ComputeParts(FINETUNE),
)
JOB = wanted("job", "finetune", "s-1", parts=JobParts("chat", {}, "m", {}, {}))
DEPLOYMENT = wanted(
    "deployment",
    "main",
    "d-1",
    {"instance_type": BIG.name, "instance_count": 1},
    parts=DeploymentParts("e", strategy=BLUE_GREEN),
)


def usages(family: tuple[int, int] = (0, 192), region: tuple[int, int] = (0, 1000), low: tuple[int, int] = (0, 96)):
    """As the service lists them: (used, limit) each."""

    def counter(kind: str, name: str, now: int, most: int) -> dict[str, Any]:
        provider = "Microsoft.MachineLearningServices"
        return {"type": f"{provider}/{kind}", "name": {"localizedValue": name}, "currentValue": now, "limit": most}

    rows = [
        counter("totalCores/usages", "Clusters", 1, 500),
        counter("dedicatedCores/usages", "Total Cluster Dedicated Regional vCPUs", *region),
        counter("lowPriorityCores/usages", "Total Cluster LowPriority Regional vCPUs", *low),
        counter("vmFamily/usages", "Standard NCADSA100v4 Family Cluster Dedicated vCPUs", *family),
        counter("vmFamily/usages", "Standard NCADSA100v4 Family Cluster LowPriority vCPUs", 0, -1),
        counter("vmFamily/usages", "Standard NCASv3_T4 Family Cluster Dedicated vCPUs", 0, 192),
        counter("vmFamily/usages", "Standard NCASv3_T4 Family Cluster Dedicated vCPUs", *family),
        counter("vmFamily/usages", "Standard NCv9 Family Cluster Dedicated vCPUs", *family),
        counter("workspaces/usages", "Standard NCADSA100v4 Family Cluster Dedicated vCPUs", 0, 1),
        counter("workspaces/computes/usages", "Standard NCADSA100v4 Family Cluster Dedicated vCPUs", 0, 2),
    ]
    return lambda: tuple(u for r in rows if (u := Usage.from_document(r)))


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedSpec:
    for split in ("train", "test"):
        (tmp_path / f"{split}.jsonl").write_text(row("q?", "a") + "\n")
    (tmp_path / "spec.yaml").write_text(SPEC.format(stack="facts"))
    return load(tmp_path / "spec.yaml", environ={})


def there(desired: Desired[Any], **properties: Any) -> Live:
    raw = {"properties": {"properties": {"currentNodeCount": properties.pop("nodes", 0)}}}
    return Live(desired.name, "/x", {**desired.properties, **properties}, Owner(Ownership.OURS, "s"), raw=raw)


def found(
    loaded: LoadedSpec,
    *items: tuple[Desired[Any], Action, Live | None],
    read: Any = None,
    model: BaseModel = MODEL,
    **others: Any,
) -> list[Diagnostic]:
    stack = Stack("s", "local", CLAIM, tuple(d for d, _, _ in items))
    planned = tuple(PlannedResource(d.address, action, d.name) for d, action, _ in items)
    seen = {d.address: Observation(live, **others) for d, _, live in items}
    facts = Facts("/x", "eastus", base_model=model, sizes=SIZES)
    remote = SimpleNamespace(usages=read or usages(), consumers=lambda: CONSUMERS)
    return list(quota(Subject(loaded, stack, facts, seen, planned, cast(RemoteFacts, remote))))


CONSUMERS = (
    Consumer("cluster other-gpu", T4.name, 2),
    Consumer("cluster spot", T4.name, 2, low_priority=True),
    Consumer("deployment chat/d-1", T4.name, 1),
    Consumer("deployment cpu/main", "Standard_Unheard_Of", 1),
)


def of_size(size: Size) -> Desired[Any]:
    return replace(DEPLOYMENT, properties={**DEPLOYMENT.properties, "instance_type": size.name})


def never() -> tuple[Usage, ...]:
    raise AssertionError("usages were read")


def test_the_service_reserves_a_fifth_more_in_whole_instances() -> None:
    assert [reserved(n, T4.name) for n in (1, 2, 5, 6, 10)] == [2, 3, 6, 8, 12]
    assert [reserved(n, "Standard_Unheard_Of") for n in (1, 5, 6)] == [2, 6, 8]


def test_sizes_that_the_service_exempts_need_no_reserve() -> None:
    assert [reserved(n, BIG.name.upper()) for n in (1, 2, 5, 6, 10)] == [1, 2, 5, 6, 10]


def test_usages_are_read_only_where_something_is_taken(loaded: LoadedSpec) -> None:
    still = (COMPUTE, Action.NO_OP, there(COMPUTE)), (DEPLOYMENT, Action.NO_OP, there(DEPLOYMENT))
    assert found(loaded, *still, read=never) == []
    updated = (COMPUTE, Action.UPDATE, there(COMPUTE)), (DEPLOYMENT, Action.UPDATE, there(DEPLOYMENT))
    assert found(loaded, *updated, read=never) == []
    fewer = (DEPLOYMENT, Action.UPDATE, there(DEPLOYMENT, instance_count=3))
    assert found(loaded, fewer, read=never) == []


def test_a_deployment_beside_the_old_one_needs_all_of_it_again(loaded: LoadedSpec) -> None:
    beside = (of_size(T4), Action.CREATE, None)
    assert found(loaded, beside, read=usages((160, 192))) == []
    (told,) = found(loaded, beside, read=usages((180, 192)), others=(there(DEPLOYMENT),))
    assert told.severity is Severity.ERROR
    assert told.code == "quota-exceeded"
    assert told.summary == (
        "deployment.main needs 32 vCPUs of Standard NCASv3_T4 Family Cluster Dedicated vCPUs; only 12 available"
    )
    assert told.detail == (
        "2 x 16: 1 instance of Standard_NC16as_T4_v3, plus 1 reserved by the service. In use: 180 of 192, by cluster "
        "other-gpu (2 x Standard_NC16as_T4_v3), deployment chat/d-1 (1 x Standard_NC16as_T4_v3)."
    )
    assert "run `phift destroy`, then `phift apply`; nothing is trained again" in told.remedy
    assert told.path == "deployment.instance_type"


def test_a_reserve_that_does_not_fit_is_an_error_where_it_is_certain(loaded: LoadedSpec) -> None:
    (told,) = found(loaded, (of_size(T4), Action.CREATE, None), read=usages((170, 192)))
    assert told.severity is Severity.ERROR
    (told,) = found(loaded, (of_size(NEW), Action.CREATE, None), read=usages((150, 192)))
    assert told.severity is Severity.WARNING
    assert "whether it does for this one is not known" in told.detail
    (told,) = found(loaded, (of_size(NEW), Action.CREATE, None), read=usages((170, 192)))
    assert told.severity is Severity.ERROR


def test_a_size_without_reserve_fits_to_the_last_core(loaded: LoadedSpec) -> None:
    assert found(loaded, (DEPLOYMENT, Action.CREATE, None), read=usages((168, 192))) == []
    (told,) = found(loaded, (DEPLOYMENT, Action.CREATE, None), read=usages((169, 192)))
    assert told.severity is Severity.ERROR
    assert told.detail == "1 x 24: 1 instance of Standard_NC24ads_A100_v4. In use: 169 of 192, by others in the region."


def test_the_sizes_that_fit_are_counted_with_their_own_reserve(loaded: LoadedSpec) -> None:
    offered = replace(MODEL, inference=AllowList((BIG.name, T4.name), "tags"))

    def read() -> tuple[Usage, ...]:
        full, half = usages((192, 192)), usages((176, 192))
        return tuple(u for u in full() if "A100" in u.name) + tuple(u for u in half() if "A100" not in u.name)

    (told,) = found(loaded, (DEPLOYMENT, Action.CREATE, None), read=read, model=offered)
    assert "Sizes that fit" not in told.remedy, "one instance of the other size needs 2 x 16"


def test_what_comes_after_a_job_may_be_free_by_then_unless_it_can_never_fit(loaded: LoadedSpec) -> None:
    trained = (COMPUTE, Action.NO_OP, there(COMPUTE, nodes=1)), (JOB, Action.RUN, None)
    (later,) = found(loaded, *trained, (DEPLOYMENT, Action.CREATE, None), read=usages((180, 192)))
    assert later.severity is Severity.WARNING
    assert "only after the job has finished" in later.detail
    huge = replace(of_size(T4), properties={**of_size(T4).properties, "instance_count": 12})
    (hopeless,) = found(loaded, *trained, (huge, Action.CREATE, None))
    assert hopeless.severity is Severity.ERROR
    assert hopeless.summary.startswith("deployment.main needs 240 vCPUs")


def test_a_change_in_place_needs_what_it_does_not_hold(loaded: LoadedSpec) -> None:
    more = replace(DEPLOYMENT, properties={**DEPLOYMENT.properties, "instance_count": 3})
    assert found(loaded, (more, Action.UPDATE, there(DEPLOYMENT)), read=usages((144, 192))) == []
    (told,) = found(loaded, (more, Action.UPDATE, there(DEPLOYMENT)), read=usages((168, 192)))
    assert told.summary.startswith("deployment.main needs 48 vCPUs")
    assert "24 are held by d-1" in told.detail
    small = of_size(T4)
    more = replace(small, properties={**small.properties, "instance_count": 3})
    (told,) = found(loaded, (more, Action.UPDATE, there(small)), read=usages((168, 192)))
    assert told.summary.startswith("deployment.main needs 32 vCPUs")
    assert "32 are held by d-1" in told.detail
    in_its_stead = (DEPLOYMENT, Action.REPLACE, there(DEPLOYMENT, instance_type=BIGGER.name))
    assert found(loaded, in_its_stead, read=usages((192, 192))) == []


def test_what_a_replacement_deletes_is_available_within_the_limit(loaded: LoadedSpec) -> None:
    anew = (DEPLOYMENT, Action.REPLACE, there(DEPLOYMENT))
    assert found(loaded, anew, read=usages((24, 24))) == []
    (told,) = found(loaded, anew, read=usages((24, 0)))
    assert told.severity is Severity.ERROR
    assert told.summary.endswith(
        "needs 24 vCPUs of Standard NCADSA100v4 Family Cluster Dedicated vCPUs; only 0 available"
    )
    assert "24 are released by the deletion of d-1" in told.detail
    (told,) = found(loaded, (of_size(T4), Action.REPLACE, there(DEPLOYMENT)), read=usages((192, 192)))
    assert told.summary.startswith("deployment.main needs 32 vCPUs of Standard NCASv3_T4"), "another family"


def test_an_autoscaled_replacement_starts_with_its_initial_count(loaded: LoadedSpec) -> None:
    scaled = replace(
        DEPLOYMENT,
        properties={**DEPLOYMENT.properties, "instance_count": None},
        parts=replace(DEPLOYMENT.parts, initial_count=9, maximum_count=9),
    )
    serves = there(DEPLOYMENT, instance_count=1)
    assert found(loaded, (scaled, Action.NO_OP, serves), read=never) == []
    (told,) = found(loaded, (scaled, Action.REPLACE, serves))
    assert told.summary.startswith("deployment.main needs 216 vCPUs")


def test_the_nodes_of_a_replaced_cluster_are_not_those_of_the_new_one(loaded: LoadedSpec) -> None:
    other = replace(COMPUTE, properties={**COMPUTE.properties, "size": T4.name})
    anew = (other, Action.REPLACE, there(COMPUTE, nodes=1))
    assert found(loaded, anew, read=usages((168, 192))) == []
    (told,) = found(loaded, anew, read=usages((184, 192)))
    assert told.severity is Severity.ERROR
    assert told.summary.startswith("compute.finetune needs 16 vCPUs of Standard NCASv3_T4")


def test_a_cluster_of_which_no_node_fits_is_not_made(loaded: LoadedSpec) -> None:
    (told,) = found(loaded, (COMPUTE, Action.CREATE, None), read=usages((180, 192)))
    assert (told.severity, told.code) == (Severity.ERROR, "quota-exceeded")
    assert told.detail == "1 x 24: 1 node of Standard_NC24ads_A100_v4. In use: 180 of 192, by others in the region."
    assert told.remedy.startswith("Sizes that fit: Standard_NC4as_T4_v3.")


def test_the_region_counts_too(loaded: LoadedSpec) -> None:
    (told,) = found(loaded, (COMPUTE, Action.CREATE, None), read=usages(region=(990, 1000)))
    assert "Total Cluster Dedicated Regional vCPUs; only 10 available" in told.summary


def test_low_priority_nodes_share_one_pool(loaded: LoadedSpec) -> None:
    low = replace(COMPUTE, properties={**COMPUTE.properties, "tier": "low_priority"})
    assert found(loaded, (low, Action.CREATE, None), read=usages(family=(192, 192))) == []
    (told,) = found(loaded, (low, Action.CREATE, None), read=usages(low=(90, 96)))
    assert "LowPriority Regional vCPUs; only 6 available" in told.summary


def test_a_job_waits_for_nodes_and_is_no_error(loaded: LoadedSpec) -> None:
    running = (COMPUTE, Action.NO_OP, there(COMPUTE)), (JOB, Action.RUN, None)
    (told,) = found(loaded, *running, read=usages((192, 192)))
    assert told.severity is Severity.WARNING
    assert "A job waits in the queue until they are available" in told.detail
    warm = (COMPUTE, Action.NO_OP, there(COMPUTE, nodes=1)), (JOB, Action.RUN, None)
    assert found(loaded, *warm, read=never) == []


def test_more_nodes_than_there_can_be_are_told(loaded: LoadedSpec) -> None:
    many = replace(COMPUTE, properties={**COMPUTE.properties, "max_instances": 9})
    (told,) = found(loaded, (many, Action.CREATE, None))
    assert (told.severity, told.code) == (Severity.WARNING, "quota-most")
    assert "may scale to 216 vCPUs of Standard NCADSA100v4 Family" in told.summary
    (again,) = found(loaded, (many, Action.UPDATE, there(COMPUTE)))
    assert again.code == "quota-most"


def test_a_warning_about_the_family_does_not_hide_that_the_region_is_full(loaded: LoadedSpec) -> None:
    many = replace(COMPUTE, properties={**COMPUTE.properties, "max_instances": 9})
    (told,) = found(loaded, (many, Action.CREATE, None), read=usages(region=(990, 1000)))
    assert (told.severity, told.code) == (Severity.ERROR, "quota-exceeded")
    most, together = found(
        loaded, (many, Action.CREATE, None), (DEPLOYMENT, Action.CREATE, None), read=usages((150, 192))
    )
    assert (most.code, together.code) == ("quota-most", "quota-shared")


def test_what_fits_alone_but_not_together_is_a_warning(loaded: LoadedSpec) -> None:
    whole = (COMPUTE, Action.CREATE, None), (JOB, Action.RUN, None), (DEPLOYMENT, Action.CREATE, None)
    assert found(loaded, *whole, read=usages((144, 192))) == []
    (told,) = found(loaded, *whole, read=usages((156, 192)))
    assert (told.severity, told.code) == (Severity.WARNING, "quota-shared")
    assert told.summary.startswith("compute.finetune and deployment.main need 48 vCPUs")


def test_what_cannot_be_known_is_said_and_refuses_nothing(loaded: LoadedSpec) -> None:
    def refused() -> tuple[Usage, ...]:
        raise AzureError("not allowed", status=403)

    (told,) = found(loaded, (COMPUTE, Action.CREATE, None), read=refused)
    assert (told.severity, told.code, told.detail) == (Severity.WARNING, "quota-unknown", "not allowed")
    (unnamed,) = found(loaded, (COMPUTE, Action.CREATE, None), read=tuple)
    assert unnamed.code == "quota-unknown"
    assert FAMILY in unnamed.detail
