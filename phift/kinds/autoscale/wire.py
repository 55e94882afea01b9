"""autoscale: an autoscale setting of Azure Monitor. It is outside the workspace, and outlives its deployment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phift.address import Address
from phift.errors import Cause, ConflictError
from phift.kinds.autoscale.parts import AutoscaleObservation, AutoscaleParts
from phift.kinds.autoscale.reading import observed, target_of
from phift.kinds.context import Context
from phift.kinds.progress import Progress, Written
from phift.kinds.shared.monitor import SETTINGS_API, settings_path
from phift.kinds.shared.wire import live_of, marks_in, merged, others_tags, own_marks
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.ownership import ADDRESS, STACK

__all__ = ["AutoscaleWire", "settings_of"]

_KEPT = ("notifications", "predictiveAutoscalePolicy")
"""Properties that phift does not manage; an update writes them back."""


class AutoscaleWire:
    def read(self, context: Context, desired: Desired[AutoscaleParts]) -> AutoscaleObservation:
        """Read the setting by name. In a plan, also the other settings of the stack and of the deployment."""
        path = settings_path(context.azure.workspace)
        raw = context.find(path, desired.name, SETTINGS_API)
        live = _live(context, desired, raw) if raw is not None else None
        if context.snapshot is None or not isinstance(desired.parts, AutoscaleParts) or not desired.parts.target:
            return AutoscaleObservation(live)
        name, target = desired.name.lower(), desired.parts.target.lower()
        others = tuple(o for o in settings_of(context, desired.former) if o.name.lower() != name)
        mine = {other.object_id.lower() for other in others}
        rivals = (
            raw
            for raw in context.list(path, SETTINGS_API)
            if target_of(raw).lower() == target
            and str(raw.get("name")).lower() != name
            and str(raw.get("id")).lower() not in mine
        )
        rival = next((_live(context, desired, raw) for raw in rivals), None)
        return AutoscaleObservation(live, others=others, rival=rival)

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        return observed(raw)

    def create(self, context: Context, desired: Desired[AutoscaleParts]) -> Written:
        return self._put(context, desired, None)

    def update(self, context: Context, desired: Desired[AutoscaleParts], live: Live) -> Written:
        return self._put(context, desired, live)

    def delete(self, context: Context, desired: Desired[AutoscaleParts], live: Live) -> Written:
        context.azure.arm.delete(_path(context, live.name), SETTINGS_API)
        return Written()

    def poll(self, context: Context, desired: Desired[AutoscaleParts], written: Written) -> Progress:
        """Report done when the setting can be read; the service writes it at once."""
        context.azure.arm.get(_path(context, desired.name), SETTINGS_API)
        return Progress("Succeeded", done=True)

    def outputs(self, context: Context, desired: Desired[AutoscaleParts], live: Live) -> Mapping[str, Any]:
        return {"name": live.name}

    def document(
        self, context: Context, desired: Desired[AutoscaleParts], tags: Mapping[str, str], live: Live | None
    ) -> dict[str, Any]:
        """Return the request body. The service disables a setting that does not say `enabled`."""
        before = (live.raw.get("properties") or {}) if live else {}
        kept = {name: before[name] for name in _KEPT if before.get(name)}
        body = {
            "location": context.azure.location,
            "tags": dict(tags),
            "properties": {
                "notifications": [],
                **kept,
                "enabled": True,
                "name": desired.name,
                "targetResourceUri": desired.parts.target,
                "targetResourceLocation": context.azure.location,
                "profiles": list(desired.parts.profiles),
            },
        }
        return merged(body, desired.azure)

    def _put(self, context: Context, desired: Desired[AutoscaleParts], live: Live | None) -> Written:
        path = _path(context, desired.name)
        kept = others_tags(live, live.raw.get("tags"), desired.properties.get("tags")) if live else {}
        tags = {**kept, **(desired.properties.get("tags") or {}), **own_marks(context, desired, path, live)}
        try:
            context.azure.arm.put(path, SETTINGS_API, self.document(context, desired, tags, live))
        except ConflictError as error:
            if error.status != 409 or error.cause.permanent:
                raise
            error.cause = Cause.UNKNOWN  # waiting for another operation does not help
            error.detail = "\n".join(filter(None, [error.detail, "A deployment can have one autoscale setting."]))
            error.remedy = "If another setting scales the deployment, delete it; then re-run `phift apply`."
            raise
        return Written({"name": desired.name})


def settings_of(context: Context, former: tuple[str, ...] = ()) -> tuple[Live, ...]:
    """Return the settings of the stack for deployments of the workspace, by name. former: earlier names of the stack.

    Raises AzureError.
    """
    return tuple(sorted(_owned(context, former), key=lambda live: live.name))


def _owned(context: Context, former: tuple[str, ...]) -> Iterator[Live]:
    workspace = f"{context.azure.workspace.arm_id}/".lower()
    for raw in context.list(settings_path(context.azure.workspace), SETTINGS_API):
        marks = marks_in(raw.get("tags"))
        if marks.get(STACK) not in (context.stack, *former) or not target_of(raw).lower().startswith(workspace):
            continue
        try:
            address = Address.parse(marks.get(ADDRESS, ""))
        except ValueError:
            continue
        live = _live(context, Desired(address, str(raw["name"]), former=former, parts=AutoscaleParts()), raw)
        if live.ours:
            yield live


def _live(context: Context, desired: Desired[Any], raw: Mapping[str, Any]) -> Live:
    properties = observed(raw)
    return live_of(
        context,
        desired,
        raw,
        name=str(raw["name"]),
        marks=marks_in(raw.get("tags")),
        observe=observed,
        state="Succeeded",
        facts={
            "instances": f"{properties['minimum']} to {properties['maximum']} instances",
            "scales": properties["deployment"],
            "disabled": not properties["enabled"],
        },
    )


def _path(context: Context, name: str) -> str:
    return f"{settings_path(context.azure.workspace)}/{name}"
