"""VM sizes of the region, and how much of the vCPU quota is in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from starlette.responses import Response

from phift.emulator.core.assumed import holds
from phift.emulator.core.documents import reply
from phift.emulator.core.quota import LOW_PRIORITY, TOTAL
from phift.emulator.core.sizes import families, family_of, sizes
from phift.emulator.services.compute.state import nodes_in_use
from phift.emulator.services.emulator import Call, Emulator, emulators
from phift.emulator.services.prices.catalogue import estimates

__all__ = ["quotas", "usages", "vm_size_list"]

_NEVER_LIMITED = -1  # a low-priority family has no limit of its own, only the pool has


async def vm_size_list(call: Call) -> Response:
    """All sizes that the region offers now: not those that have been retired (assumed: sizes_have_prices)."""
    now, location = call.emulator.clock.now(), call.emulator.workspace.location
    priced = holds(call.emulator.store, "sizes_have_prices")
    rows = [
        {
            "name": size.name,
            "family": size.family.name,
            "vCPUs": size.vcpus,
            "gpus": size.gpus,
            "osVhdSizeMB": 1047552,
            "maxResourceVolumeMB": size.memory_gib * 2048,
            "memoryGB": float(size.memory_gib),
            "lowPriorityCapable": True,
            "premiumIO": "s_" in size.name.lower() or "ads" in size.name.lower() or "asr" in size.name.lower(),
            **({"estimatedVMPrices": estimates(size, location)} if priced else {}),
            "supportedComputeTypes": ["AmlCompute", "ComputeInstance", "MIR"],
        }
        for size in sizes().values()
        if size.offered(now)
    ]
    return reply({"value": rows})


def _counter(call: Call, kind: str, name: str, used: int | None, limit: int, scope: str = "") -> dict[str, Any]:
    """A row, its id as in the public specification. scope: ARM id of what it counts for, "" for the subscription."""
    base = scope or f"/subscriptions/{call.emulator.workspace.subscription_id}"
    row: dict[str, Any] = {
        "id": f"{base}/{kind.rsplit('/', 1)[-1]}/{name.replace(' ', '_')}",
        "type": f"Microsoft.MachineLearningServices/{kind}",
        "limit": limit,
        "unit": "Count",
        "name": {"value": name, "localizedValue": name},
    }
    return row if used is None else row | {"currentValue": used}


async def usages(call: Call) -> Response:
    """Clusters, the regional totals, then each family twice: dedicated, and low priority without a limit of its own.

    Families are repeated, under other types, for each workspace of the region and for each cluster that holds nodes.
    """
    quota = call.emulator.quota
    limits, used = quota.limits(), quota.used()
    region = [(each, each.quota.own()) for each in _workspaces(call)]
    clusters = sum(len(each.store.list("compute")) for each, _ in region)
    rows = [
        _counter(call, "totalCores/usages", "Clusters", clusters, 500),
        _counter(call, "dedicatedCores/usages", "Total Cluster Dedicated Regional vCPUs", used[TOTAL], limits[TOTAL]),
        _counter(
            call,
            "lowPriorityCores/usages",
            "Total Cluster LowPriority Regional vCPUs",
            used[LOW_PRIORITY],
            limits[LOW_PRIORITY],
        ),
    ]
    for family in families():
        dedicated = f"{family.label} Cluster Dedicated vCPUs"
        now, most = used.get(family.name, 0), limits[family.name]
        rows.append(_counter(call, "vmFamily/usages", dedicated, now, most))
        rows.append(_counter(call, "vmFamily/usages", f"{family.label} Cluster LowPriority vCPUs", 0, _NEVER_LIMITED))
        rows += [
            _counter(call, "workspaces/usages", dedicated, own.get(family.name, 0), most, each.workspace.arm_id)
            for each, own in region
        ]
    clustered = [(each.workspace.arm_id, *pair) for each, _ in region for pair in nodes_in_use(each)]
    for workspace, cluster, use in clustered:
        family = family_of(use.size)
        label = f"{family.label} Cluster {'LowPriority' if use.low_priority else 'Dedicated'} vCPUs"
        most = _NEVER_LIMITED if use.low_priority else limits[family.name]
        rows.append(
            _counter(call, "workspaces/computes/usages", label, use.cores, most, f"{workspace}/computes/{cluster}")
        )
    rows += _serverless_rows(call, limits)
    return reply({"value": rows})


def _serverless_rows(call: Call, limits: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """What serverless compute holds is shown under a workspace of its own name (Azure docs)."""
    held: dict[str, int] = {}
    for each in _workspaces(call):
        for use in each.jobs.serverless_in_use():
            family = family_of(use.size)
            held[family.name] = held.get(family.name, 0) + use.cores
    scope = f"{call.emulator.workspace.arm_id.rpartition('/')[0]}/Serverless"
    for family in families():
        if used := held.get(family.name):
            label = f"{family.label} Cluster Dedicated vCPUs"
            yield _counter(call, "workspaces/usages", label, used, limits[family.name], scope)


def _workspaces(call: Call) -> list[Emulator]:
    """Those of the region."""
    location = call.emulator.workspace.location
    found = (each for each in emulators(call.emulator.cloud) if each.workspace.kind == "workspaces")
    return [each for each in found if each.workspace.location == location]


async def quotas(call: Call) -> Response:
    limits = call.emulator.quota.limits()
    rows = []
    for family in families():
        name = f"{family.label} Cluster Dedicated vCPUs"
        rows.append(_counter(call, "vmFamily/quotas", name, None, limits[family.name]))
        rows += [
            _counter(call, "workspaces/quotas", name, None, limits[family.name], each.workspace.arm_id)
            for each in _workspaces(call)
        ]
    return reply({"value": rows})
