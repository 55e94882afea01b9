"""The kind `environment`: an environment of the spec, whose version is the digest of its content."""

from __future__ import annotations

from phift.kinds.base import Kind, Wire
from phift.kinds.environment.compile import environment
from phift.kinds.environment.parts import EnvironmentParts
from phift.kinds.environment.words import WORDS, status
from phift.kinds.exporting import Exported, Exporting
from phift.kinds.shared.permissions import archiving
from phift.kinds.shared.uploads import seconds_for
from phift.plan.versions import decide_version
from phift.state.desired import Desired
from phift.state.live import Observation
from phift.state.traits import Nature, Traits

__all__ = ["ENVIRONMENT"]


def _wire() -> Wire[EnvironmentParts, Observation]:
    from phift.kinds.environment.wire import EnvironmentWire

    return EnvironmentWire()


def _seconds(desired: Desired[EnvironmentParts]) -> float:
    return seconds_for(desired.parts.build if isinstance(desired.parts, EnvironmentParts) else None)


def _export(exporting: Exporting, desired: Desired[EnvironmentParts], seen: object) -> Exported:
    from phift.kinds.environment.export import export

    return export(exporting, desired)


ENVIRONMENT = Kind(
    name="environment",
    traits=Traits(nature=Nature.VERSION),
    compile=environment,
    load_wire=_wire,
    export=_export,
    blocks=("deployment.environment",),
    permissions=archiving("environments/versions"),
    decide=decide_version,
    seconds=_seconds,
    words=WORDS,
    status=status,
)
"""`environment`: a version of the environment of a deployment."""
