"""`data`: the splits, and where their rows come from."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from phift.spec.base import Block, Coerced, DataAsset, Strict, fault
from phift.spec.templating import Mixed
from phift.spec.yaml12 import plain_scalar

__all__ = ["SOURCES", "SPLITS", "DataBlock", "DataSource"]

SPLITS = ("train", "validation", "test", "sample")
SOURCES = ("path", "hub", "asset")  # what a source has exactly one of
_SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?)%")
_LONGEST = 40  # characters of a share


def _take(value: Any) -> Any:
    if isinstance(value, Mixed):
        value = plain_scalar(value)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if isinstance(value, str) and (match := _SHARE.fullmatch(value[:_LONGEST])) and 0 < float(match[1]) <= 100:
        return str(value)
    raise fault("must be a share or a number of rows", "Write take: 5% (more than 0%, at most 100%), or take: 1000.")


def _from_text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.startswith("azureml:"):
        return {"asset": value}
    raise fault(f"must say what kind of source {str(value)!r} is", f"Write {{path: {value}}}, or azureml:NAME:VERSION.")


class DataSource(Block):
    """Where rows come from: one of path, hub and asset (a split may leave it to `data.from`), and how many."""

    path: Annotated[
        str | None,
        Field(min_length=1, description="A file or glob, relative to this file: jsonl, json, csv or parquet."),
    ] = None
    hub: Annotated[str | None, Field(min_length=1, description="A data set of the Hugging Face hub.")] = None
    asset: Annotated[DataAsset | None, Field(description="A data asset: azureml:name:version.")] = None
    split: Annotated[str | None, Field(min_length=1, description="The split of the hub's data set.")] = None
    revision: Annotated[str | None, Field(min_length=1, description="Commit, branch or tag of the hub's data set.")] = (
        None
    )
    take: Annotated[
        int | str | None,
        BeforeValidator(_take),
        WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"%$|\{\{"}]}),
        Field(description="How many rows: 5%, or a number. Default: all."),
    ] = None
    seed: Annotated[int, Field(ge=0, description="Which rows `take` picks."), Coerced] = 0

    @property
    def kind(self) -> str:
        """path, hub or asset; empty for a split that adds to `data.from`."""
        return next((key for key in SOURCES if getattr(self, key) is not None), "")

    def over(self, shared: "DataSource | None") -> "DataSource":
        """This split with what it leaves open taken from the shared source."""
        if shared is None:
            return self
        given = {name: getattr(self, name) for name in self.model_fields_set}
        base = {name: getattr(shared, name) for name in shared.model_fields_set}
        if self.kind and self.kind != shared.kind:
            base = {name: value for name, value in base.items() if name not in (*SOURCES, "split", "revision")}
        return DataSource.model_construct(_fields_set=set(base) | set(given), **{**base, **given})


_Source = Annotated[
    DataSource,
    BeforeValidator(
        _from_text,
        json_schema_input_type=Annotated[str, Field(pattern=r"^azureml:|\{\{")] | DataSource,
    ),
]


class DataBlock(Strict):
    """The splits. from: what they share. sample: feeds tests and `phift invoke --sample`."""

    from_: Annotated[_Source | None, Field(alias="from", description="What the splits share.")] = None
    train: Annotated[_Source | None, Field(description="Rows to train on.")] = None
    validation: Annotated[_Source | None, Field(description="Rows to evaluate on during the training.")] = None
    test: Annotated[_Source | None, Field(description="Rows to evaluate on after the training.")] = None
    sample: Annotated[_Source | None, Field(description="Rows to try the model with.")] = None
    messages: Annotated[
        dict[str, str] | None, Field(description="Jinja templates that map other columns to chat messages, by role.")
    ] = None

    @property
    def splits(self) -> dict[str, DataSource]:
        """The splits that are there, by name, each with what it shares filled in."""
        given = ((name, getattr(self, name)) for name in SPLITS)
        return {name: source.over(self.from_) for name, source in given if source is not None}

    @model_validator(mode="after")
    def _one_source_each(self) -> "DataBlock":
        for name in ("from_", *SPLITS):
            source: DataSource | None = getattr(self, name)
            kinds = [key for key in SOURCES if source is not None and getattr(source, key) is not None]
            if len(kinds) > 1:
                raise fault(f"has both {' and '.join(kinds)} in {name.rstrip('_')}", "Keep one of them.")
        for name, source in self.splits.items():
            if not source.kind:
                raise fault(f"does not say where {name} comes from", f"Write {name}: {{path: data/{name}.jsonl}}.")
        return self
