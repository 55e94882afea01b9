"""traffic: the split of an endpoint's requests; it lives in the endpoint's document and is read back after a write."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from phift.azure.operations import operation_of
from phift.azure.rest import Answer
from phift.compile.desired import Desired
from phift.compile.ownership import Owner, Ownership
from phift.errors import ConflictError, StalePlanError
from phift.plan.serving import wanted_split
from phift.resources.base import Context, Live, Nature, Observation, Progress, Written
from phift.resources.kinds.common import READ, marks_in, owner_in, provisioning
from phift.resources.kinds.endpoint import endpoint_path, find_endpoint, written_back

__all__ = ["Traffic", "give_up_share", "split"]

_WRITE = "2022-02-01-preview"
_SETTLING_LOOKS = 120
_LOOK_SECONDS = 0.5
_AGAIN = "Re-run `phift apply`: the traffic split is written again."


def split(traffic: Mapping[str, Any] | None) -> dict[str, int]:
    """The shares that are not zero, names in lower case: the service compares them so."""
    return {name.lower(): int(share) for name, share in (traffic or {}).items() if share}


def give_up_share(context: Context, endpoint: str, deployment: str) -> None:
    """Takes a deployment out of the split of the endpoint at an ARM path, and waits until the service has done so.

    Only where the deployment has all traffic: what others have must still sum to 100. Raises ConflictError otherwise.
    """
    raw = context.azure.arm.get(endpoint, READ)
    now = split(raw["properties"].get("traffic"))
    if deployment.lower() not in now:
        return
    if len(now) > 1:
        raise ConflictError(
            f"deployment {deployment} still has {now[deployment.lower()]} % of the traffic, others the rest",
            remedy="Shift the traffic to the others first, then apply again.",
        )
    operation = operation_of(context.azure.arm.put(endpoint, _WRITE, written_back(raw, traffic={})))
    what = f"endpoint {raw['name']}, which was to send no more traffic to {deployment},"
    for _ in range(_SETTLING_LOOKS):
        progress = provisioning(context, context.azure.arm.get(endpoint, READ), what, operation, fallback=_AGAIN)
        if progress.error is not None:
            raise progress.error
        if progress.done:
            return
        time.sleep(_LOOK_SECONDS)


class Traffic:
    name = "traffic"
    nature = Nature.MUTABLE
    deadline = 1800.0
    stays = False  # a split of nothing is no object; poll reads it back

    def read(self, context: Context, desired: Desired) -> Observation:
        """live: None while nothing has traffic. facts: foreign, the shares of deployments that are not ours."""
        path = endpoint_path(context, desired.name)
        raw = find_endpoint(context, desired.name)
        if raw is None:
            return Observation(None, {"foreign": {}})
        now = split(raw["properties"].get("traffic"))
        if not now:
            return Observation(None, {"foreign": {}})
        ours = {
            str(d["name"]).lower()
            for d in context.list(f"{path}/deployments", READ)
            if owner_in(context, desired, d, marks_in(d.get("tags"))).ours
        }
        live = Live(
            name=desired.name,
            object_id=str(raw["id"]),
            properties=self.observe(raw),
            owner=Owner(Ownership.OURS, context.stack),
            state=str(raw["properties"].get("provisioningState") or "Succeeded"),
            raw=raw,
        )
        return Observation(live, {"foreign": {n: s for n, s in now.items() if n not in ours}})

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        return {"traffic": split(raw["properties"].get("traffic"))}

    def create(self, context: Context, desired: Desired) -> Written:
        return self._shift(context, desired, wanted_split(desired, {}))

    def update(self, context: Context, desired: Desired, live: Live) -> Written:
        """Raises StalePlanError when others' shares are not those the plan was made for."""
        foreign = {} if desired.parts.get("take_over") else self.read(context, desired).facts["foreign"]
        wanted = wanted_split(desired, foreign)
        if wanted != desired.parts.get("traffic", wanted):
            raise StalePlanError(
                f"the traffic of {desired.name} was changed since the plan was made",
                remedy="Make a new plan and look at it.",
                address=str(desired.address),
            )
        return self._shift(context, desired, wanted)

    def delete(self, context: Context, desired: Desired, live: Live) -> Written:
        return Written(operation=operation_of(self._put(context, desired, {})))

    def poll(self, context: Context, desired: Desired, written: Written) -> Progress:
        """Done when the endpoint has settled and the split reads back as it was written."""
        raw = context.azure.arm.get(endpoint_path(context, desired.name), READ)
        what = f"endpoint {desired.name}, whose traffic was shifted,"
        progress = provisioning(context, raw, what, written.operation, fallback=_AGAIN)
        if progress.error is not None:
            return progress
        now = split(raw["properties"].get("traffic"))
        done = progress.done and now == written.outputs["traffic"]
        return replace(progress, done=done, message=" ".join(f"{n} {s} %" for n, s in sorted(now.items())))

    def outputs(self, context: Context, desired: Desired, live: Live) -> Mapping[str, Any]:
        return {"traffic": live.properties["traffic"]}

    def _shift(self, context: Context, desired: Desired, wanted: Mapping[str, int]) -> Written:
        return Written({"traffic": dict(wanted)}, operation_of(self._put(context, desired, wanted)))

    def _put(self, context: Context, desired: Desired, wanted: Mapping[str, int]) -> Answer:
        path = endpoint_path(context, desired.name)
        raw = context.azure.arm.get(path, READ)
        return context.azure.arm.put(path, _WRITE, written_back(raw, traffic=dict(wanted)))
