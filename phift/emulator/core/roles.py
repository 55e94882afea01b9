"""What the caller may do: the roles that an admin request assigns, and what they allow.

There is one caller, the home's own credential, and one scope, its subscription. By default it is the owner and may
touch blobs, as the creator of a workspace usually may.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from phift.emulator.core.store import Store

__all__ = ["Permission", "Roles", "built_in"]

Permission = Mapping[str, Sequence[str]]
"""actions, notActions, dataActions and notDataActions: patterns, each a list."""

_KIND = "roles"
_LISTS = ("actions", "notActions", "dataActions", "notDataActions")
_DEFAULT = ("Owner", "Storage Blob Data Contributor")
_PATTERN = re.compile(r"[A-Za-z0-9.*/_-]{1,300}")


@cache
def built_in() -> Mapping[str, Permission]:
    """The built-in roles by name."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    facts = yaml.load(Path(__file__).with_name("roles.yaml").read_bytes(), loader)
    return MappingProxyType({name: _permission(each) for name, each in facts.items()})


class Roles:
    """The roles of the caller, kept in the store until a reset."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._load()

    @property
    def assigned(self) -> list[Any]:
        """Names of built-in roles, and permissions of custom ones."""
        return list(self._assigned)

    @property
    def permissions(self) -> list[Permission]:
        """One permission a role, in the order of assignment."""
        return list(self._permissions)

    def assign(self, roles: Any) -> None:
        """Replace the roles. roles: a list of names of built-in roles, case-insensitive, and of custom permissions.
        Raises ValueError for anything else, and changes nothing then."""
        if not isinstance(roles, list):
            raise ValueError("roles must be a list")
        found = [_role(each) for each in roles]
        self._store.put(_KIND, "assigned", body={"roles": found})
        self._load()

    def allows(self, action: str) -> bool:
        """Whether a role allows an action of the control plane."""
        return self._allowed(action, "actions", "notActions")

    def allows_data(self, action: str) -> bool:
        """Whether a role allows an action on data."""
        return self._allowed(action, "dataActions", "notDataActions")

    def _load(self) -> None:
        kept = self._store.get(_KIND, "assigned")
        self._assigned = kept["roles"] if kept else list(_DEFAULT)
        self._permissions = [
            built_in()[each] if isinstance(each, str) else _permission(each) for each in self._assigned
        ]
        self._allowed = lru_cache(maxsize=512)(self._find)

    def _find(self, action: str, allowed: str, denied: str) -> bool:
        """One role must allow it, and none of its own exceptions match (Azure docs)."""
        return any(_matches(each[allowed], action) and not _matches(each[denied], action) for each in self._permissions)


def _matches(patterns: Sequence[str], action: str) -> bool:
    return any(_expression(pattern).fullmatch(action) for pattern in patterns)


@lru_cache(maxsize=512)
def _expression(pattern: str) -> re.Pattern[str]:
    """`*` stands for any text, slashes included, and `/*/` for `/` as well: workspaces/*/read allows workspaces/read
    (assumed: wildcards_between_slashes)."""
    text = re.escape(pattern).replace(r"/\*/", "/(?:.*/)?").replace(r"\*", ".*")
    return re.compile(text, re.IGNORECASE)


def _permission(given: Mapping[str, Any]) -> Permission:
    return {name: list(given.get(name, ())) for name in _LISTS}


def _role(given: Any) -> Any:
    if isinstance(given, str):
        name = next((each for each in built_in() if each.casefold() == given.casefold()), None)
        if name is None:
            raise ValueError(f"{given!r} is not a built-in role; known are: {', '.join(built_in())}")
        return name
    if not isinstance(given, dict) or not set(given) <= set(_LISTS):
        raise ValueError(f"a role is a name, or an object with {', '.join(_LISTS)}")
    for name, patterns in given.items():
        if not isinstance(patterns, list) or not all(isinstance(p, str) and _PATTERN.fullmatch(p) for p in patterns):
            raise ValueError(f"{name} must be a list of actions")
    return _permission(given)
