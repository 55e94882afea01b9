"""The actions that the roles of the caller allow, as the permissions API of Azure reports them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

__all__ = ["ML", "Needed", "Permission", "Permissions"]

ML = "Microsoft.MachineLearningServices/workspaces"
"""The prefix of the actions on a workspace and its resources."""


@dataclass(frozen=True)
class Needed:
    """An action that a write requires. data: whether it is an action on data, such as writing a blob."""

    action: str
    data: bool = False


@dataclass(frozen=True)
class Permission:
    """One role: what it allows, and its own exceptions. Patterns, in which `*` is any text."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Permission:
        def texts(name: str) -> tuple[str, ...]:
            return tuple(str(text) for text in document.get(name) or ())

        return cls(texts("actions"), texts("notActions"), texts("dataActions"), texts("notDataActions"))

    def allows(self, needed: Needed) -> bool:
        """Return whether a pattern matches and no exception of this role does."""
        allowed, denied = (
            (self.data_actions, self.not_data_actions) if needed.data else (self.actions, self.not_actions)
        )
        return _matches(allowed, needed.action) and not _matches(denied, needed.action)


@dataclass(frozen=True)
class Permissions:
    """All roles of the caller at a scope, inherited ones included. Deny assignments and conditions of roles are not
    among them (Azure docs)."""

    roles: tuple[Permission, ...] = ()

    @classmethod
    def from_documents(cls, documents: Iterable[Mapping[str, Any]]) -> Permissions:
        return cls(tuple(map(Permission.from_document, documents)))

    def allows(self, needed: Needed) -> bool:
        """Return whether one role allows the action."""
        return any(role.allows(needed) for role in self.roles)


def _matches(patterns: Sequence[str], action: str) -> bool:
    return any(_expression(pattern).fullmatch(action) for pattern in patterns)


@lru_cache(maxsize=512)
def _expression(pattern: str) -> re.Pattern[str]:
    """`*` matches any characters, and `/*/` also a single slash: the role AzureML Data Scientist excludes
    `computes/*/write`, and may not create a compute (Azure docs)."""
    text = re.escape(pattern).replace(r"/\*/", "/(?:.*/)?").replace(r"\*", ".*")
    return re.compile(text, re.IGNORECASE)
