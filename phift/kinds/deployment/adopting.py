"""What the adoption of a deployment changes in its container, which the name of an imported one does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phift.address import Address
from phift.kinds.deployment.parts import DeploymentParts
from phift.kinds.shared.asset_ids import asset_of
from phift.plan.action import ChangeAction, ChangedBy
from phift.plan.decision import PlanContext
from phift.plan.model import FieldChange
from phift.spec import AssetRef, EnvironmentRef
from phift.state.desired import Desired
from phift.state.live import Live

__all__ = ["content_changes"]

_IN_PLACE = "the service replaces the container"


def content_changes(desired: Desired[DeploymentParts], live: Live, context: PlanContext) -> Iterator[FieldChange]:
    """Yield the differences of model, code and environment between an unmanaged deployment and the spec.

    An asset that the stack creates itself is not compared: its version is not known yet.
    """
    parts, sent = desired.parts, live.raw["properties"]
    workspace = live.object_id.partition("/onlineEndpoints/")[0]
    code = sent.get("codeConfiguration") or {}

    def asset(source: AssetRef | str | Address | None) -> AssetRef | None:
        if isinstance(source, Address):
            seen = context.observed.get(source)
            return asset_of(seen.live.object_id, workspace) if seen and seen.live else None
        return EnvironmentRef.parse(source).asset if isinstance(source, str) else source

    compared: tuple[tuple[str, AssetRef | str | Address | None, object], ...] = (
        ("model", parts.model, sent.get("model")),
        ("environment", parts.environment, sent.get("environmentId")),
        ("code_configuration.code", parts.code, code.get("codeId")),
    )
    for path, source, written in compared:
        wanted = asset(source)
        if (wanted is not None and not wanted.floats) or (source is None and written):
            yield from _change(path, wanted, asset_of(written, workspace) or (written or None))
    script = code.get("scoringScript")
    if (parts.scoring_script or None) != script:
        yield _changed("code_configuration.scoring_script", parts.scoring_script or None, script)


def _change(path: str, wanted: AssetRef | None, found: Any) -> Iterator[FieldChange]:
    if isinstance(found, AssetRef) and wanted is not None and _key(found) == _key(wanted):
        return
    yield _changed(path, str(wanted) if wanted else None, str(found) if found else None)


def _key(asset: AssetRef) -> tuple[str, str, str]:
    return (asset.registry or "").lower(), asset.name.lower(), str(asset.version).lower()


def _changed(path: str, wanted: Any, found: Any) -> FieldChange:
    return FieldChange(path, wanted, found, ChangeAction.UPDATE, _IN_PLACE, ChangedBy.UNKNOWN)
