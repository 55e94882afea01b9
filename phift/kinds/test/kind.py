"""The kind `test`: requests that a deployment must answer before it receives traffic."""

from __future__ import annotations

from phift.kinds.base import Kind, Wire
from phift.kinds.test.compile import tests
from phift.kinds.test.parts import TestParts
from phift.kinds.test.plan import decide
from phift.kinds.test.words import WORDS, result
from phift.state.live import Observation
from phift.state.traits import Nature, Traits

__all__ = ["TEST"]


def _wire() -> Wire[TestParts, Observation]:
    from phift.kinds.test.wire import TestWire

    return TestWire()


TEST = Kind(
    name="test",
    traits=Traits(nature=Nature.RUN, deadline=1800.0, leaves_object=False, hosted=True, decided_last=True),
    compile=tests,
    load_wire=_wire,
    decide=decide,
    words=WORDS,
    result=result,
)
