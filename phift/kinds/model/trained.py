"""The versions of a model that trainings of its stack resulted in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.compile.naming import job_name
from phift.kinds.context import Context
from phift.kinds.model.parts import ModelParts
from phift.kinds.model.wire import ModelWire
from phift.kinds.shared.versions import versions_in
from phift.state.desired import Desired
from phift.state.ownership import DIGEST, inputs_in
from phift.state.states import Provisioning

__all__ = ["TrainedVersion", "trained_versions"]


@dataclass(frozen=True)
class TrainedVersion:
    """A registered version. job: the name of its training. digest: of the inputs of the training, "" if its tag was
    removed. created: ISO time. inputs: of the training, as recorded."""

    version: str
    object_id: str
    job: str
    digest: str
    created: str
    archived: bool
    inputs: Mapping[str, Any] = field(repr=False)


def trained_versions(context: Context, desired: Desired[Any]) -> tuple[TrainedVersion, ...]:
    """Return the versions of this stack, archived or not, the newest first; empty for a model that is not trained here.

    Raises AzureError.
    """
    if not isinstance(desired.parts, ModelParts):
        return ()
    wire = ModelWire()
    found = []
    for raw in versions_in(context, f"models/{desired.name}"):
        live = wire.live(context, desired, raw)
        if not live.ours:
            continue
        digest = live.marks.get(DIGEST, "")
        found.append(
            TrainedVersion(
                live.version,
                live.object_id,
                # The service fills in the name of the job later, or not at all.
                str(live.facts.get("job") or "") or (job_name(desired.stack, digest) if digest else ""),
                digest,
                str((raw.get("systemData") or {}).get("createdAt") or ""),
                live.state == Provisioning.ARCHIVED,
                inputs_in(live.marks),
            )
        )
    return tuple(found)
