"""Import an endpoint that exists in a workspace: a serve-only spec, and the pins that keep the deployment's name."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from phift.azure.session import Azure
from phift.diagnostics import Diagnostic, Severity
from phift.errors import AzureError, NotFoundError, RefusedError, UsageError
from phift.kinds.autoscale.imported import imported_setting
from phift.kinds.autoscale.reading import target_of
from phift.kinds.deployment.imported import ADOPT, MODEL, imported_deployment
from phift.kinds.endpoint.imported import imported_endpoint
from phift.kinds.shared.monitor import SETTINGS_API, settings_path
from phift.kinds.shared.online import split
from phift.kinds.shared.wire import READ, marks_in
from phift.lock import PinnedDeployment, StackLock
from phift.phases.imported_spec import ImportedSpec, nothing_named, stack_name, targets_of
from phift.spec.writing import spec_text
from phift.state.ownership import SOURCE, STACK, Owner, Ownership
from phift.state.states import Provisioning
from phift.workbench.open import Workbench, workbench_of
from phift.workbench.request import Request, load
from phift.workbench.sessions import Shared

__all__ = ["import_endpoint"]

_ENDPOINT_NAME = r"[A-Za-z][A-Za-z0-9-]{0,63}"
_FORBIDDEN = 403
_REMARK = "Its first apply takes ownership and changes nothing else."


def import_endpoint(
    azure: Azure, endpoint: str, *, deployment: str | None = None, name: str | None = None, target: str
) -> ImportedSpec:
    """Return the spec of an endpoint that nobody manages with phift. Writes nothing.

    deployment: which of its deployments; by default the one with most traffic. name: of the stack; by default derived
    from the name of the endpoint. target: name of the target of the spec, LOCAL for the emulator.
    Raises UsageError if it does not exist or the choice is ambiguous, RefusedError if a spec cannot describe it, and
    AzureError.
    """
    path = f"{azure.workspace.arm_id}/onlineEndpoints/{endpoint}"
    stack = stack_name(name, endpoint)
    try:
        if not re.fullmatch(_ENDPOINT_NAME, endpoint):
            raise NotFoundError(f"{endpoint!r} is not the name of an endpoint")
        raw = azure.arm.get(path, READ)
    except NotFoundError:
        endpoints = f"{azure.workspace.arm_id}/onlineEndpoints"
        raise nothing_named(azure, "endpoint", endpoint, endpoints, "az ml online-endpoint list") from None
    name_there = str(raw["name"])
    _require_unmanaged(f"endpoint {name_there}", raw)
    state = str(raw["properties"].get("provisioningState") or "Succeeded")
    settled = "" if state == Provisioning.SUCCEEDED else f"it is in state {state}; import it in state Succeeded"
    block = imported_endpoint(raw)
    _refuse(f"endpoint {name_there}", [*block.refusals, *filter(None, [settled])])
    deployments = list(azure.arm.list(f"{path}/deployments", READ))
    traffic = split(raw["properties"].get("traffic"))
    chosen = _chosen(name_there, deployments, traffic, deployment)
    _require_unmanaged(f"deployment {chosen['name']}", chosen)
    setting, setting_notes = _setting(azure, str(chosen["id"]))
    scaled = imported_setting(setting) if setting else None
    serving = imported_deployment(chosen, azure.workspace.arm_id, scaled)
    _refuse(f"deployment {chosen['name']}", serving.refusals)
    if setting and not scaled:
        setting_notes = (f"{_named(setting)} is left out: a spec cannot express it; it remains in effect",)
    own = str(chosen["name"])
    values: dict[str, Any] = {"version": 1, "name": stack, "model": serving.values[MODEL]}
    values["endpoint"] = block.values
    values["deployment"] = {key: value for key, value in serving.values.items() if key != MODEL}
    others = {str(one["name"]): traffic.get(str(one["name"]).lower(), 0) for one in deployments if one is not chosen}
    if 100 - sum(others.values()) != traffic.get(own.lower(), 0) or not traffic.get(own.lower()):
        values["rollout"] = {"traffic": "unmanaged"}
        setting_notes += (f"{own} has no traffic: the spec leaves the traffic split to you (rollout.traffic)",)
    values |= {"adopt": dict(ADOPT), "targets": targets_of(azure, target)}
    head = (
        f"Imported from endpoint {name_there} in {'the emulator' if azure.local else azure.workspace.label}.",
        _REMARK,
        f"The deployment keeps the name {own} (phift.lock) until a change requires a new deployment.",
    )
    text = spec_text(values, head=head)
    pins = _pins(azure, text, own, str(setting["name"]) if setting and scaled else "")
    left = tuple(
        f"deployment {other} ({share} % of the traffic) is left out: phift does not change it or its traffic"
        for other, share in others.items()
    )
    return ImportedSpec(text, stack, _REMARK, pins, (*left, *block.notes, *serving.notes, *setting_notes))


def _require_unmanaged(what: str, raw: Mapping[str, Any]) -> None:
    marks = marks_in(raw.get("tags"))
    if stack := marks.get(STACK):
        remedy = "Use the spec of that stack. If it is lost, delete the phift.* tags first."
        _refuse(what, [f"it belongs to {Owner(Ownership.FOREIGN, stack, marks.get(SOURCE, ''))}"], remedy)


def _refuse(what: str, reasons: Sequence[str], remedy: str = "") -> None:
    if reasons:
        raise RefusedError(
            [
                Diagnostic(f"{what} cannot be imported: {reason}", remedy=remedy, code="not-importable")
                for reason in reasons
            ]
        )


def _chosen(
    endpoint: str, deployments: Sequence[Mapping[str, Any]], traffic: Mapping[str, int], wanted: str | None
) -> Mapping[str, Any]:
    """Return the deployment to import. Raises UsageError, and RefusedError for an endpoint without deployments."""
    by_name = {str(one["name"]).lower(): one for one in deployments}
    names = ", ".join(sorted(str(one["name"]) for one in deployments))
    if not by_name:
        _refuse(f"endpoint {endpoint}", ["it has no deployment"])
    if wanted is not None:
        if wanted.lower() not in by_name:
            raise UsageError(f"endpoint {endpoint} does not have a deployment {wanted}", remedy=f"It has {names}.")
        return by_name[wanted.lower()]
    most = max(traffic.get(name, 0) for name in by_name)
    first = [name for name in by_name if traffic.get(name, 0) == most]
    if len(first) > 1:
        share = f"{most} % of the traffic each" if most else "no traffic"
        raise UsageError(
            f"endpoint {endpoint} has {len(first)} deployments with {share}",
            detail="A spec describes one deployment.",
            remedy=f"Pass --deployment NAME: {names}.",
        )
    return by_name[first[0]]


def _setting(azure: Azure, deployment: str) -> tuple[Mapping[str, Any] | None, tuple[str, ...]]:
    """Return the autoscale setting of a deployment by its ARM id, and a note if the settings cannot be read."""
    try:
        settings = azure.arm.list(settings_path(azure.workspace), SETTINGS_API)
        return next((one for one in settings if target_of(one).lower() == deployment.lower()), None), ()
    except AzureError as error:
        if error.status != _FORBIDDEN:
            raise
        return None, ("autoscale settings cannot be read with your permissions: none is imported",)


def _named(setting: Mapping[str, Any]) -> str:
    return f"autoscale setting {setting.get('name')}"


def _pins(azure: Azure, text: str, deployment: str, setting: str) -> StackLock:
    """Return the pins of the spec, with the names of the deployment and its autoscale setting.

    Raises RefusedError if the spec does not compile.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "imported.yaml"
        path.write_text(text, encoding="utf-8")
        bench = workbench_of(load(Request(path)), lambda loaded: azure, shared=Shared(looking=True))
    _require_compiled(bench)
    found = next(one for one in bench.stack.resources if one.traits.serves)
    pin = PinnedDeployment(name=deployment, digest=found.digest, setting=setting or None)
    return bench.resolved.pins.model_copy(update={"deployment": pin})


def _require_compiled(bench: Workbench) -> None:
    if errors := [finding for finding in bench.stack.findings if finding.severity is Severity.ERROR]:
        raise RefusedError(errors)
