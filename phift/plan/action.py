"""The actions of a plan on a resource."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Action", "ChangeAction", "ChangedBy", "Purpose"]


class Action(StrEnum):
    """The action on a resource, in order of severity, least severe first."""

    NO_OP = "no-op"
    REUSE = "reuse"
    ADOPT = "adopt"
    SHIFT = "shift"
    UPDATE = "update"
    CREATE = "create"
    RUN = "run"
    REPLACE = "replace"
    DELETE = "delete"

    @property
    def symbol(self) -> str:
        """The symbol that Terraform uses for the action."""
        return _SYMBOLS[self]

    @property
    def changes_something(self) -> bool:
        """Whether the action writes to the workspace."""
        return self not in {Action.NO_OP, Action.REUSE}

    @property
    def adds(self) -> bool:
        """Whether the action counts as "to add". Running a job counts as an addition."""
        return self in {Action.CREATE, Action.RUN, Action.REPLACE}

    @property
    def alters(self) -> bool:
        """Whether the action counts as "to change"."""
        return self in {Action.UPDATE, Action.SHIFT, Action.ADOPT}

    @property
    def destroys(self) -> bool:
        """Whether the action counts as "to destroy"."""
        return self in {Action.DELETE, Action.REPLACE}


_SYMBOLS = {
    Action.NO_OP: " ",
    Action.REUSE: " ",
    Action.ADOPT: "~",
    Action.SHIFT: "~",
    Action.UPDATE: "~",
    Action.CREATE: "+",
    Action.RUN: "+",
    Action.REPLACE: "-/+",
    Action.DELETE: "-",
}


class ChangeAction(StrEnum):
    """The consequence of a difference in one field."""

    UPDATE = "update"
    REPLACE = "replace"
    RETRAIN = "retrain"
    NEW_DEPLOYMENT = "new-deployment"
    SUPPRESSED = "suppressed"

    @property
    def force(self) -> str:
        """The remark shown after the field, such as "forces replacement".

        Empty if the difference does not force anything.
        """
        return {
            ChangeAction.REPLACE: "forces replacement",
            ChangeAction.RETRAIN: "forces retraining",
            ChangeAction.NEW_DEPLOYMENT: "forces new deployment",
        }.get(self, "")


class ChangedBy(StrEnum):
    """Who changed a field since the last apply."""

    YOU = "you"
    """The spec changed."""
    OUTSIDE = "outside"
    """The live object was changed outside phift."""
    UNKNOWN = ""


class Purpose(StrEnum):
    """The command that a plan is for."""

    APPLY = "apply"
    DESTROY = "destroy"
    EXPIRE = "expire"
