"""The options shared by commands, each declared once, and the parsing of their values.

Incompatible options are rejected here, by name, before anything is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phift.cli.terminal import Format
from phift.errors import UsageError

if TYPE_CHECKING:
    from phift.address import Address
    from phift.phases import Request
    from phift.plan.cost import Budget

__all__ = [
    "ONE_STACK",
    "AllowEnvOption",
    "ApproveOption",
    "BudgetOption",
    "DataRootOption",
    "Format",
    "FormatOption",
    "JsonOption",
    "MaxStacksOption",
    "NoColorOption",
    "NoWaitOption",
    "ParallelismOption",
    "PlanFormat",
    "PlanFormatOption",
    "QuietOption",
    "ReplaceOption",
    "RetryFailedOption",
    "SelectOption",
    "ShowSuppressedOption",
    "ShowUnchangedOption",
    "SpecArgument",
    "StrictOption",
    "SummaryOption",
    "TakeOverOption",
    "TargetOption",
    "TimeoutOption",
    "ValidateFormat",
    "ValidateFormatOption",
    "VarFileOption",
    "VarOption",
    "parse_addresses",
    "parse_budget",
    "parse_time",
    "parse_timeouts",
    "refuse",
    "request_of",
    "require_approval",
    "require_folder",
]

_SPEC = "Spec options"
_OUTPUT = "Output options"
_WHAT = "Plan options"
_APPLY = "Execution options"


class PlanFormat(StrEnum):
    """Output formats of plans."""

    TEXT = "text"
    JSON = "json"
    MD = "md"
    HTML = "html"
    GITHUB = "github"
    SARIF = "sarif"


class ValidateFormat(StrEnum):
    """Output formats of findings."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


SpecArgument = Annotated[
    Path,
    typer.Argument(metavar="[SPEC]", help="The spec. Default: phift.yaml, or the only spec in the folder."),
]
TargetOption = Annotated[
    str | None,
    typer.Option(
        "--target",
        "-t",
        metavar="NAME",
        help="A target of the spec. Default: the spec's default target.",
        rich_help_panel=_SPEC,
    ),
]
VarOption = Annotated[
    list[str] | None,
    typer.Option(
        "--var",
        metavar="NAME=VALUE",
        help="Set a variable of the spec; overrides --var-file. Repeatable.",
        rich_help_panel=_SPEC,
    ),
]
VarFileOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--var-file", metavar="FILE", help="Read variables from a YAML file. Repeatable.", rich_help_panel=_SPEC
    ),
]
AllowEnvOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-env",
        metavar="NAME",
        help="Allow templates to read this environment variable (several: PHIFT_ALLOW_ENV). Repeatable.",
        rich_help_panel=_SPEC,
    ),
]
DataRootOption = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        metavar="DIR",
        envvar="PHIFT_DATA_ROOT",
        show_envvar=False,
        help="Reject data outside this folder (PHIFT_DATA_ROOT).",
        rich_help_panel=_SPEC,
    ),
]
MaxStacksOption = Annotated[
    int | None,
    typer.Option(
        "--max-stacks",
        min=1,
        metavar="N",
        help="Maximum number of stacks in one run. Default: 2000.",
        rich_help_panel=_SPEC,
    ),
]
FormatOption = Annotated[
    Format, typer.Option("--format", metavar="text|json", help="Output format.", rich_help_panel=_OUTPUT)
]
PlanFormatOption = Annotated[
    PlanFormat,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="text, json, md (pull requests), html (one file), github (annotations) or sarif (code scanning).",
        rich_help_panel=_OUTPUT,
    ),
]
ValidateFormatOption = Annotated[
    ValidateFormat,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="text, json, github (annotations) or sarif (code scanning).",
        rich_help_panel=_OUTPUT,
    ),
]
SummaryOption = Annotated[
    bool, typer.Option("--summary", help="Show only addresses and the count.", rich_help_panel=_OUTPUT)
]
ShowSuppressedOption = Annotated[
    bool,
    typer.Option("--show-suppressed", help="Also show differences that a rule suppresses.", rich_help_panel=_OUTPUT),
]
ShowUnchangedOption = Annotated[
    bool, typer.Option("--show-unchanged", help="Also show unchanged resources.", rich_help_panel=_OUTPUT)
]
SelectOption = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        metavar="ADDRESS",
        help="Plan only this resource and its dependencies. Repeatable.",
        rich_help_panel=_WHAT,
    ),
]
ReplaceOption = Annotated[
    list[str] | None,
    typer.Option("--replace", metavar="ADDRESS", help="Replace this resource. Repeatable.", rich_help_panel=_WHAT),
]
NoColorOption = Annotated[
    bool,
    typer.Option("--no-color", help="Disable colors (also: NO_COLOR, or no terminal).", rich_help_panel=_OUTPUT),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print events as JSON lines.", rich_help_panel=_OUTPUT)]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the last line.", rich_help_panel=_OUTPUT)]
