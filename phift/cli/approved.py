"""`--approved`: plan and apply only what was approved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phift.errors import StalePlanError, UsageError

if TYPE_CHECKING:
    from phift.plan.approval import Approval, Deviation
    from phift.plan.model import Plan

__all__ = ["ApprovedOption", "deviated", "parse_approved", "require_approved"]

ApprovedOption = Annotated[
    str | None,
    typer.Option(
        "--approved",
        metavar="FINGERPRINT|FILE",
        help="Reject a plan (code 5) that makes other changes than the approved one: its fingerprint, or its JSON, "
        "which shows the difference.",
        rich_help_panel="Plan options",
    ),
]


def parse_approved(text: str | None) -> Approval | None:
    """Return what was approved; None without the option. Raises UsageError if it is neither a fingerprint nor the JSON
    of a plan or of several."""
    from phift.plan.approval import Approval
    from phift.plan.fingerprint import is_fingerprint

    if text is None:
        return None
    if is_fingerprint(text):
        return Approval("", text, {}, {})
    documents = list(_documents(Path(text)))
    return Approval.of(_plans(text, documents), "", failed=sum(one is None for one in documents))


def require_approved(approval: Approval | None, plans: Iterable[Plan], *, failed: int = 0) -> None:
    """Raise StalePlanError if the plans make other changes than the approved ones. failed: stacks without a plan."""
    if approval is not None and (found := approval.deviations(plans, failed=failed)):
        raise deviated(found)


def deviated(found: Sequence[Deviation]) -> StalePlanError:
    """Return the error that lists the differences."""
    return StalePlanError(
        f"the plan differs from the approved one: {len(found)} difference{'' if len(found) == 1 else 's'}",
        detail="\n".join(map(str, found)),
        remedy="Review the new plan, and approve it.",
    )


def _documents(path: Path) -> Iterable[Any]:
    import orjson

    from phift.files import STATE_BYTES, read_regular

    try:
        body = orjson.loads(read_regular(path, STATE_BYTES))
    except OSError as error:
        raise UsageError(
            f"--approved {path}: neither a fingerprint (32 hex digits) nor a file that can be read: {error.strerror}"
        ) from None
    except orjson.JSONDecodeError:
        raise _not_a_plan(path) from None
    if not isinstance(body, dict):
        raise _not_a_plan(path)
    if not isinstance(stacks := body.get("stacks"), list):
        return [body]
    return [one.get("plan") if isinstance(one, dict) else {} for one in stacks]


def _plans(text: str, documents: Iterable[Any]) -> list[Plan]:
    from phift.plan.model import Plan

    try:
        return [Plan.from_dict(one) for one in documents if one is not None]
    except ValueError as error:
        raise UsageError(f"--approved {text}: not the JSON of a plan: {error}") from None


def _not_a_plan(path: Path) -> UsageError:
    return UsageError(
        f"--approved {path}: not the JSON of a plan", remedy="Create it: phift plan SPEC --format json > FILE"
    )
