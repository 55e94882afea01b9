"""The kind `test`: requests that a deployment must answer before it receives traffic."""

from __future__ import annotations

from collections.abc import Iterable

from phift.kinds.base import Kind, Wire
from phift.kinds.exporting import Exported, Exporting
from phift.kinds.test.compile import tests
from phift.kinds.test.parts import TestParts
from phift.kinds.test.plan import decide
from phift.kinds.test.words import WORDS, result
from phift.plan.action import Action
from phift.state.desired import Desired, Stack
from phift.state.live import Observation
from phift.state.permissions import ML, Needed
from phift.state.traits import Nature, Traits

__all__ = ["TEST"]


def _wire() -> Wire[TestParts, Observation]:
    from phift.kinds.test.wire import TestWire

    return TestWire()


_CREDENTIALS = {
    "key": Needed(f"{ML}/onlineEndpoints/listKeys/action"),
    "amltoken": Needed(f"{ML}/onlineEndpoints/token/action"),
    "aadtoken": Needed(f"{ML}/onlineEndpoints/score/action", data=True),
}
"""What reading the credential of a request requires, by the auth mode of the endpoint."""


def _permissions(action: Action, stack: Stack) -> Iterable[Needed]:
    for endpoint in stack.of_kind("endpoint") if action is Action.RUN else ():
        mode = str(endpoint.properties.get("auth_mode") or "key").replace("_", "").lower()
        yield _CREDENTIALS.get(mode, _CREDENTIALS["key"])


def _export(exporting: Exporting, desired: Desired[TestParts], seen: object) -> Exported:
    from phift.kinds.test.export import export

    return export(exporting, desired)


TEST = Kind(
    name="test",
    traits=Traits(nature=Nature.RUN, deadline=1800.0, leaves_object=False, hosted=True, decided_last=True),
    compile=tests,
    load_wire=_wire,
    export=_export,
    blocks=("tests.*",),
    permissions=_permissions,
    decide=decide,
    words=WORDS,
    result=result,
)
