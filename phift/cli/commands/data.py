"""`phift data`: inspect the rows of a spec before anything is created."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phift.cli import options as o
from phift.cli.help import Command, Group
from phift.cli.terminal import Terminal
from phift.errors import UsageError
from phift.exits import ExitCode

if TYPE_CHECKING:
    from phift.phases import Connector

group = typer.Typer(
    name="data",
    cls=Group,
    help="Inspect the data that a spec trains on: rows, statistics, differences, files.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)

_Split = Annotated[str | None, typer.Argument(metavar="[SPLIT]", help="train, validation, test or sample.")]


@group.command(cls=Command)
def preview(
    spec: o.SpecArgument,
    split: _Split = None,
    rows: Annotated[int, typer.Option("--rows", "-n", min=1, max=10_000, metavar="N", help="Number of rows.")] = 5,
    random: Annotated[bool, typer.Option("--random", help="Pick random rows instead of the first ones.")] = False,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, metavar="N", help="Seed of --random. Default: 0.")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Show all source columns, unmapped. Works even if the mapping is wrong.")
    ] = False,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    format: o.FormatOption = o.Format.TEXT,
    no_color: o.NoColorOption = False,
) -> int:
    """Show some rows of a split in their training form.

    SPLIT defaults to train. Unfit rows are shown with the reason. `take` is ignored. For Parquet data on the hub, only
    one row group is read.
    """
    from phift.phases import inspect_data
    from phift.views import json_data
    from phift.views.human import data as text

    if seed is not None and not random:
        raise UsageError("--seed requires --random")
    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks, tell=terminal.tell)
    found = inspect_data.preview(
        request, _connect(terminal), split or "", count=rows, random=random, seed=seed or 0, raw=raw
    )
    terminal.show(format, found, json_data.preview, text.preview)
    return 0


@group.command(cls=Command)
def stats(
    spec: o.SpecArgument,
    split: _Split = None,
    rows: Annotated[
        int | None,
        typer.Option(
            "--rows",
            min=1,
            metavar="N",
            help="Use only the first N source rows of a split that is not prepared yet. Default: all.",
        ),
    ] = None,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    format: o.FormatOption = o.Format.TEXT,
    no_color: o.NoColorOption = False,
) -> int:
    """Show statistics: rows, turns, characters, tokens, duplicates, and more.

    SPLIT defaults to all splits. Personal data is counted, not shown. If the spec has data.checks, counts over all rows
    are pinned in phift.lock.
    """
    from phift.phases import inspect_data
    from phift.views import json_data
    from phift.views.human import data as text

    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks, tell=terminal.tell)
    found = inspect_data.data_stats(request, _connect(terminal), split or "", rows=rows)
    terminal.show(format, found, json_data.stats, text.stats)
    return 0


def _connect(terminal: Terminal) -> Connector:
    from phift.azure.sessions import connector

    return connector(interactive=terminal.streams.terminal, tell=terminal.tell)


_DIFF = "A spec, a spec at a Git ref (REF:SPEC or SPEC@REF), or a data version."


@group.command(cls=Command)
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help=_DIFF)],
    after: Annotated[str, typer.Argument(metavar="B", help="What to compare with; same forms as A.")],
    split: _Split = None,
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    detailed_exitcode: Annotated[
        bool,
        typer.Option(
            "--detailed-exitcode", help="Exit with 2 if rows differ, 0 if not.", rich_help_panel="Output options"
        ),
    ] = False,
    format: o.FormatOption = o.Format.TEXT,
    no_color: o.NoColorOption = False,
) -> int:
    """Show which rows differ between two specs, commits or data versions.

    Rows with the same prompt_id but different content count as changed. A data version that is not cached on this
    machine is read from the workspace of the other side's spec.
    """
    from phift.phases import compare_data
    from phift.views import json_data
    from phift.views.human import data as text

    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(Path(after), target, var, var_file, allow_env, data_root, max_stacks, tell=terminal.tell)
    found = compare_data.data_diff(request, before, after, _connect(terminal), split=split or "")
    terminal.show(format, found, json_data.diff, text.diff)
    return ExitCode.CHANGES if detailed_exitcode and not found.equal else 0


@group.command(cls=Command)
def prepare(
    spec: o.SpecArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for train.jsonl and the other files.")],
    target: o.TargetOption = None,
    var: o.VarOption = None,
    var_file: o.VarFileOption = None,
    allow_env: o.AllowEnvOption = None,
    data_root: o.DataRootOption = None,
    max_stacks: o.MaxStacksOption = None,
    format: o.FormatOption = o.Format.TEXT,
    no_color: o.NoColorOption = False,
) -> int:
    """Write the prepared rows of each split, exactly as apply uploads them.

    Writes one JSON Lines file per split. Files are written atomically; links and devices are never overwritten.
    """
    from phift.cli.datafiles import folder_for, put
    from phift.phases import inspect_data
    from phift.views import json_data
    from phift.views.human import data as text

    terminal = Terminal.of(no_color=no_color)
    request = o.request_of(spec, target, var, var_file, allow_env, data_root, max_stacks, tell=terminal.tell)
    data = inspect_data.SpecData.of(request, _connect(terminal))
    place = folder_for(out, [f"{name}.jsonl" for name in data.splits], data.files)
    made = inspect_data.prepare_data(data, lambda name, one: put(one.path, place / f"{name}.jsonl"))
    shown = {name: (version, str(out / f"{name}.jsonl"), one) for name, version, one in made}
    terminal.show(format, shown, lambda shown: json_data.prepared(data.loaded.stack, shown), text.prepared)
    return 0
