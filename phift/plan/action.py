"""What a plan may do to one resource."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Action", "ChangeAction", "ChangedBy", "Purpose"]


class Action(StrEnum):
    """A closed set; the order is that of severity, mildest first."""

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
        """Terraform's symbol for it."""
        return _SYMBOLS[self]

    @property
    def changes_something(self) -> bool:
        """Whether carrying it out writes to the workspace."""
        return self not in {Action.NO_OP, Action.REUSE}

    @property
    def adds(self) -> bool:
        """Counts under "to add"; a job that runs is something added."""
        return self in {Action.CREATE, Action.RUN, Action.REPLACE}

    @property
    def alters(self) -> bool:
        """Counts under "to change"."""
        return self in {Action.UPDATE, Action.SHIFT, Action.ADOPT}

    @property
    def destroys(self) -> bool:
        """Counts under "to destroy"."""
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
    """What one differing field leads to."""

    UPDATE = "update"
    REPLACE = "replace"
    RETRAIN = "retrain"
    NEW_DEPLOYMENT = "new-deployment"
    SUPPRESSED = "suppressed"

    @property
    def force(self) -> str:
        """The remark behind the field: what the difference forces; empty where it forces nothing."""
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
