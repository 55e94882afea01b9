"""The recipes of the splits of a spec: everything about its data that needs no workspace."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from phift.data.columns import columns_of
from phift.data.problems import named
from phift.data.recipe import Recipe
from phift.data.sources import SourceIdentity
from phift.data.table import Table
from phift.data.take import By, Take
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError
from phift.kinds.job.tasks import TASKS
from phift.spec import DataSource, LoadedSpec
from phift.spec.addresses import scheme_of

__all__ = ["is_elsewhere", "path_of", "placed", "recipe_for", "recipe_of", "table_of", "wanted_splits"]

_OPEN_ENDED = ("sample",)
"""Splits whose rows are only sent to the endpoint."""


def is_elsewhere(wanted: DataSource) -> bool:
    """Return whether the rows of a split are elsewhere: a data asset, a datastore or an address."""
    return wanted.asset is not None or bool(scheme_of(wanted.path or ""))


def wanted_splits(loaded: LoadedSpec) -> dict[str, DataSource]:
    """Return the sources of rows by split. The rows of a test are identified like a split."""
    tests = {f"tests.{name}": test.path for name, test in loaded.spec.tests.items() if test.path is not None}
    splits = loaded.spec.data.splits if loaded.spec.data else {}
    return {**splits, **{name: DataSource(path=path) for name, path in tests.items()}}


def recipe_of(loaded: LoadedSpec, split: str, wanted: DataSource, identity: SourceIdentity) -> Recipe:
    """Return the recipe of a split. Raises InvalidSpecError for a mapping that does not match its columns."""
    try:
        return recipe_for(loaded, split, wanted, identity)
    except InvalidSpecError as error:
        raise InvalidSpecError([placed(loaded, split, d) for d in error.diagnostics]) from None


def recipe_for(loaded: LoadedSpec, split: str, wanted: DataSource, identity: SourceIdentity) -> Recipe:
    """Return the recipe of a split. Raises InvalidSpecError without positions; see recipe_of."""
    block = loaded.spec.data
    take = Take.parse(wanted.take)
    _require_take(take, identity)
    messages = block.messages_of(wanted) if block else None
    if table := table_of(loaded):
        _require_columns(table, _columns(identity), mapped=messages is not None)
    return Recipe.of(
        identity,
        take=wanted.take,
        seed=wanted.seed,
        messages=messages,
        columns=_columns(identity),
        unfit=block.unfit if block else None,
        open_ended=split in _OPEN_ENDED or split.startswith("tests."),
        table=table,
    )


def table_of(loaded: LoadedSpec) -> Table | None:
    """Return the columns that the component learns from; None for conversations.

    Raises InvalidSpecError if a parameter that names a column is missing.
    """
    block = loaded.spec.finetune
    task = TASKS.get(block.component.name) if block and block.component.registry == "azureml" else None
    if block is None or task is None:
        return None
    texts = [str(block.parameters[name]) for name in task.texts if block.parameters.get(name)]
    answer = str(block.parameters.get(task.answer) or "")
    required = [task.texts[0], *((task.answer,) if task.answered else ())]
    if missing := [name for name in required if not block.parameters.get(name)]:
        raise InvalidSpecError([_column_not_named(loaded, name, block.component.name) for name in missing])
    return Table(task.name, tuple(texts), answer)


def _column_not_named(loaded: LoadedSpec, name: str, component: str) -> Diagnostic:
    return Diagnostic(
        f"parameter `{name}` is required: it names a column of the data",
        remedy=f"Write finetune: {{parameters: {{{name}: COLUMN}}}}.",
        detail=f"{component} learns from columns of a table.",
        mark=loaded.mark("finetune.parameters"),
        path=f"finetune.parameters.{name}",
        code="parameter-missing",
    )


def _require_columns(table: Table, columns: Collection[str] | None, *, mapped: bool) -> None:
    """Raise InvalidSpecError for columns that the data does not have, and for a mapping to messages."""
    if mapped:
        summary = f"data.messages cannot be used with {table.task}: the rows are not conversations"
        remedy = "Remove it; the parameters of the fine-tune name the columns."
        raise InvalidSpecError([Diagnostic(summary, remedy=remedy, path="messages", code="data-messages")])
    if columns is None or set(columns) == {"messages"}:  # of Parquet, only this one is read
        return
    if missing := [name for name in table.columns if name not in columns]:
        summary = f"the data has no column {' and '.join(f'`{name}`' for name in missing)}; columns: {named(columns)}"
        remedy = "Fix the parameter of the fine-tune that names it (text_key, label_key, ...), or the data."
        raise InvalidSpecError([Diagnostic(summary, remedy=remedy, code="data-columns")])


def _columns(identity: SourceIdentity) -> Collection[str] | None:
    """Return the columns; None if they are unknown before rows are read."""
    if identity.hub is not None:
        return tuple(identity.hub.columns) or None
    if identity.remote is not None:
        return identity.remote.columns()
    return columns_of(identity.files[0])


def _require_take(take: Take, identity: SourceIdentity) -> None:
    split = identity.hub
    if take.by is By.BLOCK and not (split.direct if split else all(f == "parquet" for f in identity.formats)):
        summary = "take: by: block requires Parquet files: other formats do not have row groups"
        raise InvalidSpecError([Diagnostic(summary, remedy="Remove `by`.", path="take", code="data-take")])
    wanted = take.of(take.count or 0) if take.count is not None and take.by is not By.EVERY else None
    if split and split.rows is not None and wanted is not None and wanted > split.rows:
        summary = f"take: {take} exceeds the number of rows: {split.split} has {split.rows:,}"
        remedy = f"Take at most {split.rows}, or remove `take`."
        raise InvalidSpecError([Diagnostic(summary, remedy=remedy, path="take", code="data-take")])


def path_of(split: str) -> str:
    """Return the path of a split in the spec."""
    return split if split.startswith("tests.") else f"data.{split}"


def placed(loaded: LoadedSpec, split: str, found: Diagnostic) -> Diagnostic:
    """Add a position to a finding without one: that of the split, or of the field in the path of the finding."""
    if found.mark is not None:
        return found
    field_ = found.path.rpartition(".")[2]
    block = loaded.spec.data
    source = getattr(block, split, None) if block else None
    own = source is not None and field_ in getattr(source, "model_fields_set", ())
    shared = block is not None and block.from_ is not None and field_ in block.from_.model_fields_set
    place = f"{path_of(split)}.{field_}" if own else f"data.from.{field_}" if shared else found.path or path_of(split)
    if not place.startswith(("data.", "tests.")):
        place = path_of(split)
    return replace(found, mark=loaded.mark(place), path=place)
