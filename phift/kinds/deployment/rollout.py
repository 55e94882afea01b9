"""`rollout`: how a new deployment replaces the old one."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from phift.spec.base import Before, Coerced, Meanings, Strict, fault
from phift.spec.rules import BlockRules, Need

__all__ = ["RolloutBlock"]


def _strategy(value: Any) -> Any:
    if value == "canary":
        raise fault(
            "cannot be canary: phift does not shift traffic in steps",
            "Write blue_green, which tests the new deployment before all traffic moves to it.",
        )
    return value


class RolloutBlock(Strict):
    """The rollout of a new deployment."""

    rules: ClassVar[BlockRules] = BlockRules(
        needs=(Need("deployment", "deployment: {instance_type: Standard_NC24ads_A100_v4}"),),
    )

    strategy: Annotated[
        Literal["blue_green", "in_place", "replace"],
        Before(_strategy),
        Field(
            description="A new deployment next to the old one, a rolling update by the service, or delete then create."
        ),
        Meanings(
            blue_green="Create a new deployment next to the old one, test it, shift the traffic, delete the old one.",
            in_place="Update the deployment: the service replaces its instances one after the other.",
            replace="Delete the old deployment, then create the new one: the endpoint is unavailable meanwhile.",
        ),
    ] = "blue_green"
    keep_previous: Annotated[
        int, Field(ge=0, description="Number of old deployments to keep for a quick rollback."), Coerced
    ] = 0
    keep_previous_hours: Annotated[
        int | None,
        Field(ge=1, description="Hours to keep them after they stop receiving traffic. Default: no limit."),
        Coerced,
    ] = None
    traffic: Annotated[
        Literal["managed", "unmanaged"],
        Field(description="Who sets the traffic split of the endpoint."),
        Meanings(
            managed="phift: all traffic goes to the new deployment after its tests.",
            unmanaged="Others: phift does not change the traffic split.",
        ),
    ] = "managed"

    @model_validator(mode="after")
    def _keeps_some(self) -> "RolloutBlock":
        if self.keep_previous_hours is not None and not self.keep_previous:
            raise fault("has keep_previous_hours but keeps no deployment", "Add keep_previous: 1.")
        return self
