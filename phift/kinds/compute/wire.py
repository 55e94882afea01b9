"""compute: an AmlCompute cluster, or a reference to a compute that is checked and never written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from phift.azure.operations import operation_of
from phift.kinds.compute.fields import ADDED, TABLE
from phift.kinds.compute.kept import kept_of
from phift.kinds.compute.parts import ANY, ComputeParts
from phift.kinds.compute.secrets import password_of
from phift.kinds.context import Context
from phift.kinds.progress import Progress, Written
from phift.kinds.shared.fields import arguments, observed
from phift.kinds.shared.wire import (
    READ,
    body_of,
    errors_of,
    live_of,
    marks_in,
    merged,
    others_tags,
    own_marks,
    provisioning,
)
from phift.kinds.words import plural
from phift.state.desired import Desired
from phift.state.live import Live, Observation

__all__ = ["WRITE", "ComputeWire"]

WRITE = "2023-08-01-preview"
"""The api-version azure-ai-ml 1.35 writes computes with; its entity's body fits that one."""


class ComputeWire:
    def read(self, context: Context, desired: Desired[ComputeParts]) -> Observation:
        raw = context.find(f"{context.azure.workspace.arm_id}/computes", desired.name, READ)
        if raw is None:
            return Observation()
        inner = raw["properties"].get("properties") or {}
        running = (inner.get("nodeStateCounts") or {}).get("runningNodeCount")
        live = live_of(
            context,
            desired,
            raw,
            marks=marks_in(raw.get("tags")),
            observe=self.observe,
            added=ADDED,
            state=str(raw["properties"].get("provisioningState") or "Succeeded"),
            facts={
                "nodes": inner.get("currentNodeCount"),
                "busy": running,
                "allocation": inner.get("allocationState"),
                "type": raw["properties"].get("computeType"),
                "errors": raw["properties"].get("provisioningErrors"),
            },
            error=errors_of(raw["properties"].get("provisioningErrors")),
            busy=f"{plural(running, 'node')} busy" if running else "",
        )
        return Observation(live)

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        return observed(TABLE, raw)

    def entity(self, desired: Desired[ComputeParts], tags: Mapping[str, str]) -> Any:
        from azure.ai.ml.entities import AmlCompute, AmlComputeSshSettings, NetworkSettings

        fields = arguments(TABLE, desired.properties)
        network, ssh = (desired.properties.get(name) or {} for name in ("network", "ssh"))
        if desired.parts.tier:
            fields["tier"] = "dedicated" if desired.parts.tier == ANY else desired.parts.tier
        if subnet := network.get("subnet"):
            fields["network_settings"] = NetworkSettings(subnet=subnet)
        if "enable_node_public_ip" in network:
            fields["enable_node_public_ip"] = network["enable_node_public_ip"]
        if "public_access_enabled" in ssh:
            fields["ssh_public_access_enabled"] = ssh["public_access_enabled"]
        if user := ssh.get("admin_username"):
            fields["ssh_settings"] = AmlComputeSshSettings(
                admin_username=user, admin_password=password_of(desired), ssh_key_value=ssh.get("ssh_key_value")
            )
        return AmlCompute(name=desired.name, tags=dict(tags), **fields)

    def create(self, context: Context, desired: Desired[ComputeParts]) -> Written:
        return self._put(context, desired, None)

    def update(self, context: Context, desired: Desired[ComputeParts], live: Live) -> Written:
        return self._put(context, desired, live)

    def delete(self, context: Context, desired: Desired[ComputeParts], live: Live) -> Written:
        # Any option but Delete keeps the old cluster, and a later create of the name restores its old size.
        path = self._path(context, live.name)
        answer = context.azure.arm.delete(path, WRITE, underlyingResourceAction="Delete")
        return Written(operation=operation_of(answer))

    def poll(self, context: Context, desired: Desired[ComputeParts], written: Written) -> Progress:
        raw = context.azure.arm.get(self._path(context, desired.name), READ)
        return provisioning(context, raw, f"compute {desired.name}", written.operation)

    def outputs(self, context: Context, desired: Desired[ComputeParts], live: Live) -> Mapping[str, Any]:
        return {"name": live.name, "size": live.properties["size"]}

    def _put(self, context: Context, desired: Desired[ComputeParts], live: Live | None) -> Written:
        path = self._path(context, desired.name)
        object_id = path if path.startswith("/") else f"/{path}"
        kept = others_tags(live, live.raw.get("tags"), desired.properties.get("tags")) if live else {}
        tags = {**kept, **(desired.properties.get("tags") or {}), **own_marks(context, desired, object_id, live)}
        body = body_of(context, replace(desired, azure={}), self.entity(desired, tags))
        if live:
            body = merged(body, kept_of(desired, live))
        body = merged(body, desired.azure)
        answer = context.azure.arm.put(path, WRITE, body)
        return Written({"name": desired.name}, operation_of(answer))

    def _path(self, context: Context, name: str) -> str:
        return f"{context.azure.workspace.arm_id}/computes/{name}"
