"""The options that commands share, each declared once, and what their texts mean.

What does not go together is refused here, by name and before anything is read.
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

from phift.errors import UsageError

if TYPE_CHECKING:
    from phift.address import Address
    from phift.phases import Request

__all__ = [
    "ONE_STACK",
    "AllowEnvOption",
    "ApproveOption",
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
    "SummaryOption",
    "TakeOverOption",
    "TargetOption",
    "TimeoutOption",
    "VarFileOption",
    "VarOption",
    "parse_addresses",
    "parse_time",
    "parse_timeouts",
    "refuse",
    "request_of",
    "require_approval",
]

_SPEC = "Where it comes from"
_OUTPUT = "Output"
_WHAT = "What is planned"
_APPLY = "How it is carried out"


class Format(StrEnum):
    """Of results that are not plans."""

    TEXT = "text"
    JSON = "json"


class PlanFormat(StrEnum):
    """Of plans."""

    TEXT = "text"
    JSON = "json"
    MD = "md"


SpecArgument = Annotated[Path, typer.Argument(metavar="SPEC", help="The YAML file that describes the fine-tune.")]
TargetOption = Annotated[
    str | None,
    typer.Option(
        "--target",
        "-t",
        metavar="NAME",
        help="One of the spec's targets; else its default one.",
        rich_help_panel=_SPEC,
    ),
]
VarOption = Annotated[
    list[str] | None,
    typer.Option(
        "--var",
        metavar="NAME=VALUE",
        help="Set a variable of the spec; wins over --var-file. Repeatable.",
        rich_help_panel=_SPEC,
    ),
]
VarFileOption = Annotated[
    list[Path] | None,
    typer.Option("--var-file", metavar="FILE", help="YAML file of variables. Repeatable.", rich_help_panel=_SPEC),
]
AllowEnvOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-env",
        metavar="NAME",
        help="Let templates read this environment variable too; PHIFT_ALLOW_ENV has several. Repeatable.",
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
        help="Refuse data outside of this folder (PHIFT_DATA_ROOT).",
        rich_help_panel=_SPEC,
    ),
]
MaxStacksOption = Annotated[
    int | None,
    typer.Option(
        "--max-stacks",
        min=1,
        metavar="N",
        help="Stacks that one run may have. Default: 2000.",
        rich_help_panel=_SPEC,
    ),
]
FormatOption = Annotated[
    Format, typer.Option("--format", metavar="text|json", help="How to print it.", rich_help_panel=_OUTPUT)
]
PlanFormatOption = Annotated[
    PlanFormat,
    typer.Option("--format", metavar="text|json|md", help="md suits a pull request.", rich_help_panel=_OUTPUT),
]
SummaryOption = Annotated[
    bool, typer.Option("--summary", help="Only the list of addresses and the count.", rich_help_panel=_OUTPUT)
]
ShowSuppressedOption = Annotated[
    bool,
    typer.Option("--show-suppressed", help="Also differences that a rule lets pass.", rich_help_panel=_OUTPUT),
]
ShowUnchangedOption = Annotated[
    bool, typer.Option("--show-unchanged", help="Also what needs no change.", rich_help_panel=_OUTPUT)
]
SelectOption = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        metavar="ADDRESS",
        help="Only this resource and what it depends on. Repeatable.",
        rich_help_panel=_WHAT,
    ),
]
ReplaceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--replace", metavar="ADDRESS", help="Delete this and make it again. Repeatable.", rich_help_panel=_WHAT
    ),
]
NoColorOption = Annotated[
    bool,
    typer.Option("--no-color", help="No colour, as with NO_COLOR or without a terminal.", rich_help_panel=_OUTPUT),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Events as JSON lines on stdout.", rich_help_panel=_OUTPUT)]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Only the last line.", rich_help_panel=_OUTPUT)]
ApproveOption = Annotated[
    bool,
    typer.Option("--auto-approve", "-y", help="Do not ask; needed without a terminal.", rich_help_panel=_APPLY),
]
NoWaitOption = Annotated[
    bool,
    typer.Option("--no-wait", help="Leave once long work is begun (exit code 8).", rich_help_panel=_APPLY),
]
ParallelismOption = Annotated[
    int, typer.Option("--parallelism", min=1, max=64, metavar="N", help="So much at once.", rich_help_panel=_APPLY)
]
TimeoutOption = Annotated[
    list[str] | None,
    typer.Option(
        "--timeout",
        metavar="KIND=TIME",
        help="How long to wait for a kind: job=2h, compute=30m. Repeatable.",
        rich_help_panel=_APPLY,
    ),
]
RetryFailedOption = Annotated[
    bool, typer.Option("--retry-failed", help="Run a failed job once more.", rich_help_panel=_APPLY)
]

TakeOverOption = Annotated[
    bool,
    typer.Option(
        "--take-over",
        help="Claim what this stack needs and another spec owns, or what lost its tags.",
        rich_help_panel=_WHAT,
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
    """The request that these options spell. tell: takes a line about what takes long.

    Raises UsageError for what is not NAME=VALUE, or no folder.
    """
    from phift.phases import Request

    if data_root is not None and not os.path.isdir(data_root):
        raise UsageError(f"--data-root {data_root}: not a folder")
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


def parse_variables(texts: Sequence[str] | None) -> dict[str, str]:
    """`NAME=VALUE` each; the last of a name wins. Raises UsageError."""
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--var {text}: not NAME=VALUE", remedy="Write it as --var epochs=3")
        found[name.strip()] = value
    return found


def parse_addresses(texts: Sequence[str] | None, option: str) -> tuple[Address, ...]:
    """`kind.name` each. Raises UsageError naming the option."""
    from phift.address import Address

    try:
        return tuple(Address.parse(text) for text in texts or ())
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def parse_timeouts(texts: Sequence[str] | None) -> dict[str, float]:
    """`KIND=TIME` each, as seconds by kind. Raises UsageError."""
    if not texts:
        return {}
    from phift.kinds.registry import KINDS

    found: dict[str, float] = {}
    for text in texts:
        kind, _, given = text.partition("=")
        if kind not in KINDS:
            raise UsageError(
                f"--timeout {text}: there is no kind {kind!r}", remedy=f"The kinds are {', '.join(KINDS)}."
            )
        found[kind] = parse_time(given, f"--timeout {text}")
    return found


def parse_time(text: str, option: str) -> float:
    """Seconds of `90`, `90s`, `30m`, `1h30m`, `1d`; above zero. Raises UsageError naming the option."""
    matches = list(re.finditer(_TIME, text))
    if not matches or "".join(m[0] for m in matches) != text:
        raise UsageError(f"{option}: {text!r} is no time", remedy="Write a number of seconds, or 30m, 2h, 1h30m.")
    seconds = sum(float(m[1]) * _UNITS[m[2]] for m in matches)
    if seconds <= 0:
        raise UsageError(f"{option}: the time must be above zero")
    return seconds


ONE_STACK = "Name one file, and of a file with a matrix one combination: --var NAME=VALUE."
"""What to do where an option is for one stack."""


def refuse(because: str, given: Mapping[str, object], *, remedy: str = "") -> None:
    """Raises UsageError naming the options of `given` that hold something."""
    named = [name for name, content in given.items() if content]
    if named:
        raise UsageError(f"{' and '.join(named)} cannot go with {because}", remedy=remedy)


def require_approval(*, json: bool, quiet: bool, given: bool, remedy: str) -> None:
    """Raises UsageError where events go to a program, which nobody can be asked through, or --quiet would mute them."""
    if json:
        refuse("--json", {"--quiet": quiet})
        if not given:
            raise UsageError("--json has nobody to ask", remedy=remedy)
