"""traffic: the split of an endpoint's requests; part of the document of the endpoint, and read back after a write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from phift.azure.operations import operation_of
from phift.azure.rest import Answer
from phift.errors import StalePlanError
from phift.kinds.context import Context
from phift.kinds.progress import Progress, Written
from phift.kinds.shared.online import AGAIN, WRITE, endpoint_path, find_endpoint, split, written_back
from phift.kinds.shared.wire import READ, marks_in, owner_in, provisioning
from phift.kinds.traffic.parts import TrafficObservation, TrafficParts
from phift.kinds.traffic.plan import wanted_split
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.ownership import Owner, Ownership

__all__ = ["TrafficWire"]


class TrafficWire:
    def read(self, context: Context, desired: Desired[TrafficParts]) -> TrafficObservation:
        """Read the split. live: None if no deployment has traffic."""
        path = endpoint_path(context, desired.name)
        raw = find_endpoint(context, desired.name)
        if raw is None:
            return TrafficObservation()
        now = split(raw["properties"].get("traffic"))
        if not now:
            return TrafficObservation()
        ours = {
            str(d["name"]).lower()
            for d in context.list(f"{path}/deployments", READ)
            if owner_in(context, desired, d, marks_in(d.get("tags"))).ours
        }
        ours.add(desired.parts.deployment.name.lower())  # an imported one does not have tags yet
        live = Live(
            name=desired.name,
            object_id=str(raw["id"]),
            properties=self.observe(raw),
            owner=Owner(Ownership.OURS, context.stack),
            state=str(raw["properties"].get("provisioningState") or "Succeeded"),
            raw=raw,
        )
        return TrafficObservation(live, foreign={n: s for n, s in now.items() if n not in ours})

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        return {"traffic": split(raw["properties"].get("traffic"))}

    def create(self, context: Context, desired: Desired[TrafficParts]) -> Written:
        return self._shift(context, desired, wanted_split(desired, {}))

    def update(self, context: Context, desired: Desired[TrafficParts], live: Live) -> Written:
        """Write the split. Raises StalePlanError if the shares of others have changed since the plan was created."""
        foreign = {} if desired.parts.take_over else self.read(context, desired).foreign
        wanted = wanted_split(desired, foreign)
        if desired.parts.split is not None and wanted != dict(desired.parts.split):
            raise StalePlanError(
                f"the traffic of {desired.name} has changed since the plan was created",
                remedy="Create a new plan and review it.",
                address=str(desired.address),
            )
        return self._shift(context, desired, wanted)

    def delete(self, context: Context, desired: Desired[TrafficParts], live: Live) -> Written:
        return Written(operation=operation_of(self._put(context, desired, {})))

    def poll(self, context: Context, desired: Desired[TrafficParts], written: Written) -> Progress:
        """Report done when the endpoint has settled and the split reads back as written."""
        raw = context.azure.arm.get(endpoint_path(context, desired.name), READ)
        what = f"the traffic shift of endpoint {desired.name}"
        progress = provisioning(context, raw, what, written.operation, fallback=AGAIN)
        if progress.error is not None:
            return progress
        now = split(raw["properties"].get("traffic"))
        done = progress.done and now == written.outputs["traffic"]
        return replace(progress, done=done, message=" ".join(f"{n} {s} %" for n, s in sorted(now.items())))

    def outputs(self, context: Context, desired: Desired[TrafficParts], live: Live) -> Mapping[str, Any]:
        return {"traffic": live.properties["traffic"]}

    def _shift(self, context: Context, desired: Desired[TrafficParts], wanted: Mapping[str, int]) -> Written:
        return Written({"traffic": dict(wanted)}, operation_of(self._put(context, desired, wanted)))

    def _put(self, context: Context, desired: Desired[TrafficParts], wanted: Mapping[str, int]) -> Answer:
        path = endpoint_path(context, desired.name)
        raw = context.azure.arm.get(path, READ)
        return context.azure.arm.put(path, WRITE, written_back(raw, traffic=dict(wanted)))
