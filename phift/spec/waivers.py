"""`waivers`: warnings that the author accepts."""

from typing import Annotated

from pydantic import Field

from phift.spec.base import Strict, matching

__all__ = ["WaiverBlock"]


class WaiverBlock(Strict):
    """A warning that the author accepts. The plan shows it as a note, and `--strict` does not reject it."""

    check: Annotated[
        str,
        *matching("[a-z0-9]+(-[a-z0-9]+)*", "the code of a warning, such as quota-most"),
        Field(description="Code of the warning, as in `phift explain`."),
    ]
    reason: Annotated[
        str,
        *matching(r"[\s\S]*\S[\s\S]*", "a sentence that says why"),
        Field(description="Why the warning is accepted. Shown in the plan."),
    ]
