"""`rollout`: how a new deployment takes over."""

from typing import Annotated, Literal

from pydantic import Field

from phift.spec.base import Coerced, Strict

__all__ = ["RolloutBlock"]


class RolloutBlock(Strict):
    """How a new deployment takes over the traffic."""

    strategy: Annotated[
        Literal["blue_green", "in_place", "replace", "canary"],
        Field(description="A new deployment beside the old one, the service's rolling update, or delete then create."),
    ] = "blue_green"
    keep_previous: Annotated[int, Field(ge=0, description="Old deployments kept for a quick way back."), Coerced] = 0
    traffic: Annotated[
        Literal["managed", "unmanaged"], Field(description="`unmanaged` leaves the traffic split to others.")
    ] = "managed"
