"""deployment: a managed online deployment, named by the digest of values that require a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from phift.address import Address
from phift.azure.operations import operation_of
from phift.errors import AzureError
from phift.kinds.context import Context
from phift.kinds.deployment.count import wanted_count
from phift.kinds.deployment.data_collector import collector_body
from phift.kinds.deployment.fields import ADDED, TABLE
from phift.kinds.deployment.keeping import KEPT, NOT_KEPT, written
from phift.kinds.deployment.parts import DeploymentObservation, DeploymentParts
from phift.kinds.deployment.secrets import secrets_of
from phift.kinds.progress import Progress, Written
from phift.kinds.shared.fields import arguments, observed
from phift.kinds.shared.online import endpoint_path, find_endpoint, give_up_share, split, users_properties
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
from phift.spec import AssetRef
from phift.state.desired import Desired
from phift.state.live import Live, Previous
from phift.state.ownership import COMPANION, FIELDS, INPUTS, RAW, inputs_in

__all__ = ["WRITE", "Assets", "DeploymentWire", "assets_of", "code_id"]

WRITE = "2023-04-01-preview"
"""The api-version azure-ai-ml 1.35 writes deployments with."""

_PATCH = READ
"""The api-version of changes of the tags alone."""

_LOG_LINES = 40
_NO_REASON = "The service no longer reports the reason; the log of the container may show it."
_REMEDY = (
    "See the log of the container: `phift logs SPEC --deployment`. "
    "Fix the cause and re-run `phift apply`; a failed deployment is replaced automatically."
)


class Assets(NamedTuple):
    """The ids of the assets of a deployment; "" for none."""

    model: str
    code: str = ""
    environment: str = ""


def code_id(context: Context, asset: AssetRef) -> str:
    """Return the ARM id of registered code."""
    return f"{context.azure.workspace.arm_id}/codes/{asset.name}/versions/{asset.version}"


def assets_of(context: Context, desired: Desired[DeploymentParts]) -> Assets:
    """Return the ids of the assets from the outputs of earlier steps."""
    parts = desired.parts
    if parts.model is None:
        raise TypeError(f"{desired.address} is not in the spec and is never written")
    environment = parts.environment
    if isinstance(environment, Address):
        environment = str(context.outputs[environment]["id"])
    code = ""
    if isinstance(parts.code, Address):
        code = str(context.outputs[parts.code]["id"])
    elif parts.code is not None:
        code = code_id(context, parts.code)
    return Assets(str(context.outputs[parts.model]["id"]), code, environment or "")


class DeploymentWire:
    def read(self, context: Context, desired: Desired[DeploymentParts]) -> DeploymentObservation:
        """Read the deployment, the other deployments of the stack on the endpoint, and the traffic."""
        path = endpoint_path(context, desired.parts.endpoint)
        raw_endpoint = find_endpoint(context, desired.parts.endpoint)
        if raw_endpoint is None:
            return DeploymentObservation()
        found: Live | None = None
        others, foreign = [], []
        deployments = context.list(f"{path}/deployments", READ)
        for raw in deployments:
            live = self._live(context, desired, raw)
            if str(raw["name"]).lower() == desired.name.lower():
                found = live
            elif live.ours:
                others.append(live)
            else:
                foreign.append(live.name)
        others.sort(key=lambda live: str((live.raw.get("systemData") or {}).get("createdAt", "")), reverse=True)
        busy = split(raw_endpoint["properties"].get("traffic"))
        serving = [o for o in others if o.name.lower() in busy] or others
        return DeploymentObservation(
            found,
            others=tuple(others),
            previous=Previous(serving[0].name, inputs_in(serving[0].marks)) if serving else None,
            guests=tuple(foreign),
            busy=busy,
            inputs=inputs_in(found.marks) if found else {},
            count=len(deployments),
            now=context.azure.now(),
        )

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        return observed(TABLE, raw)

    def entity(
        self,
        desired: Desired[DeploymentParts],
        ids: Assets,
        count: int,
        tags: Mapping[str, str],
        properties: Mapping[str, str],
    ) -> Any:
        from azure.ai.ml.entities import CodeConfiguration, ManagedOnlineDeployment

        wanted = desired.properties
        fields = arguments(TABLE, wanted)
        if ids.environment:
            fields["environment"] = ids.environment
        if ids.code:
            script = desired.parts.scoring_script
            fields["code_configuration"] = CodeConfiguration(code=ids.code, scoring_script=script)
        if variables := {**(wanted.get("environment_variables") or {}), **secrets_of(desired)}:
            fields["environment_variables"] = variables
        return ManagedOnlineDeployment(
            name=desired.name,
            endpoint_name=desired.parts.endpoint,
            model=ids.model,
            instance_count=count,
            tags=dict(tags),
            properties=dict(properties),
            **fields,
        )

    def create(self, context: Context, desired: Desired[DeploymentParts]) -> Written:
        return self._put(context, desired, wanted_count(desired, None), None)

    def update(self, context: Context, desired: Desired[DeploymentParts], live: Live) -> Written:
        """Update the deployment; of one that is no longer in the spec, only the mark of how long it is kept."""
        if keep := desired.parts.keep:
            tags = {name: value for name, value in (live.raw.get("tags") or {}).items() if name.lower() != KEPT}
            if keep != NOT_KEPT:
                tags[KEPT] = written(keep, context.azure.now())
            answer = context.azure.arm.patch(self._path(context, desired, live.name), _PATCH, {"tags": tags})
            return Written({"name": live.name}, operation_of(answer))
        return self._put(context, desired, wanted_count(desired, live), live)

    def delete(self, context: Context, desired: Desired[DeploymentParts], live: Live) -> Written:
        """Delete the deployment. The service rejects this while it has traffic.

        A deployment that is deleted to be re-created gives up its traffic first. One that was replaced must not have
        traffic any more.
        """
        path = endpoint_path(context, desired.parts.endpoint)
        if desired.parts.strategy:
            give_up_share(context, path, live.name)
        return Written(operation=operation_of(context.azure.arm.delete(f"{path}/deployments/{live.name}", READ)))

    def poll(self, context: Context, desired: Desired[DeploymentParts], written: Written) -> Progress:
        raw = context.azure.arm.get(self._path(context, desired, desired.name), READ)
        what = f"deployment {desired.name}"
        progress = provisioning(context, raw, what, written.operation, look=_NO_REASON, remedy=_REMEDY)
        if isinstance(progress.error, AzureError) and (tail := self._log(context, desired)):
            progress.error.detail = "\n".join(
                filter(None, [progress.error.detail, "End of the container's log:", tail])
            )
        return progress

    def outputs(self, context: Context, desired: Desired[DeploymentParts], live: Live) -> Mapping[str, Any]:
        return {"name": live.name, "instance_count": live.properties["instance_count"]}

    def labels(
        self, context: Context, desired: Desired[DeploymentParts], live: Live | None
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Return the tags and the property bag to write. live: the deployment, if it exists."""
        path = self._path(context, desired, desired.name)
        kept = others_tags(live, live.raw.get("tags"), desired.properties.get("tags")) if live else {}
        marks = own_marks(context, desired, path, live)
        # Too long for an ARM tag; stored in the property bag.
        bag = {name: marks.pop(name) for name in (INPUTS, FIELDS, RAW) if name in marks}
        there = users_properties(live.raw["properties"].get("properties")) if live else {}
        others = {name: value for name, value in there.items() if f"properties.{name}" not in desired.restored}
        return (
            {**kept, **(desired.properties.get("tags") or {}), **marks},
            {**others, **(desired.properties.get("properties") or {}), **bag},
        )

    def body(self, context: Context, desired: Desired[DeploymentParts], entity: Any) -> dict[str, Any]:
        """Return the request body of an entity of the deployment."""
        body = body_of(context, desired, entity)
        if collector := desired.properties.get("data_collector"):
            # The entity has one sampling rate for all collections.
            own = {"properties": {"dataCollector": collector_body(collector, context.azure.workspace.arm_id)}}
            body = merged(body, merged(own, desired.azure))
        return body

    def _put(self, context: Context, desired: Desired[DeploymentParts], count: int, live: Live | None) -> Written:
        tags, bag = self.labels(context, desired, live)
        body = self.body(context, desired, self.entity(desired, assets_of(context, desired), count, tags, bag))
        answer = context.azure.arm.put(self._path(context, desired, desired.name), WRITE, body)
        return Written({"name": desired.name}, operation_of(answer))

    def _live(self, context: Context, desired: Desired[DeploymentParts], raw: Mapping[str, Any]) -> Live:
        properties = raw["properties"]
        bag, tags = marks_in(properties.get("properties")), marks_in(raw.get("tags"))
        return live_of(
            context,
            desired,
            raw,
            name=str(raw["name"]),
            marks={**tags, **bag},
            observe=self.observe,
            added=ADDED,
            counters=frozenset({"instance_count"} if COMPANION in tags else ()),
            state=str(properties.get("provisioningState") or "Succeeded"),
            facts={
                "model": properties.get("model"),
                "instances": (raw.get("sku") or {}).get("capacity"),
                "errors": (error := reason_of_failure(context, raw)),
            },
            error=error,
        )

    def _log(self, context: Context, desired: Desired[DeploymentParts]) -> str:
        path = f"{self._path(context, desired, desired.name)}/getLogs"
        try:
            answer = context.azure.arm.post(path, WRITE, {"tail": _LOG_LINES, "containerType": "InferenceServer"})
        except AzureError:
            return ""  # the service returns no log until the container exists
        return str((answer.body or {}).get("content") or "").strip()

    def _path(self, context: Context, desired: Desired[DeploymentParts], name: str) -> str:
        return f"{endpoint_path(context, desired.parts.endpoint)}/deployments/{name}"
