"""Import a deployment: its document as the block `deployment` of a spec, and the reference to its model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from phift.catalog.vm_sizes import spelled
from phift.compile.draft import drop_none
from phift.concealing import is_secret
from phift.kinds.deployment.fields import TABLE
from phift.kinds.deployment.spec import SERVER_VARIABLES
from phift.kinds.shared.asset_ids import asset_of
from phift.kinds.shared.fields import observed
from phift.kinds.shared.imported import ImportedBlock, differing, without_secrets
from phift.state.states import Provisioning

__all__ = ["ADOPT", "MODEL", "imported_deployment"]

ADOPT: Mapping[str, Any] = {"endpoint": True, "deployment": True}
"""The block `adopt` of the spec."""

MODEL = "model"
"""The key of the reference to the model, which is a key of the spec, not of the block."""

_KIND = "deployment"
_GROUPS = {
    "liveness_probe": "livenessProbe",
    "readiness_probe": "readinessProbe",
    "request_settings": "requestSettings",
}
_LONGEST_TIMEOUT = 180_000
"""See phift.kinds.deployment.spec.RequestSettings."""


def imported_deployment(raw: Mapping[str, Any], workspace: str, autoscale: Mapping[str, Any] | None) -> ImportedBlock:
    """Return the block of a deployment, with the key MODEL. raw: its REST document. workspace: its ARM id. autoscale:
    the block of its autoscale setting; None without one, {} for one that the spec cannot express."""
    sent, found = raw["properties"], observed(TABLE, raw)
    model, refusals = asset_of(sent.get("model"), workspace), _refusals(raw, workspace)
    if refusals or model is None:
        return ImportedBlock(refusals=tuple(refusals))
    notes: list[str] = []
    azure: dict[str, Any] = {}
    groups: dict[str, Any] = {}
    for name, there in _GROUPS.items():
        groups[name], odd = differing(_KIND, name, found[name])
        if odd or groups[name].get("request_timeout_ms", 0) > _LONGEST_TIMEOUT:
            groups[name], azure[there] = None, sent[there]
    if sent.get("modelMountPath"):
        azure["modelMountPath"] = sent["modelMountPath"]
    variables, secret = _variables(found["environment_variables"])
    tags, secret_tags = without_secrets(found["tags"], "deployment tag")
    bag, secret_properties = without_secrets(found["properties"], "deployment property")
    count = int(found["instance_count"] or 1)
    code, environment = sent.get("codeConfiguration"), sent.get("environmentId")
    values = drop_none(
        {
            MODEL: str(model.of_kind("models")),
            "instance_type": spelled(str(found["instance_type"])),
            "instance_count": None if autoscale else {"initial": count} if autoscale is not None else count,
            **{name: group or None for name, group in groups.items()},
            "autoscale": autoscale or None,
            "environment": _environment(environment, workspace),
            "code_configuration": {
                "code": str(asset_of(code["codeId"], workspace)),
                "scoring_script": code["scoringScript"],
            }
            if code
            else None,
            "environment_variables": variables or None,
            "egress_public_network_access": "disabled" if found["egress_public_network_access"] == "disabled" else None,
            "data_collector": _collector(found["data_collector"]),
            "properties": bag or None,
            "app_insights_enabled": found["app_insights_enabled"] or None,
            "description": found["description"] or None,
            "tags": tags or None,
            "azure": {"properties": azure} if azure else None,
        }
    )
    return ImportedBlock(values, (*secret, *notes, *secret_tags, *secret_properties))


def _refusals(raw: Mapping[str, Any], workspace: str) -> list[str]:
    """Return why a deployment cannot be imported."""
    sent, found = raw["properties"], []
    state = str(sent.get("provisioningState") or "Succeeded")
    if str(sent.get("endpointComputeType") or "Managed").lower() != "managed":
        return ["it runs on Kubernetes; phift manages managed online deployments only"]
    if Provisioning.failed(state):
        found.append(f"it is in state {state}, and phift would replace it; repair or delete it first")
    elif not Provisioning.settled(state):
        found.append(f"it is in state {state}; re-run the command when the operation has ended")
    if not sent.get("model"):
        found.append("it has no model: its code or its environment contains it, which a spec cannot express")
    elif asset_of(sent["model"], workspace) is None:
        found.append(f"its model {sent['model']} is not a version in this workspace or in a registry")
    if sent.get("environmentId") and asset_of(sent["environmentId"], workspace) is None:
        found.append(f"its environment {sent['environmentId']} is not a version in this workspace or in a registry")
    code = sent.get("codeConfiguration") or {}
    if code and asset_of(code.get("codeId"), workspace) is None:
        found.append(f"its code {code.get('codeId')} is not a version in this workspace")
    elif code and not sent.get("environmentId"):
        found.append("it has a scoring script but no environment, which a spec cannot express")
    return found


def _environment(id: object, workspace: str) -> str | None:
    asset = asset_of(id, workspace)
    return str(asset.of_kind("environments")) if asset else None


def _variables(live: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the environment variables, with references instead of secrets, and a note for each of these."""
    found: dict[str, Any] = {}
    notes = []
    for name, value in live.items():
        if name in SERVER_VARIABLES:
            continue
        if not is_secret(name, str(value)):
            found[name] = str(value)
            continue
        variable = re.sub(r"[^A-Za-z0-9_]", "_", name)
        variable = variable if not variable[:1].isdecimal() else f"_{variable}"
        found[name] = {"secret": f"env:{variable}"}
        notes.append(
            f"environment variable {name} looks like a secret: the spec refers to {variable} instead of its value; "
            f"set {variable} where `phift apply` runs"
        )
    return found, notes


def _collector(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the data collector without the defaults of the service."""
    if not found:
        return None
    collections = {
        name: {key: value for key, value in each.items() if value is not None and (key, value) != ("sampling_rate", 1)}
        for name, each in found["collections"].items()
    }
    rolling = found.get("rolling_rate")
    logging = found.get("request_logging")
    return drop_none(
        {
            "collections": collections,
            "rolling_rate": rolling if rolling != "hour" else None,
            "request_logging": logging if logging and logging["capture_headers"] else None,
        }
    )
