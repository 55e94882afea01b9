"""`phift init`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from phift.cli import options as o
from phift.cli.terminal import Terminal
from phift.errors import ApprovalError, UsageError
from phift.phases.init_project import InitOptions, Template, data_files, name_from, require_free

_ANSWERS = "Answers"


class Workflow(StrEnum):
    """The services that `phift ci` writes workflows for."""

    GITHUB = "github"
    AZURE_PIPELINES = "azure-pipelines"


def init(
    template: Annotated[
        Template,
        typer.Argument(metavar="[TEMPLATE]", help="chat (default), serve-only, text-classification or multi-target."),
    ] = Template.CHAT,
    name: Annotated[
        str,
        typer.Option(
            "--name", metavar="NAME", help="Name of the stack. Default: of the folder.", rich_help_panel=_ANSWERS
        ),
    ] = "",
    data: Annotated[
        str,
        typer.Option(
            "--data",
            metavar="FILE",
            help="Rows to train on. Default: train.*, or the only data file in the folder.",
            rich_help_panel=_ANSWERS,
        ),
    ] = "",
    test_data: Annotated[
        str | None,
        typer.Option(
            "--test-data", metavar="FILE", help="Rows to test with. Default: test.*, if any.", rich_help_panel=_ANSWERS
        ),
    ] = None,
    base_model: Annotated[
        str,
        typer.Option(
            "--base-model",
            metavar="MODEL",
            help="Model to fine-tune or to serve: a name in the azureml registry, or a reference.",
            rich_help_panel=_ANSWERS,
        ),
    ] = "",
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="INPUT,ANSWER",
            help="Columns of question and answer, or of text and class. Default: recognised.",
            rich_help_panel=_ANSWERS,
        ),
    ] = None,
    messages: Annotated[
        str | None,
        typer.Option(
            "--messages",
            metavar="PRESET",
            help="How rows become messages (docs/data.md). Default: recognised.",
            rich_help_panel=_ANSWERS,
        ),
    ] = None,
    workflow: Annotated[
        Workflow | None,
        typer.Option(
            "--workflow",
            metavar="KIND",
            help="Also write the workflow of `phift ci` for target prod: github or azure-pipelines.",
            rich_help_panel="Output options",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The spec to write.")] = Path("phift.yaml"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: use the defaults.")] = False,
    no_color: o.NoColorOption = False,
) -> int:
    """Write a first spec, from a look at your data.

    Reads all rows, picks the mapping of their columns, and writes the spec, .gitignore and editor settings. Asks at
    most four questions, and none without a terminal. Existing files are extended, never overwritten.
    """
    from phift import phases
    from phift.views.human import init as view

    terminal = Terminal.of(no_color=no_color)
    require_free(out)
    pair = _pair(columns)
    ask = _Questions(terminal, asking=terminal.streams.terminal and not yes)
    name = name or ask("Name of the stack", name_from(out.parent), "--name")
    found = data_files(out.parent)
    if template.trains:
        guess = _guess(found, "train", out)
        data = data or ask("Rows to train on (jsonl, json, csv, tsv or parquet)", guess, "--data")
        if not data:
            raise _no_data(found)
    if test_data is None:
        test_data = ask("Rows to test with (empty: none)", _guess(found, "test", out, only=False), "--test-data")
    base_model = base_model or ask(
        "Model to fine-tune" if template.trains else "Model to serve", template.default_model, "--base-model"
    )
    kind = workflow.value if workflow else ""
    done = phases.init(InitOptions(template, name, out, base_model, data, test_data, messages, pair, kind))
    terminal.print(view.render(done, style=terminal.streams.out_style))
    return 0


class _Questions:
    """Asks on a terminal; takes the defaults elsewhere."""

    def __init__(self, terminal: Terminal, *, asking: bool) -> None:
        self._terminal = terminal
        self._asking = asking

    def __call__(self, question: str, default: str, option: str) -> str:
        """Return the answer, or the default for an empty one."""
        if not self._asking:
            return default
        err, style = self._terminal.streams.err, self._terminal.streams.err_style
        shown = f" [{default}]" if default else ""
        err.write(f"{style.bold(question)}{shown}: ")
        err.flush()
        line = sys.stdin.readline()
        if not line:
            err.write("\n")
            raise ApprovalError("init cancelled", detail="Nothing was written.", remedy=f"Answer with {option}.")
        return line.strip() or default


def _guess(found: list[str], stem: str, out: Path, *, only: bool = True) -> str:
    """Return the data file of that name, relative to the current folder; "" if it is not clear. only: or the only one
    of the folder, whatever its name."""
    named = [file for file in found if file.partition(".")[0] == stem]
    chosen = named if len(named) == 1 else found if only and len(found) == 1 else []
    return str(out.parent / chosen[0]) if chosen else ""


def _pair(columns: str | None) -> tuple[str, str] | None:
    if columns is None:
        return None
    first, comma, second = (part.strip() for part in columns.partition(","))
    if not first or not comma or not second or "," in second:
        raise UsageError(f"--columns {columns}: not two names", remedy="Example: --columns question,answer")
    return first, second


def _no_data(found: list[str]) -> UsageError:
    if len(found) > 1:
        shown = ", ".join(found[:6]) + (", ..." if len(found) > 6 else "")
        return UsageError(f"several data files: {shown}", remedy="Name the one to train on: --data FILE")
    return UsageError(
        "no data file in this folder",
        remedy="Name the rows to train on: --data FILE. To serve a model without training: phift init serve-only",
    )
