"""endpoint: a managed online endpoint.

Its document also contains the traffic: a write starts from the live document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.azure.operations import operation_of
from phift.errors import AzureError, ConflictError
from phift.kinds.base import NAME_TAKEN
from phift.kinds.context import Context
from phift.kinds.endpoint.fields import ADDED, TABLE
from phift.kinds.progress import Progress, Written
from phift.kinds.shared.fields import arguments, observed
from phift.kinds.shared.online import WRITE, endpoint_path, find_endpoint, written_back
from phift.kinds.shared.wire import (
    READ,
    body_of,
    live_of,
    marks_in,
    merged,
    others_tags,
    own_marks,
    provisioning,
    reason_of_failure,
)
from phift.state.desired import Desired, NoParts
from phift.state.live import Live, Observation
from phift.state.overrides import overrides, without
from phift.state.ownership import RAW
from phift.state.states import Provisioning

__all__ = ["EndpointWire"]

_TAKEN = "already an endpoint with this name"
"""Part of the service's 400 for a name taken in the region, whoever has it (Azure/azureml-examples#1930)."""


class EndpointWire:
    def read(self, context: Context, desired: Desired[NoParts]) -> Observation:
        raw = find_endpoint(context, desired.name)
        if raw is None:
            return Observation()
        properties = raw["properties"]
        live = live_of(
            context,
            desired,
            raw,
            marks=marks_in(raw.get("tags")),
            observe=self.observe,
            added=ADDED,
            state=str(properties.get("provisioningState") or "Succeeded"),
            facts={
                "scoring_uri": properties.get("scoringUri"),
                "traffic": properties.get("traffic") or {},
                "errors": (error := reason_of_failure(context, raw)),
            },
            error=error,
            created=bool(properties.get("scoringUri")),
        )
        return Observation(live)

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        return observed(TABLE, raw)

    def entity(self, desired: Desired[NoParts], tags: Mapping[str, str]) -> Any:
        from azure.ai.ml.entities import ManagedOnlineEndpoint

        own = dict(desired.properties.get("properties") or {})
        return ManagedOnlineEndpoint(
            name=desired.name, tags=dict(tags), properties=own, **arguments(TABLE, desired.properties)
        )

    def create(self, context: Context, desired: Desired[NoParts]) -> Written:
        path = endpoint_path(context, desired.name)
        tags = {**(desired.properties.get("tags") or {}), **own_marks(context, desired, path)}
        body = body_of(context, desired, self.entity(desired, tags))
        try:
            answer = context.azure.arm.put(path, WRITE, body)
        except AzureError as error:
            if error.status == 400 and _TAKEN in str(error).lower():
                raise _name_taken(desired.name, error) from None
            raise
        return Written({"name": desired.name}, operation_of(answer))

    def update(self, context: Context, desired: Desired[NoParts], live: Live) -> Written:
        """Update tags by PATCH, which does not touch traffic; anything else by a PUT of the live document.

        An endpoint whose last update failed is always updated by PUT.
        """
        path = endpoint_path(context, desired.name)
        kept = others_tags(live, live.raw.get("tags"), desired.properties.get("tags"))
        tags = {**kept, **(desired.properties.get("tags") or {}), **own_marks(context, desired, path, live)}
        wanted = {k: v for k, v in desired.properties.items() if k != "tags"}
        alike = all(live.properties.get(k) == v for k, v in wanted.items() if k not in live.overridden)
        alike = alike and not desired.restored and not overrides(desired.azure, live.marks.get(RAW, ""), live.raw)
        if alike and not Provisioning.failed(live.state):
            answer = context.azure.arm.patch(path, READ, {"tags": tags})
            return Written({"name": desired.name}, operation_of(answer))
        fresh = body_of(context, desired, self.entity(desired, tags))
        own = {k: v for k, v in fresh["properties"].items() if k in {"authMode", "description", "publicNetworkAccess"}}
        if "description" in desired.restored:
            own["description"] = None
        if bag := desired.properties.get("properties"):
            own["properties"] = {**written_back(live.raw)["properties"]["properties"], **bag}
        # A PUT starts from the live document: values removed from the spec must be removed from it too.
        removed = [path.removeprefix("azure.") for path in desired.restored if path.startswith("azure.")]
        body = {**written_back(without(live.raw, removed), **own), "tags": tags}
        if "identity" in desired.properties:
            body["identity"] = fresh["identity"]
        answer = context.azure.arm.put(path, WRITE, merged(body, desired.azure))
        return Written({"name": desired.name}, operation_of(answer))

    def delete(self, context: Context, desired: Desired[NoParts], live: Live) -> Written:
        return Written(operation=operation_of(context.azure.arm.delete(endpoint_path(context, live.name), READ)))

    def poll(self, context: Context, desired: Desired[NoParts], written: Written) -> Progress:
        raw = context.azure.arm.get(endpoint_path(context, desired.name), READ)
        return provisioning(context, raw, f"endpoint {desired.name}", written.operation)

    def outputs(self, context: Context, desired: Desired[NoParts], live: Live) -> Mapping[str, Any]:
        return {"name": live.name, "scoring_uri": live.raw["properties"].get("scoringUri")}


def _name_taken(name: str, error: AzureError) -> ConflictError:
    return ConflictError(
        f"endpoint name {name} is not available in this region",
        status=error.status,
        code=NAME_TAKEN,
        method=error.method,
        url=error.url,
        detail=f"{error.summary}\nIt is in use, or an endpoint of this name was deleted recently.",
        remedy="After a delete, re-run `phift apply` in a few minutes; otherwise set another endpoint.name.",
    )
