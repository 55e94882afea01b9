"""deployment: a managed online deployment, whose name is the digest of what cannot change without a new one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from phift.azure.operations import operation_of
from phift.compile.desired import Desired
from phift.compile.ownership import FIELDS, INPUTS, RAW, inputs_in, user_tags
from phift.diagnostics import Diagnostic
from phift.errors import AzureError, RefusedError
from phift.resources.base import Context, Live, Nature, Observation, Progress, Written
from phift.resources.kinds.common import (
    READ,
    body_of,
    live_of,
    marks_in,
    others_tags,
    own_marks,
    provisioning,
    reason_of_failure,
    seconds_of,
    words,
)
from phift.resources.kinds.endpoint import endpoint_path, find_endpoint
from phift.resources.kinds.traffic import give_up_share, split

__all__ = ["Deployment", "secrets_of"]

_WRITE = "2023-04-01-preview"
"""The api-version azure-ai-ml 1.35 writes deployments with."""

_LOG_LINES = 40
_NO_REASON = "The service no longer tells the reason; the container's log may show it."
_REMEDY = (
    "See the container's log: `phift logs SPEC --deployment`. "
    "Fix the cause and re-run `phift apply`; a failed deployment is replaced automatically."
)
_PROBES = ("liveness_probe", "readiness_probe")


class Deployment:
    name = "deployment"
    nature = Nature.MUTABLE
    deadline = 7200.0
    stays = True

    def read(self, context: Context, desired: Desired) -> Observation:
        """facts: others, the stack's other deployments on the endpoint, newest first; busy: names with live traffic."""
        path = endpoint_path(context, desired.parts["endpoint"])
        raw_endpoint = find_endpoint(context, desired.parts["endpoint"])
        if raw_endpoint is None:
            return Observation(None, {"others": ()})
        documents = context.list(f"{path}/deployments", READ)
        found: Live | None = None
        others = []
        for raw in documents:
            live = self._live(context, desired, raw)
            if str(raw["name"]).lower() == desired.name.lower():
                found = live
            elif live.ours:
                others.append(live)
        others.sort(key=lambda live: str((live.raw.get("systemData") or {}).get("createdAt", "")), reverse=True)
        facts: dict[str, Any] = {
            "others": tuple(others),
            "busy": split(raw_endpoint["properties"].get("traffic")),
        }
        serving = [o for o in others if o.name.lower() in facts["busy"]] or others
        if serving:
            facts["previous"] = {"name": serving[0].name, "inputs": inputs_in(serving[0].marks)}
        if found:
            facts["inputs"] = inputs_in(found.marks)
        return Observation(found, facts)

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        properties = raw["properties"]
        requests = properties.get("requestSettings") or {}
        return {
            "instance_type": properties.get("instanceType"),
            "instance_count": (raw.get("sku") or {}).get("capacity"),
            "request_settings": {
                "request_timeout_ms": _milliseconds(requests.get("requestTimeout")),
                "max_concurrent_requests_per_instance": requests.get("maxConcurrentRequestsPerInstance"),
                "max_queue_wait_ms": _milliseconds(requests.get("maxQueueWait")),
            },
            **{name: _probe(properties.get(_camel(name))) for name in _PROBES},
            "environment_variables": properties.get("environmentVariables") or {},
            "app_insights_enabled": bool(properties.get("appInsightsEnabled")),
            "egress_public_network_access": str(properties.get("egressPublicNetworkAccess") or "enabled").lower(),
            "description": properties.get("description"),
            "tags": user_tags(raw.get("tags")),
        }

    def entity(
        self, desired: Desired, model_id: str, count: int, tags: Mapping[str, str], properties: Mapping[str, str]
    ) -> Any:
        from azure.ai.ml.entities import ManagedOnlineDeployment, OnlineRequestSettings, ProbeSettings

        wanted = desired.properties
        fields = words(wanted, "instance_type", "app_insights_enabled", "egress_public_network_access", "description")
        if settings := wanted.get("request_settings"):
            fields["request_settings"] = OnlineRequestSettings(**settings)
        for name in _PROBES:
            if probe := wanted.get(name):
                fields[name] = ProbeSettings(**probe)
        if environment := desired.parts.get("environment"):
            fields["environment"] = environment
        if variables := {**(wanted.get("environment_variables") or {}), **secrets_of(desired)}:
            fields["environment_variables"] = variables
        return ManagedOnlineDeployment(
            name=desired.name,
            endpoint_name=desired.parts["endpoint"],
            model=model_id,
            instance_count=count,
            tags=dict(tags),
            properties=dict(properties),
            **fields,
        )

    def create(self, context: Context, desired: Desired) -> Written:
        count = int(desired.properties.get("instance_count") or desired.parts.get("initial_count") or 1)
        return self._put(context, desired, count, None)

    def update(self, context: Context, desired: Desired, live: Live) -> Written:
        count = int(desired.properties.get("instance_count") or live.properties.get("instance_count") or 1)
        return self._put(context, desired, count, live)

    def delete(self, context: Context, desired: Desired, live: Live) -> Written:
        """The service refuses to delete what has traffic. One that is deleted to be made anew gives up its share first;
        one that was replaced by another must have lost it to that one."""
        path = endpoint_path(context, desired.parts["endpoint"])
        if desired.parts.get("strategy"):
            give_up_share(context, path, live.name)
        return Written(operation=operation_of(context.azure.arm.delete(f"{path}/deployments/{live.name}", READ)))

    def poll(self, context: Context, desired: Desired, written: Written) -> Progress:
        raw = context.azure.arm.get(self._path(context, desired, desired.name), READ)
        what = f"deployment {desired.name}"
        progress = provisioning(context, raw, what, written.operation, look=_NO_REASON, remedy=_REMEDY)
        if isinstance(progress.error, AzureError) and (tail := self._log(context, desired)):
            progress.error.detail = "\n".join(filter(None, [progress.error.detail, "The container's log ends:", tail]))
        return progress

    def outputs(self, context: Context, desired: Desired, live: Live) -> Mapping[str, Any]:
        return {"name": live.name, "instance_count": live.properties["instance_count"]}

    def _put(self, context: Context, desired: Desired, count: int, live: Live | None) -> Written:
        path = self._path(context, desired, desired.name)
        kept = others_tags(live, live.raw.get("tags"), desired.properties.get("tags")) if live else {}
        marks = own_marks(context, desired, path, live)
        # Longer than an ARM tag may be; the property bag takes it.
        bag = {name: marks.pop(name) for name in (INPUTS, FIELDS, RAW) if name in marks}
        tags = {**kept, **(desired.properties.get("tags") or {}), **marks}
        model_id = str(context.outputs[desired.parts["model"]]["id"])
        body = body_of(context, desired, self.entity(desired, model_id, count, tags, bag))
        answer = context.azure.arm.put(path, _WRITE, body)
        return Written({"name": desired.name}, operation_of(answer))

    def _live(self, context: Context, desired: Desired, raw: Mapping[str, Any]) -> Live:
        properties = raw["properties"]
        bag = marks_in(properties.get("properties"))
        return live_of(
            context,
            desired,
            raw,
            name=str(raw["name"]),
            marks={**marks_in(raw.get("tags")), **bag},
            observe=self.observe,
            state=str(properties.get("provisioningState") or "Succeeded"),
            facts={
                "model": properties.get("model"),
                "instances": (raw.get("sku") or {}).get("capacity"),
                "errors": reason_of_failure(context, raw),
            },
        )

    def _log(self, context: Context, desired: Desired) -> str:
        path = f"{self._path(context, desired, desired.name)}/getLogs"
        try:
            answer = context.azure.arm.post(path, _WRITE, {"tail": _LOG_LINES, "containerType": "InferenceServer"})
        except AzureError:
            return ""  # the service gives none while the container is not there
        return str((answer.body or {}).get("content") or "").strip()

    def _path(self, context: Context, desired: Desired, name: str) -> str:
        return f"{endpoint_path(context, desired.parts['endpoint'])}/deployments/{name}"


