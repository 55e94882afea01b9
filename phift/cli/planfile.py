"""A saved plan: the plan's JSON and, under `request`, the command line it was created with."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phift.cli import outfile
from phift.concealing import is_concealed, shown
from phift.errors import UsageError
from phift.files import SPEC_BYTES, STATE_BYTES, head_of_regular, read_regular
from phift.plan.model import Plan
from phift.views.json import document

if TYPE_CHECKING:
    from phift.phases import Request

__all__ = ["conceals", "is_plan", "read", "read_plan", "require_writable", "words_of", "write"]

_AGAIN = "Create a new plan: phift plan SPEC --out FILE"


def write(path: Path, plan: Plan, request: Request) -> None:
    """Write the plan atomically; a link stays a link. Raises UsageError if it cannot be written.

    Literal secrets are concealed, in variables too, and must be passed to `read` again. What only the command line can
    grant (Request.grants) is not saved.
    """
    body = plan.to_dict() | {
        "request": {
            "target": request.target,
            "variables": request.shown_variables,
            "variable_files": [str(file) for file in request.variable_files],
        }
    }
    outfile.write_text(path, document(body) + "\n", outfile.JSON, _REMEDY)


def words_of(path: Path, request: Request) -> str:
    """Return the path of the saved plan, quoted for use in `phift apply PATH`."""
    hidden = [name for name, value in request.shown_variables.items() if is_concealed(value)]
    again = (word for name in hidden for word in ("--var", f"{name}=..."))
    return shlex.join([str(path), *again, *request.grants])


def require_writable(path: Path) -> Path:
    """Return the path to write a plan to, with links followed.

    Raises UsageError if it is not a regular file, has other content, or the name of a page: the plan is saved as JSON.
    """
    if path.suffix.lower() in (".html", ".md"):
        format = path.suffix.lower().removeprefix(".")
        raise UsageError(
            f"--out {path}: saves the plan as JSON, for `phift apply`",
            remedy=f"To write a page: phift plan --format {format} > {path}",
        )
    return outfile.require_writable(path, _REMEDY, kind=outfile.JSON)


_REMEDY = "Choose a regular file, or pipe the plan: phift plan SPEC --format json"


def is_plan(path: Path) -> bool:
    """Return whether the file is a saved plan rather than a spec: a JSON document whose first key is format_version,
    or a `.json` file that does not begin like a spec in JSON.

    Raises UsageError if the file does not exist or is not a regular file.
    """
    head = _read(path, SPEC_BYTES).lstrip()
    if path.suffix.lower() == ".json":
        return not (head.startswith(b"{") and b"version" in head and b"format_version" not in head)
    return head.startswith(b"{") and b'"format_version"' in head


def read_plan(path: Path) -> Plan:
    """Return the plan alone. Raises UsageError if the file is not a plan, is damaged or has another format."""
    return _loaded(path)[0]


def conceals(path: Path) -> bool:
    """Return whether values of variables must be passed again to apply the plan; False if it is damaged."""
    try:
        return any(map(is_concealed, _loaded(path)[1].variables.values()))
    except UsageError:
        return False  # reported when the plan is read


def read(path: Path, given: Mapping[str, str] | None = None) -> tuple[Plan, Request]:
    """Return the plan and its request. given: values of variables that the plan conceals as secrets.

    Raises UsageError like read_plan, and if the given variables are not exactly the concealed ones.
    """
    plan, request = _loaded(path)
    return plan, replace(request, target=plan.target, variables=_variables(path, request.variables, given or {}))


def _loaded(path: Path) -> tuple[Plan, Request]:
    """Return the plan and the request as saved."""
    from phift.kinds.registry import require_known
    from phift.phases import Request

    body = _parsed(path)
    try:
        plan = Plan.from_dict(body)
    except ValueError as error:
        raise _damaged(path, str(error)) from None
    require_known(plan)
    asked = body.get("request") or {}
    request = Request(
        path=Path(plan.spec_path),
        target=asked.get("target"),
        variables=asked.get("variables") or {},
        variable_files=tuple(Path(file) for file in asked.get("variable_files") or ()),
    )
    return replace(plan, spec_options=request.spec_options), request


def _parsed(path: Path) -> dict[str, Any]:
    import orjson

    if not is_plan(path):
        raise UsageError(f"{path} is not a saved plan", remedy="Create one: phift plan SPEC --out FILE")
    raw = _read(path, STATE_BYTES, whole=True)
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _damaged(
            path, "the file is empty" if not raw.strip() else f"not JSON: {error.msg}, {_place(error)}"
        ) from None
    if not isinstance(body, dict):
        raise _damaged(path, "not a JSON object")
    if "format_version" not in body:
        raise _damaged(path, "format_version is missing")
    return body


def _place(error: json.JSONDecodeError) -> str:
    return f"line {error.lineno}, column {error.colno}"


def _variables(path: Path, saved: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the request's variables, with concealed values taken from the command line."""
    hidden = [name for name, value in saved.items() if is_concealed(value)]
    if unknown := [name for name in given if name not in hidden]:
        raise UsageError(
            f"--var {unknown[0]} cannot be used with a saved plan, which contains its own",
            remedy="Create another plan: phift plan SPEC --var ... --out FILE",
        )
    for name in hidden:
        if name not in given:
            raise UsageError(
                f"{path} does not contain the value of --var {name}, which looks like a secret",
                remedy=f"Pass it again: phift apply {path} --var {name}=...",
            )
        if shown(name, given[name]) != saved[name]:
            raise UsageError(f"--var {name} differs from the value the plan was created with", remedy=_AGAIN)
    return {**saved, **{name: given[name] for name in hidden}}


def _read(path: Path, most: int, *, whole: bool = False) -> bytes:
    try:
        return read_regular(path, most) if whole else head_of_regular(path, most)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None


def _damaged(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} is not a valid plan: {why}", remedy=_AGAIN)
