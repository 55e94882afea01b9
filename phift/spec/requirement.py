"""`requires_phift`: the releases that can read a spec, checked before the rest of the spec."""

from __future__ import annotations

import re

from phift import __version__
from phift.diagnostics import Diagnostic
from phift.spec.tree import Node

__all__ = ["PATTERN", "unmet"]

PATTERN = r">=\s*[0-9]{1,4}(\.[0-9]{1,4}){0,2}"


def unmet(root: Node, version: str = __version__) -> Diagnostic | None:
    """Return an error if this release is older than required, or if the requirement is invalid."""
    node = root.child("requires_phift")
    if node is None or node.value is None:
        return None
    if not isinstance(node.value, str) or not re.fullmatch(PATTERN, node.value):
        return Diagnostic(
            "requires_phift must be the oldest release that can read this file",
            remedy='Write it as requires_phift: ">=0.2".',
            mark=node.mark,
            path="requires_phift",
            code="requires-phift",
        )
    wanted = node.value.removeprefix(">=").strip()
    if _numbers(wanted) <= _numbers(version):
        return None
    return Diagnostic(
        f"this spec needs phift {wanted} or later; this is phift {version}",
        remedy=f"Upgrade: pip install 'phift>={wanted}'.",
        mark=node.mark,
        path="requires_phift",
        code="requires-phift",
    )


def _numbers(version: str) -> tuple[int, ...]:
    """Return three numbers: 0.2 is 0.2.0. The suffix of a pre-release is ignored."""
    found = [int(part) for part in re.findall(r"[0-9]+", version)[:3]]
    return (*found, *[0] * (3 - len(found)))
