"""What deployments hold of the vCPU quota."""

from __future__ import annotations

from typing import Any

from phift.emulator.core.errors import ServiceError
from phift.emulator.core.quota import TOTAL, Use
from phift.emulator.core.sizes import Size, size_named
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.endpoints.rules import refusal
from phift.emulator.services.endpoints.state import DEPLOYMENT, ENDPOINT

__all__ = ["check_quota", "in_use", "size_of"]


def size_of(emulator: Emulator, document: dict[str, Any]) -> Size:
    """The size of a deployment's instances. Raises ServiceError for one that is not offered now."""
    asked = document["properties"]["instanceType"]
    found = size_named(str(asked or ""))
    if found is None or not found.offered(emulator.clock.now()):
        why = f"was retired on {found.retired}" if found else "is not supported"
        text = f"The instance type '{asked}' {why} for managed online deployments in {document['location']}."
        raise refusal({"InstanceType": text}, code="InferencingClientCreateDeploymentFailed")
    return found


def check_quota(emulator: Emulator, document: dict[str, Any], old: dict[str, Any] | None, *, total: bool) -> None:
    """Raises ServiceError when the instances, and what the service reserves next to them, do not fit.

    total: check the region's total as well, which the service does only while it provisions (OutOfQuota there); the
    family is checked at once (both faces are field reports). old: what the deployment holds already.
    """
    size = size_of(emulator, document)
    wanted = size.serving_cores(document["sku"]["capacity"])
    need = wanted
    if old is not None and str(old["properties"]["instanceType"]).casefold() == size.name.casefold():
        need -= size.serving_cores(old["sku"]["capacity"])
    if need <= 0:
        return
    limits, used = emulator.quota.limits(), emulator.quota.used()
    if total:
        if used[TOTAL] > limits[TOTAL]:
            text = (
                f"Not enough subscription CPU quota. The amount of CPU quota requested is {wanted} and your "
                f"maximum amount of quota is {limits[TOTAL]}. Please see troubleshooting guide, available here: "
                "https://aka.ms/oe-tsg#error-outofquota"
            )
            raise ServiceError(400, "OutOfQuota", text)
        return
    limit = emulator.quota.limit(size, low_priority=False)
    free = limit - used.get(size.family.name, 0)
    if need > free:
        text = (
            f"Not enough quota available for {document['properties']['instanceType']} in SubscriptionId "
            f"{emulator.workspace.subscription_id}. Current usage/limit: {limit - free}/{limit}. Additional needed: "
            f"{need} Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-outofquota"
        )
        raise refusal({"VmSize": text}, code="InferencingClientCreateDeploymentFailed")


def in_use(emulator: Emulator) -> list[Use]:
    """What all deployments hold of the quota, failed ones and those being deleted too."""
    uses = []
    for endpoint in emulator.store.list(ENDPOINT):
        for record in emulator.store.list(DEPLOYMENT, endpoint["document"]["name"]):
            document = record["document"]
            kind, count = document["properties"]["instanceType"], document["sku"]["capacity"]
            uses.append(Use(kind, count, serving=True))
    return uses
