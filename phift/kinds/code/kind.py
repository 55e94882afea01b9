"""The kind `code`: the folder of a scoring script, whose version is the digest of its content."""

from __future__ import annotations

from phift.kinds.base import Kind, Wire
from phift.kinds.code.compile import code
from phift.kinds.code.parts import CodeParts
from phift.kinds.code.words import WORDS, status
from phift.kinds.exporting import Exported, Exporting
from phift.kinds.shared.permissions import archiving
from phift.kinds.shared.uploads import seconds_for
from phift.plan.versions import decide_version
from phift.state.desired import Desired
from phift.state.live import Observation
from phift.state.traits import Nature, Traits

__all__ = ["CODE"]


def _wire() -> Wire[CodeParts, Observation]:
    from phift.kinds.code.wire import CodeWire

    return CodeWire()


def _seconds(desired: Desired[CodeParts]) -> float:
    return seconds_for(desired.parts.folder if isinstance(desired.parts, CodeParts) else None)


def _export(exporting: Exporting, desired: Desired[CodeParts], seen: object) -> Exported:
    from phift.kinds.code.export import export

    return export(exporting, desired)


CODE = Kind(
    name="code",
    traits=Traits(nature=Nature.VERSION),
    compile=code,
    load_wire=_wire,
    export=_export,
    blocks=("deployment.code_configuration",),
    permissions=archiving("codes/versions"),
    decide=decide_version,
    seconds=_seconds,
    words=WORDS,
    status=status,
)
"""`code`: a version of the code of a deployment."""
