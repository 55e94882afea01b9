"""The rows of data that must be uploaded are well formed, every one of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from phift.data import prepare
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError
from phift.plan.action import Action
from phift.preflight.subject import Subject

__all__ = ["rows"]


def rows(subject: Subject) -> Iterator[Diagnostic]:
    """The data room's own findings, with file and line."""
    for planned in subject.planned:
        desired = subject.stack.resource(planned.address)
        if planned.address.kind != "data" or planned.action is not Action.CREATE or desired is None:
            continue
        parts = desired.parts
        with tempfile.TemporaryDirectory(prefix="phift-") as folder:
            try:
                prepare(
                    parts["identity"],
                    take=parts.get("take"),
                    seed=parts.get("seed", 0),
                    messages=parts.get("messages"),
                    into=Path(folder) / "rows.jsonl",
                    progress=None,
                )
            except InvalidSpecError as error:
                yield from error.diagnostics
