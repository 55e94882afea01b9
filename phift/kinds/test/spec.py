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
            raise fault(f"has {len(value)} characters; a regular expression may have {_LONGEST}")
        try:
            re.compile(value)
        except (re.error, OverflowError) as cause:
            raise fault(f"is no regular expression: {cause}") from None
        except RecursionError:
            raise fault("is nested too deeply for a regular expression") from None
    return value


class Expectation(Strict):
    """What answers must be like."""

    contains: Annotated[Texts, Field(description="Text that every answer has.")] = ()
    regex: Annotated[str | None, Before(_regex), Field(description="What every answer matches.")] = None
    min_exact_match: Annotated[
        float | None, Field(ge=0, le=1, description="Share of answers, 0 to 1, that equal the ground truth."), Coerced
    ] = None


class TestBlock(Strict):
    """A test: rows of the sample split, or of a file, sent to the new deployment."""

    rules: ClassVar[BlockRules] = BlockRules(
        needs=(Need("deployment", "deployment: {instance_type: Standard_NC24ads_A100_v4}"),)
    )

    __test__ = False

    rows: Annotated[int, Field(ge=1, description="How many rows."), Coerced] = 1
    path: Annotated[
        RowsPath | None,
        Field(description="A file of rows in place of the sample split."),
    ] = None
    parameters: Annotated[dict[str, Scalar], Field(description="Generation parameters.")] = Field(default_factory=dict)
    max_seconds: Annotated[float | None, Field(gt=0, description="Seconds an answer may take."), Coerced] = None
    expect: Annotated[Expectation | None, Field(description="What answers must be like.")] = None
