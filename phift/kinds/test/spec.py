"""`tests`: requests sent to the endpoint after a rollout."""

import re
from typing import Annotated, Any, ClassVar

from pydantic import Field

from phift.spec.base import Before, Coerced, Scalar, Strict, Texts, fault
from phift.spec.rowpaths import RowsPath
from phift.spec.rules import BlockRules, Need

__all__ = ["Expectation", "TestBlock"]

_LONGEST = 2000  # characters


def _regex(value: Any) -> Any:
    if isinstance(value, str):
        if len(value) > _LONGEST:
            raise fault(f"has {len(value)} characters; a regular expression may have at most {_LONGEST}")
        try:
            re.compile(value)
        except (re.error, OverflowError) as cause:
            raise fault(f"is not a valid regular expression: {cause}") from None
        except RecursionError:
            raise fault("is nested too deeply for a regular expression") from None
    return value


class Expectation(Strict):
    """Conditions that the answers must meet."""

    contains: Annotated[Texts, Field(description="Texts that every answer must contain.")] = ()
    regex: Annotated[
        str | None, Before(_regex), Field(description="Regular expression that every answer must match.")
    ] = None
    min_exact_match: Annotated[
        float | None,
        Field(ge=0, le=1, description="Minimum share of answers, 0 to 1, that equal the ground truth."),
        Coerced,
    ] = None


class TestBlock(Strict):
    """A test: rows of the sample split, or of a file, sent to the new deployment."""

    rules: ClassVar[BlockRules] = BlockRules(
        needs=(Need("deployment", "deployment: {instance_type: Standard_NC24ads_A100_v4}"),)
    )

    __test__ = False

    rows: Annotated[int, Field(ge=1, description="Number of rows to send."), Coerced] = 1
    path: Annotated[
        RowsPath | None,
        Field(description="File of rows to use instead of the sample split."),
    ] = None
    parameters: Annotated[dict[str, Scalar], Field(description="Generation parameters.")] = Field(default_factory=dict)
    max_seconds: Annotated[float | None, Field(gt=0, description="Maximum time of an answer in seconds."), Coerced] = (
        None
    )
    expect: Annotated[Expectation | None, Field(description="Conditions that the answers must meet.")] = None