def secrets_of(desired: Desired) -> dict[str, str]:
    """Environment variables whose value is a secret, resolved now; one in a key vault is resolved by the service.

    Raises RefusedError with a finding for each that is not set.
    """
    found, missing = {}, []
    for variable, reference in (desired.parts.get("secrets") or {}).items():
        if reference.source == "keyvault":
            found[variable] = f"${{{{keyvault:{reference.name}}}}}"
        elif (value := os.environ.get(reference.name)) is not None:
            found[variable] = value
        else:
            missing.append(
                Diagnostic(
                    f"the secret {reference} of deployment.environment_variables.{variable} is not set",
                    remedy=f"Set the environment variable {reference.name} where apply runs.",
                    address=str(desired.address),
                    code="secret-missing",
                )
            )
    if missing:
        raise RefusedError(missing)
    return found


def _probe(raw: Mapping[str, Any] | None) -> dict[str, Any]:
    raw = raw or {}
    return {
        "initial_delay": seconds_of(raw.get("initialDelay")),
        "period": seconds_of(raw.get("period")),
        "timeout": seconds_of(raw.get("timeout")),
        "success_threshold": raw.get("successThreshold"),
        "failure_threshold": raw.get("failureThreshold"),
    }


def _milliseconds(duration: str | None) -> float | None:
    seconds = seconds_of(duration)
    return None if seconds is None else seconds * 1000


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)
