"""`phift init`."""

from __future__ import annotations

import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from phift.cli import options as o
from phift.cli.terminal import Terminal
from phift.errors import ApprovalError, PhiftError, UsageError
from phift.phases.init_options import (
    InitOptions,
    Template,
    data_files,
    guessed,
    known_model,
    name_from,
    no_data,
    require_free,
    require_name,
)
from phift.phases.init_rows import InitRows, rows_of
from phift.views.human import errors

_ANSWERS = "Answers"
_SLOW_BYTES = 50_000_000
"""Of files whose reading takes long enough to announce it."""


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
            "--test-data",
            metavar="FILE|SHARE",
            help="Rows to test with, or the share of the rows to hold out, such as 10%. Default: test.*, if any.",
            rich_help_panel=_ANSWERS,
        ),
    ] = None,
    validation_data: Annotated[
        str | None,
        typer.Option(
            "--validation-data",
            metavar="FILE",
            help="Rows to evaluate with during the training. Default: validation.*, val.* or dev.*, if any.",
            rich_help_panel=_ANSWERS,
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
            help="How rows become messages: a preset, such as alpaca. Default: recognised.",
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
    options = InitOptions(
        template, "", out, messages=messages, columns=_pair(columns), workflow=workflow.value if workflow else ""
    )
    ask = _Questions(terminal, options, asking=terminal.streams.terminal and not yes)
    ask("name", "Name of the stack", name or None, name_from(out.parent), "--name")
    found = [str(out.parent / file) for file in data_files(out.parent)]
    tests = "Rows to test with (a file; empty: none)"
    if template.trains:
        guess = guessed(found, ["train"], only=True)
        ask("data", "Rows to train on (jsonl, json, csv, tsv or parquet)", data or None, guess, "--data")
        if validation_data is None:
            validation_data = guessed(found, ["validation", "valid", "val", "dev"])
        ask("validation_data", "", validation_data, "", "--validation-data")
        tests = "Rows to test with (a file, or a share such as 10%; empty: none)"
    ask("test_data", tests, test_data, guessed(found, ["test"]), "--test-data")
    model = "Model to fine-tune" if template.trains else "Model to serve"
    ask("base_model", model, base_model or None, template.default_model, "--base-model")
    done = phases.init(ask.options, ask.rows or ask.read(ask.options))
    terminal.print(view.render(done, style=terminal.streams.out_style))
    return 0


class _Questions:
    """The answers so far. Asks on a terminal, where a wrong answer is asked for again; takes the defaults elsewhere.

    options: the answers. rows: what the data files have, once they are known.
    """

    def __init__(self, terminal: Terminal, options: InitOptions, *, asking: bool) -> None:
        self.options = options
        self.rows: InitRows | None = None
        self._terminal = terminal
        self._asking = asking

    def __call__(self, field: str, question: str, given: str | None, default: str, option: str) -> None:
        """Set the answer to an option, or ask for it. Raises PhiftError for an option that cannot be used."""
        if given is not None or not self._asking:
            self._set(field, default if given is None else given)
            return
        while self._refused(field, self._answer(question, default, option)):
            pass

    def _refused(self, field: str, answer: str) -> bool:
        """Set the answer; return whether it cannot be used, and say why."""
        try:
            self._set(field, answer)
        except PhiftError as error:
            self._terminal.tell(errors.render(error, style=self._terminal.streams.err_style))
            return True
        return False

    def _set(self, field: str, answer: str) -> None:
        """Set the answer, after its check."""
        changed: dict[str, Any] = {field: answer}
        options = replace(self.options, **changed)
        match field:
            case "name":
                require_name(answer)
            case "base_model":
                known_model(options.template, answer)
            case _ if options.template.trains and not options.data:
                raise no_data(options.out.parent)
            case _ if self._asking and answer:
                self.rows = self.read(options)
        self.options = options

    def read(self, options: InitOptions) -> InitRows:
        """Read all rows, and say so if that takes a while. Raises the errors of `rows_of`."""
        paths = (Path(path) for path in (options.data, options.validation_data, options.test_data))
        if (size := sum(path.stat().st_size for path in paths if path.is_file())) > _SLOW_BYTES:
            from phift.data.space import megabytes

            self._terminal.tell(f"Reading all rows ({megabytes(size)}) ...")
        return rows_of(options)

    def _answer(self, question: str, default: str, option: str) -> str:
        """Return the answer, or the default for an empty one. Raises ApprovalError at the end of the input."""
        err, style = self._terminal.streams.err, self._terminal.streams.err_style
        shown = f" [{default}]" if default else ""
        err.write(f"{style.bold(question)}{shown}: ")
        err.flush()
        line = sys.stdin.readline()
        if not line:
            err.write("\n")
            raise ApprovalError("init cancelled", detail="Nothing was written.", remedy=f"Answer with {option}.")
        return line.strip() or default


def _pair(columns: str | None) -> tuple[str, str] | None:
    if columns is None:
        return None
    first, comma, second = (part.strip() for part in columns.partition(","))
    if not first or not comma or not second or "," in second:
        raise UsageError(f"--columns {columns}: not two names", remedy="Example: --columns question,answer")
    return first, second
