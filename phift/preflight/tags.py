"""The tags of what the resource manager keeps fit its limits, phift's own among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phift.diagnostics import Diagnostic
from phift.kinds.subject import Subject
from phift.state.desired import Desired
from phift.state.ownership import ARM_TAGS, needed_marks

__all__ = ["tags"]

_NAME, _VALUE = 512, 256
"""Characters of the name and of the value of a tag (Azure docs)."""


def tags(subject: Subject) -> Iterator[Diagnostic]:
    """too-many-tags, tag-too-long: once each, at the first resource that has them, as most tags are shared."""
    owned = [d for d in subject.stack.resources if d.owned and d.traits.tags_on_arm]
    for check in (_count, _length):
        finding = next((f for desired in owned if (f := check(desired))), None)
        if finding:
            yield subject.at("tags", finding)


def _count(desired: Desired[Any]) -> Diagnostic | None:
    own = len(desired.properties.get("tags") or {})
    marks = needed_marks(desired)
    if own + marks <= ARM_TAGS:
        return None
    return Diagnostic(
        f"{desired.address} has {own} tags, and {ARM_TAGS - marks} are the most",
        detail=f"Azure takes {ARM_TAGS}, and {marks} are phift's.",
        remedy="Remove some, here or in the resource's own block.",
        address=str(desired.address),
        code="too-many-tags",
    )


def _length(desired: Desired[Any]) -> Diagnostic | None:
    for name, value in (desired.properties.get("tags") or {}).items():
        if len(name) > _NAME or len(str(value)) > _VALUE:
            return Diagnostic(
                f"the tag {name[:40]} of {desired.address} is too long",
                detail=f"Azure takes {_NAME} characters of a name and {_VALUE} of a value.",
                remedy="Shorten it.",
                address=str(desired.address),
                code="tag-too-long",
            )
    return None