ApproveOption = Annotated[
    bool,
    typer.Option(
        "--auto-approve", "-y", help="Do not ask for approval; required without a terminal.", rich_help_panel=_APPLY
    ),
]
NoWaitOption = Annotated[
    bool,
    typer.Option("--no-wait", help="Submit long-running operations and exit (code 8).", rich_help_panel=_APPLY),
]
ParallelismOption = Annotated[
    int,
    typer.Option(
        "--parallelism",
        min=1,
        max=64,
        metavar="N",
        help="Maximum number of concurrent operations.",
        rich_help_panel=_APPLY,
    ),
]
TimeoutOption = Annotated[
    list[str] | None,
    typer.Option(
        "--timeout",
        metavar="KIND=TIME",
        help="Maximum wait for resources of a kind: job=2h, compute=30m. Repeatable.",
        rich_help_panel=_APPLY,
    ),
]
BudgetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        metavar="LIMIT=USD",
        help="Reject a plan above a limit: apply=40, per_month=3000, on_unknown=refuse. Repeatable.",
        rich_help_panel=_WHAT,
    ),
]
RetryFailedOption = Annotated[bool, typer.Option("--retry-failed", help="Re-run a failed job.", rich_help_panel=_APPLY)]

TakeOverOption = Annotated[
    bool,
    typer.Option(
        "--take-over",
        help="Take ownership of required resources that another spec owns or that lost their tags.",
        rich_help_panel=_WHAT,
    ),
]

StrictOption = Annotated[
    bool,
    typer.Option(
        "--strict", help="Reject warnings as errors, except those that the spec waives.", rich_help_panel=_WHAT
    ),
]

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TIME = r"(\d+(?:\.\d+)?)([smhd]?)"


def request_of(
    spec: Path,
    target: str | None,
    variables: Sequence[str] | None,
    files: Sequence[Path] | None,
    allow_env: Sequence[str] | None = None,
    data_root: Path | None = None,
    max_stacks: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Request:
    """Build the request of these options. tell: called with a line about a long-running step.

    Raises UsageError for a variable that is not NAME=VALUE, or a data root that is not a folder.
    """
    from phift.phases import Request

    require_folder(data_root)
    request = Request(
        path=spec,
        target=target,
        variables=parse_variables(variables),
        variable_files=tuple(files or ()),
        allow_env=tuple(allow_env or ()),
        data_root=data_root,
        tell=tell,
    )
    return request if max_stacks is None else replace(request, max_stacks=max_stacks)


def require_folder(data_root: Path | None) -> None:
    """Raise UsageError for a data root that is not a folder."""
    if data_root is not None and not os.path.isdir(data_root):
        raise UsageError(f"--data-root {data_root}: not a folder")


def parse_variables(texts: Sequence[str] | None) -> dict[str, str]:
    """Parse `NAME=VALUE` texts; the last value of a name wins. Raises UsageError."""
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--var {text}: not NAME=VALUE", remedy="Example: --var epochs=3")
        found[name.strip()] = value
    return found


def parse_addresses(texts: Sequence[str] | None, option: str) -> tuple[Address, ...]:
    """Parse `kind.name` texts. Raises UsageError that names the option."""
    from phift.address import Address

    try:
        return tuple(Address.parse(text) for text in texts or ())
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def parse_budget(texts: Sequence[str] | None) -> Budget | None:
    """Parse the limits of --budget; None without one. Raises UsageError."""
    if not texts:
        return None
    from phift.cost.budget import parse_budget

    return parse_budget(texts)


def parse_timeouts(texts: Sequence[str] | None) -> dict[str, float]:
    """Parse `KIND=TIME` texts to seconds by kind. Raises UsageError."""
    if not texts:
        return {}
    from phift.kinds.registry import KINDS

    found: dict[str, float] = {}
    for text in texts:
        kind, _, given = text.partition("=")
        if kind not in KINDS:
            raise UsageError(f"--timeout {text}: unknown kind {kind!r}", remedy=f"Kinds: {', '.join(KINDS)}.")
        found[kind] = parse_time(given, f"--timeout {text}")
    return found


def parse_time(text: str, option: str) -> float:
    """Parse `90`, `90s`, `30m`, `1h30m` or `1d` to seconds, above zero. Raises UsageError that names the option."""
    matches = list(re.finditer(_TIME, text))
    if not matches or "".join(m[0] for m in matches) != text:
        raise UsageError(
            f"{option}: invalid duration {text!r}", remedy="Use a number of seconds, or a form like 30m, 2h, 1h30m."
        )
    seconds = sum(float(m[1]) * _UNITS[m[2]] for m in matches)
    if seconds <= 0:
        raise UsageError(f"{option}: the duration must be greater than zero")
    return seconds


ONE_STACK = "Pass a single spec; for a spec with a matrix, select one combination with --var NAME=VALUE."
"""The remedy for an option that requires a single stack."""


def refuse(because: str, given: Mapping[str, object], *, remedy: str = "") -> None:
    """Raise UsageError that names the options of `given` that are set."""
    named = [name for name, content in given.items() if content]
    if named:
        raise UsageError(f"{' and '.join(named)} cannot be used with {because}", remedy=remedy)


def require_approval(*, json: bool, quiet: bool, given: bool, remedy: str) -> None:
    """Raise UsageError if --json, which cannot ask, is used without approval, or --quiet would suppress its events."""
    if json:
        refuse("--json", {"--quiet": quiet})
        if not given:
            raise UsageError("--json is non-interactive and requires approval", remedy=remedy)
