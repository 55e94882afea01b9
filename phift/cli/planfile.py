"""A saved plan: the plan's own JSON and, under `request`, what the command line said when it was made."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phift.errors import UsageError
from phift.plan.model import Plan

if TYPE_CHECKING:
    from phift.phases import Request

__all__ = ["is_plan", "read", "write"]


def write(path: Path, plan: Plan, request: Request) -> None:
    """Writes it whole or not at all. Raises UsageError when that cannot be."""
    body = plan.to_dict() | {
        "request": {
            "target": request.target,
            "variables": dict(request.variables),
            "variable_files": [str(file) for file in request.variable_files],
        }
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def is_plan(path: Path) -> bool:
    """Whether the file is a saved plan and not a spec: plans are JSON documents with a format version.

    Raises UsageError when there is no such file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        return False
    if not text.lstrip().startswith("{"):
        return False
    try:
        body = json.loads(text)
    except ValueError:
        return False
    return isinstance(body, dict) and "format_version" in body


def read(path: Path) -> tuple[Plan, Request]:
    """The plan, and the request it answers. Raises UsageError for what is no plan, or of another format."""
    from phift.phases import Request

    if not is_plan(path):
        raise UsageError(f"{path} is no saved plan", remedy="Make one: phift plan SPEC --out FILE")
    body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    try:
        plan = Plan.from_dict(body)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{path} is a damaged plan: {error}", remedy="Make it again: phift plan SPEC --out FILE"
        ) from error
    asked = body.get("request", {})
    request = Request(
        path=Path(plan.spec_path),
        target=plan.target,
        variables=dict(asked.get("variables", {})),
        variable_files=tuple(Path(file) for file in asked.get("variable_files", ())),
    )
    return replace(plan, spec_options=replace(request, target=asked.get("target")).spec_options), request
