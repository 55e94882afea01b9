"""Compare desired and live properties field by field, with a reason for each difference.

Only declared fields are compared: fields that are not in the spec belong to the service or to others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from phift.plan.action import ChangeAction, ChangedBy
from phift.plan.model import FieldChange
from phift.state.overrides import leaves
from phift.state.rules import Behaviour, Rule

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
    """Return the differences, including suppressed ones, and the number of equal declared fields.

    by: who changed the fields. removed_tags: names of tags that an earlier apply wrote and the
    spec no longer contains. elsewhere: fields to skip, compared elsewhere. forced: the consequence of a difference in
    an immutable field.
    """
    changes: list[FieldChange] = []
    unchanged = 0
    current = {_key(path): found for path, found in leaves(live)}
    for path, value in leaves(wanted):
        if path in elsewhere:
            continue
        found = current.get(_key(path))
        if value is None or _same(value, found) or (value == {} and not found):
            unchanged += value is not None
            continue
        ruling = [r for r in rules if r.covers(path)]
        if equal := equal_under(ruling, value, found):
            changes.append(
                FieldChange(path, value, found, ChangeAction.SUPPRESSED, equal.reason, by, str(equal.behaviour))
            )
            continue
        immutable = next((r for r in ruling if r.behaviour is Behaviour.IMMUTABLE), None)
        secret = any(r.behaviour is Behaviour.SECRET for r in ruling)
        action = forced if immutable else ChangeAction.UPDATE
        reason = immutable.reason if immutable else ""
        rule = str(immutable.behaviour) if immutable else ""
        changes.append(FieldChange(path, value, found, action, reason, by, rule, secret))
    for name in removed_tags:
        path = f"tags.{name}"
        if _key(path) in current:
            changes.append(
                FieldChange(path, None, current[_key(path)], ChangeAction.UPDATE, "no longer in the spec", by)
            )
    return tuple(changes), unchanged


def _key(path: str) -> str:
    """Return the lookup key of a field. The resource manager compares names of tags case-insensitively."""
    return path.lower() if path.startswith("tags.") else path


def _same(wanted: Any, live: Any) -> bool:
    """Return whether two values are equal. 1 equals 1.0; true does not equal 1."""
    return wanted == live and isinstance(wanted, bool) == isinstance(live, bool)


def equal_under(rules: Sequence[Rule], wanted: Any, live: Any) -> Rule | None:
    """Return the rule under which two values of a field are equal, or None. If several rules apply, return the last."""
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
