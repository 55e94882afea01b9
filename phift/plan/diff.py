"""Comparing what is wanted with what is live, field by field, with a reason for each difference.

Only declared fields are compared: what the spec does not name is the service's or somebody else's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from phift.plan.action import ChangeAction, ChangedBy
from phift.plan.model import FieldChange
from phift.state.overrides import leaves
from phift.state.rules import Rule

__all__ = ["diff", "equal_under"]


def diff(
    wanted: Mapping[str, Any],
    live: Mapping[str, Any],
    rules: Sequence[Rule],
    *,
    by: ChangedBy = ChangedBy.UNKNOWN,
    removed_tags: Sequence[str] = (),
    elsewhere: Collection[str] = (),
    forced: ChangeAction = ChangeAction.REPLACE,
) -> tuple[tuple[FieldChange, ...], int]:
    """The differences, suppressed ones too, and how many declared fields agree.

    by: ChangedBy.YOU or "outside", see FieldChange. removed_tags: tag names that an earlier apply wrote and the spec no
    longer has. elsewhere: fields that are compared elsewhere. forced: what a difference in an immutable field leads to.
    """
    changes: list[FieldChange] = []
    unchanged = 0
    there = {_key(path): found for path, found in leaves(live)}
    for path, value in leaves(wanted):
        if path in elsewhere:
            continue
        found = there.get(_key(path))
        if value is None or _same(value, found) or (value == {} and not found):
            unchanged += value is not None
            continue
        ruling = [r for r in rules if r.covers(path)]
        if equal := equal_under(ruling, value, found):
            changes.append(
                FieldChange(path, value, found, ChangeAction.SUPPRESSED, equal.reason, by, str(equal.behaviour))
            )
            continue
        immutable = next((r for r in ruling if r.behaviour == "immutable"), None)
        secret = any(r.behaviour == "secret" for r in ruling)
        action = forced if immutable else ChangeAction.UPDATE
        reason = immutable.reason if immutable else ""
        rule = str(immutable.behaviour) if immutable else ""
        changes.append(FieldChange(path, value, found, action, reason, by, rule, secret))
    for name in removed_tags:
        path = f"tags.{name}"
        if _key(path) in there:
            changes.append(FieldChange(path, None, there[_key(path)], ChangeAction.UPDATE, "no longer in the spec", by))
    return tuple(changes), unchanged


def _key(path: str) -> str:
    """By what a field is found: the resource manager compares the names of tags case-insensitively."""
    return path.lower() if path.startswith("tags.") else path


def _same(wanted: Any, live: Any) -> bool:
    """Equal, with 1 and 1.0 equal, but true and 1 not."""
    return wanted == live and isinstance(wanted, bool) == isinstance(live, bool)


def equal_under(rules: Sequence[Rule], wanted: Any, live: Any) -> Rule | None:
    """The rule by which two values of one field count as equal; where several together make them so, the last."""
    for rule in rules:
        if rule.behaviour in ("initial", "server_owned"):
            return rule
        wanted, live = _normal(rule, wanted), _normal(rule, live)
        if _same(wanted, live):
            return rule
    return None


def _normal(rule: Rule, value: Any) -> Any:
    match rule.behaviour:
        case "case_insensitive":
            return _lower(value)
        case "unordered" if isinstance(value, list):
            return sorted(value)
        case _:
            return value


def _lower(value: Any) -> Any:
    if isinstance(value, list):
        return [_lower(item) for item in value]
    return value.lower() if isinstance(value, str) else value
