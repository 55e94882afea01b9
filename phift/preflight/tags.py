"""Check the tags of ARM resources, including phift's own, against the limits of the resource manager."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phift.diagnostics import Diagnostic
from phift.kinds.check import check
from phift.kinds.subject import Subject
from phift.state.desired import Desired
from phift.state.ownership import ARM_TAGS, needed_marks

__all__ = ["tags"]

_NAME, _VALUE = 512, 256
"""Maximum length of the name and of the value of a tag, in characters (Azure docs)."""
_NOT_IN_NAMES = "<>%&\\?/"
"""Characters that the name of a tag cannot contain (Azure docs)."""


@check("tags", reads="number, names and lengths of the tags", source="the spec")
def tags(subject: Subject) -> Iterator[Diagnostic]:
    """Yield too-many-tags, tag-name and tag-too-long, each once for the first resource, as most tags are shared."""
    owned = [d for d in subject.stack.resources if d.owned and d.traits.tags_on_arm]
    for limit in (_count, _names, _length):
        finding = next((f for desired in owned if (f := limit(desired))), None)
        if finding:
            yield subject.at("tags", finding)


def _count(desired: Desired[Any]) -> Diagnostic | None:
    own = len(desired.properties.get("tags") or {})
    marks = needed_marks(desired)
    if own + marks <= ARM_TAGS:
        return None
    return Diagnostic(
        f"{desired.address} has {own} tags; at most {ARM_TAGS - marks} are allowed",
        detail=f"Azure allows {ARM_TAGS}; phift needs {marks} of them.",
        remedy="Remove some, here or in the block of the resource.",
        address=str(desired.address),
        code="too-many-tags",
    )


def _names(desired: Desired[Any]) -> Diagnostic | None:
    names: dict[str, str] = {}
    for name in desired.properties.get("tags") or {}:
        if found := sorted(set(_NOT_IN_NAMES) & set(name)):
            return Diagnostic(
                f"tag {name[:40]!r} of {desired.address} contains {' and '.join(found)}",
                detail=f"The name of a tag cannot contain any of {' '.join(_NOT_IN_NAMES)}.",
                remedy="Use another name.",
                address=str(desired.address),
                code="tag-name",
            )
        other = names.setdefault(name.lower(), name)
        if other != name:
            return Diagnostic(
                f"tags {other} and {name} of {desired.address} differ in case only",
                detail="Azure compares names of tags case-insensitively.",
                remedy="Use one spelling, in `tags` and in the block of the resource.",
                address=str(desired.address),
                code="tag-name",
            )
    return None


def _length(desired: Desired[Any]) -> Diagnostic | None:
    for name, value in (desired.properties.get("tags") or {}).items():
        if len(name) > _NAME or len(str(value)) > _VALUE:
            return Diagnostic(
                f"tag {name[:40]} of {desired.address} is too long",
                detail=f"Azure allows {_NAME} characters for a name and {_VALUE} for a value.",
                remedy="Shorten it.",
                address=str(desired.address),
                code="tag-too-long",
            )
    return None
