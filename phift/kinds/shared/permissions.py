"""The actions of Azure's access control that writing a kind requires."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from phift.plan.action import Action
from phift.state.desired import Stack
from phift.state.permissions import ML, Needed

__all__ = ["Permitting", "archiving", "writing"]

Permitting = Callable[[Action, Stack], Iterable[Needed]]
"""Returns the actions that an action of the plan on a resource of the stack requires."""

_WRITES = {Action.CREATE, Action.UPDATE, Action.SHIFT, Action.RUN, Action.REPLACE, Action.ADOPT}


def writing(collection: str, *, below: str = ML) -> Permitting:
    """Return the permissions of a kind that is written and deleted in an ARM collection. below: the workspace, or
    another resource provider."""

    def needed(action: Action, stack: Stack) -> Iterable[Needed]:
        if action in _WRITES:
            yield Needed(f"{below}/{collection}/write")
        if action.destroys:
            yield Needed(f"{below}/{collection}/delete")

    return needed


def archiving(collection: str) -> Permitting:
    """Return the permissions of a kind whose versions are never deleted: they are archived by a write."""

    def needed(action: Action, stack: Stack) -> Iterable[Needed]:
        if action.changes_something:
            yield Needed(f"{ML}/{collection}/write")

    return needed
