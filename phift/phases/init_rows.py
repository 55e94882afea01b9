"""What `phift init` recognises in the data files: all rows are read and checked."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os.path import isdir
from pathlib import Path
from typing import TYPE_CHECKING

from phift.diagnostics import Diagnostic, Mark, nearest_file
from phift.errors import InvalidSpecError, UsageError
from phift.phases.init_options import InitOptions, Template, data_files
from phift.spec.addresses import scheme_of, shown_address

if TYPE_CHECKING:
    from phift.data.recognition import Recognised

__all__ = ["InitRows", "rows_of"]

_MANY_ROWS = 1000


@dataclass(frozen=True)
class InitRows:
    """What was recognised in the files of each split; None for a split without data.

    held_out: how many rows of the training data the test takes, as in `take` of a spec; "" for none.
    """

    train: Recognised | None = None
    test: Recognised | None = None
    validation: Recognised | None = None
    held_out: str = ""


def rows_of(options: InitOptions) -> InitRows:
    """Read all rows. Raises InvalidSpecError if they do not fit, and UsageError for answers that cannot be used."""
    if options.template.trains and not options.data:
        raise UsageError("no training data", remedy="Name a file: --data FILE")
    if options.columns is not None and options.messages is not None:
        raise UsageError("--messages and --columns cannot be used together", remedy="Pass one of them.")
    if options.held_out and not 0 < float(options.held_out.removesuffix("%")) < 100:
        raise UsageError(f"--test-data {options.held_out}: not between 0% and 100%", remedy="Example: --test-data 10%")
    if not options.template.trains:
        if options.held_out:
            raise UsageError(
                f"--test-data {options.held_out}: {options.template} has no training data to hold out rows of",
                remedy="Name a file: --test-data FILE",
            )
        return InitRows(test=_recognised(options, "--test-data", options.test_data))
    train = _recognised(options, "--data", options.data)
    held_out = ""
    if options.held_out and train is not None:
        held_out = _amount(options.held_out, train.rows)
        test = _recognised(options, "--data", options.data, like=train, take=held_out)
        train = _recognised(options, "--data", options.data, take={"except": held_out})
    else:
        test = _recognised(options, "--test-data", options.test_data, like=train)
    validation = _recognised(options, "--validation-data", options.validation_data, like=train)
    rows = InitRows(train, test, validation, held_out)
    _require_classes(rows)
    return rows


def _amount(share: str, rows: int) -> str:
    """Return the share; of few rows the number instead, as a share of them is far from exact."""
    if rows >= _MANY_ROWS:
        return share
    return str(max(1, round(rows * float(share.removesuffix("%")) / 100)))


def _recognised(
    options: InitOptions, option: str, path: str, *, like: Recognised | None = None, take: object = None
) -> Recognised | None:
    """Return what a file has; None without a path. like: what the training data has; its mapping must fit too."""
    if not path:
        return None
    from phift.data.presets import AS_IS
    from phift.data.recognition import recognise_chat, recognise_table
    from phift.data.sources import identify

    _require_local(option, path)
    with _answerable(options, option, path):
        identity = identify({"path": path}, Path())
        if options.template is Template.TEXT_CLASSIFICATION:
            table = like.table if like else None
            return recognise_table(identity, columns=options.columns, table=table, take=take)
        if like is None:
            return recognise_chat(identity, messages=options.messages, columns=options.columns, take=take)
        found = recognise_chat(identity, messages=like.messages or AS_IS, take=take)
        return replace(found, messages=like.messages, what=like.what)


def _require_local(option: str, path: str) -> None:
    """Raise UsageError for an address and for a folder."""
    if scheme_of(path):
        raise UsageError(
            f"{option} {shown_address(path)}: phift init reads files on this machine",
            detail="The data of a spec can be elsewhere: write its address to the spec afterwards.",
            remedy="Pass a file with a few of its rows, and then change `data` in the spec: {hub: OWNER/NAME}, "
            "azureml:NAME:VERSION or {path: https://...}.",
        )
    if isdir(path):
        suffixes = {"".join(Path(name).suffixes) for name in data_files(Path(path)) if "/" not in name}
        suffix = suffixes.pop() if len(suffixes) == 1 else ".jsonl"
        pattern = shlex.quote(f"{path.rstrip('/')}/*{suffix}")
        raise UsageError(f"{option} {path}: is a folder", remedy=f"Name its files: {option} {pattern}")


def _require_classes(rows: InitRows) -> None:
    from phift.data.classes import class_problems

    if rows.train is None or rows.train.table is None:
        return
    files = {"train": rows.train.path, **({"test": rows.test.path} if rows.test else {})}
    if problems := list(class_problems(rows.train.table, files)):
        raise InvalidSpecError(problems)


@contextmanager
def _answerable(options: InitOptions, option: str, path: str) -> Iterator[None]:
    """Turn findings into those of `phift init`: they name the file and the options that answer them, as there is no
    spec yet."""
    try:
        yield
    except InvalidSpecError as error:
        raise InvalidSpecError(
            [_answered(options, option, path, d) for d in error.diagnostics], error.summary
        ) from None


def _answered(options: InitOptions, option: str, path: str, found: Diagnostic) -> Diagnostic:
    if found.mark is None:
        given = options.messages is not None and found.code == "data-messages" and option == "--data"
        found = replace(found, mark=None if given else Mark(path), path="--messages" if given else "")
    match found.code:
        case "data-missing-file":
            near = nearest_file(Path(path).name, [Path(name).name for name in data_files(Path(path).parent)])
            remedy = (
                f"Did you mean {Path(path).parent / near}?" if near else "Paths are relative to the current folder."
            )
            return replace(found, mark=None, remedy=remedy)
        case "data-preference":
            return replace(found, remedy="To train on the chosen answers, pass --messages chosen.")
        case "data-columns" if options.template is not Template.TEXT_CLASSIFICATION:
            from phift.data.presets import presets

            remedy = f"Pass --columns QUESTION,ANSWER, or --messages PRESET ({', '.join(presets())})"
            return replace(found, remedy=f"{remedy}; to train a classifier, use `phift init text-classification`.")
    return found
