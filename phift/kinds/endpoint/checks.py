"""Check the name of an endpoint that is derived from the name of the stack."""

from __future__ import annotations

from collections.abc import Iterator

from phift.diagnostics import Diagnostic
from phift.kinds.check import check, has
from phift.kinds.subject import Subject
from phift.lazy import lazy_pattern

__all__ = ["endpoint_named"]

_NAME = lazy_pattern(r"(?=.{3,32}$)[a-zA-Z](-?[a-zA-Z0-9])*")


@check("endpoint-name", reads="name of the endpoint", source="the spec", applies=has("endpoint"))
def endpoint_named(subject: Subject) -> Iterator[Diagnostic]:
    """endpoint-name: a stack can have a name that an endpoint cannot have."""
    for endpoint in subject.stack.of_kind("endpoint"):
        if _NAME.fullmatch(endpoint.name) is None:
            yield subject.at(
                "endpoint",
                Diagnostic(
                    f"{endpoint.name} is not a name that an endpoint can have",
                    detail="It is derived from the name of the stack. The name of an endpoint has 3 to 32 letters, "
                    "digits and single dashes.",
                    remedy="Write endpoint: {name: NAME}, or rename the stack.",
                    address=str(endpoint.address),
                    code="endpoint-name",
                ),
            )
