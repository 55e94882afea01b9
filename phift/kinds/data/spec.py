"""`data`: the splits, where their rows come from, and how they become messages."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from phift.kinds.data.messages import MessagesByRole, MessagesByTurns, MessagesField
from phift.lazy import lazy_pattern
from phift.spec.addresses import scheme_of, shown_address
from phift.spec.base import Before, Block, Coerced, DataAsset, Meanings, Strict, Texts, fault
from phift.spec.rowpaths import RowsPath
from phift.spec.rules import Elsewhere, Implied
from phift.spec.template_values import Mixed
from phift.spec.yaml12 import plain_scalar

__all__ = ["SOURCES", "SPLITS", "ChecksBlock", "DataBlock", "DataSource"]

SPLITS = ("train", "validation", "test", "sample")
SOURCES = ("path", "hub", "asset")  # a source has exactly one of these keys
_OF_HUB = ("config", "split", "revision")
_SHARE = lazy_pattern(r"([0-9]{1,3}(?:\.[0-9]{1,20})?)%")
_HUB = lazy_pattern(r"[\w.-]+/[\w.-]+", re.ASCII)
_TAKES = "5%, 1000, {first: 5%}, {except: 10%}, {every: 20} or {rows: 5%, by: block}"


def _amount(value: Any) -> Any:
    """Return a share or a number of rows; None for other values."""
    if isinstance(value, Mixed):
        value = plain_scalar(value)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if isinstance(value, str) and (match := _SHARE.fullmatch(value)) and 0 < float(match[1]) <= 100:
        return str(value)
    return None


def _take(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _take_form(value)
    found = _amount(value)
    if found is None:
        raise fault("must be a share or a number of rows", f"Write one of {_TAKES}.")
    return found


def _take_form(value: Mapping[Any, Any]) -> dict[str, Any]:
    keys = set(value)
    if keys == {"first"} and (first := _amount(value["first"])) is not None:
        return {"first": first}
    if keys == {"except"} and (left_out := _amount(value["except"])) is not None and not _is_all(left_out):
        return {"except": left_out}
    if keys == {"every"} and isinstance(every := _amount(value["every"]), int):
        return {"every": every}
    if keys == {"rows", "by"} and value["by"] == "block" and isinstance(rows := _amount(value["rows"]), str):
        return {"rows": rows, "by": "block"}
    raise fault("is not a valid form of take", f"Write one of {_TAKES}.")


def _is_all(amount: int | str) -> bool:
    return isinstance(amount, str) and float(amount.rstrip("%")) == 100


def _unfit(value: Any) -> Any:
    if value == "refuse":
        return value
    if isinstance(value, Mapping) and set(value) == {"skip"}:
        share = _amount(value["skip"])
        if isinstance(share, str) and share.rstrip("%") != "100":
            return {"skip": share}
    raise fault("must be refuse, or the maximum share of rows to skip", "Write unfit: {skip: 1%}.")


def _hub_id(value: Any) -> Any:
    if isinstance(value, str) and _HUB.fullmatch(value):
        return str(value)
    raise fault("must be the OWNER/NAME of a data set", _hub_remedy(str(value)))


def _hub_remedy(value: str) -> str:
    if address := re.search(r"(?:^|/)datasets/([\w.-]+/[\w.-]+)", value):
        return f"Write {address[1]}."
    if re.search(r"\.(jsonl?|csv|tsv|parquet)(\.\w+)?$", value, re.IGNORECASE):
        return f"For a file on this machine, write path: {value}."
    return "Write it as hub: HuggingFaceH4/ultrachat_200k."


"""A local path, or an address that phift reads."""


def _from_text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.startswith("azureml:"):
        return {"asset": value}
    text = shown_address(value) if scheme_of(value) else str(value)
    raise fault(f"does not say which kind of source {text!r} is", f"Write {{path: {text}}}, or azureml:NAME:VERSION.")


_A_SHARE = f"^(?:{_SHARE.pattern})$"


def _form(**properties: dict[str, Any]) -> dict[str, Any]:
    required = list(properties)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_TAKE_SCHEMA = {
    "anyOf": [
        {
            "type": ["string", "integer"],
            "minimum": 1,
            "pattern": f"^(?:[0-9]+|{_SHARE.pattern})$",
            "errorMessage": f"Write one of {_TAKES}.",
        },
        _form(first={"type": ["integer", "string"], "description": "The first rows: a number, or a share such as 5%."}),
        _form(
            **{
                "except": {
                    "type": ["integer", "string"],
                    "description": "The rows that a sample of this size and the same seed leaves, such as 10%.",
                }
            }
        ),
        _form(every={"type": "integer", "minimum": 1, "description": "Every n-th row."}),
        _form(
            rows={"type": "string", "description": "Share of the row groups of Parquet, such as 5%."},
            by={"enum": ["block"], "enumDescriptions": ["Take whole row groups."], "description": "How to sample."},
        ),
    ]
}
_SKIP = {
    "type": "string",
    "pattern": _A_SHARE,
    "errorMessage": "Write a share, such as 1%.",
    "description": "Maximum share of malformed rows to skip, such as 1%.",
}
_UNFIT_SCHEMA = {"anyOf": [{"enum": ["refuse"], "enumDescriptions": ["Reject the plan."]}, _form(skip=_SKIP)]}


class DataSource(Block):
    """The source of rows: one of path, hub and asset (or inherited from `data.from`), and the number of rows."""

    spellings = (
        Implied("$schema"),
        Implied("type", ("uri_file",), "phift writes one file for each split; for a folder, use a glob."),
        Implied("name"),
        Implied("mode"),
        Elsewhere("version", "Remove it: phift uses the digest of the rows as version."),
        Elsewhere("description", "Write azure: {properties: {description: TEXT}}."),
        Elsewhere("tags", "Write the tags of the spec: tags: {NAME: TEXT}."),
        Elsewhere("datastore", "Remove it: phift uploads to the default datastore of the workspace."),
        Elsewhere("auto_delete_setting", "Write azure: {properties: {autoDeleteSetting: ...}}."),
        Elsewhere("id", "Remove it: the service sets it."),
    )

    path: Annotated[
        RowsPath | None,
        Field(
            description="File or glob, relative to this file, or https:// address: jsonl, json, csv, tsv or parquet.",
        ),
    ] = None
    hub: Annotated[
        str | None,
        BeforeValidator(_hub_id, json_schema_input_type=str),
        Field(description="Data set on the Hugging Face hub: OWNER/NAME."),
    ] = None
    asset: Annotated[
        DataAsset | None,
        Field(description="Data asset, azureml:name:version, or azureml://datastores/name/paths/path."),
    ] = None
    config: Annotated[str | None, Field(min_length=1, description="Configuration of the data set on the hub.")] = None
    split: Annotated[str | None, Field(min_length=1, description="Split of the data set on the hub.")] = None
    revision: Annotated[
        str | None, Field(min_length=1, description="Commit, branch or tag of the data set on the hub. Default: main.")
    ] = None
    take: Annotated[
        int | str | dict[str, Any] | None,
        Before(_take),
        WithJsonSchema(_TAKE_SCHEMA),
        Field(
            description="Rows to take. 5% or 1000: a random sample; {except: 10%}: the others; {first: 5%}; "
            "{every: 20}; {rows: 5%, by: block}: whole row groups of Parquet. Default: all."
        ),
    ] = None
    seed: Annotated[int, Field(ge=0, description="Seed of the random sample."), Coerced] = 0
    messages: Annotated[MessagesField | None, Field(description="Overrides data.messages.")] = None

    @property
    def kind(self) -> str:
        """path, hub or asset; empty for a split that inherits it from `data.from`."""
        return next((key for key in SOURCES if getattr(self, key) is not None), "")

    def over(self, shared: "DataSource | None") -> "DataSource":
        """Return the split, completed from the shared source."""
        if shared is None:
            return self
        given = {name: getattr(self, name) for name in self.model_fields_set}
        base = {name: getattr(shared, name) for name in shared.model_fields_set}
        if self.kind:
            # Another source has its own splits and commits.
            base = {name: value for name, value in base.items() if name not in (*SOURCES, *_OF_HUB)}
        return DataSource.model_construct(_fields_set=set(base) | set(given), **{**base, **given})


_SOURCE_TEXT: dict[str, Any] = {
    "pattern": "^azureml:",
    "errorMessage": "Write {path: FILE}, {hub: OWNER/NAME}, or azureml:NAME:VERSION.",
}
_Source = Annotated[
    DataSource,
    BeforeValidator(
        _from_text,
        json_schema_input_type=Annotated[str, Field(json_schema_extra=_SOURCE_TEXT)] | DataSource,
    ),
]

_Verdict = Annotated[
    Literal["refuse", "warn", "ignore"],
    Meanings(refuse="Reject the plan.", warn="Add a warning to the plan.", ignore="Do not check."),
]


class ChecksBlock(Strict):
    """Checks of the rows before the upload, and their severity."""

    overlap: Annotated[_Verdict, Field(description="Prompts of train that also occur in test or validation.")] = "warn"
    duplicates: Annotated[_Verdict, Field(description="Identical conversations within a split.")] = "warn"
    longest: Annotated[
        int | None,
        Field(ge=1, description="Maximum number of tokens per row: counted, or estimated where reported so."),
        Coerced,
    ] = None
    pii: Annotated[
        _Verdict, Field(description="Personal data: e-mail addresses, telephone and card numbers, and similar.")
    ] = "ignore"
    licence: Annotated[Texts, Field(description="Licences allowed for data sets of the hub. Empty: any.")] = ()


class DataBlock(Strict):
    """The splits. from: shared keys. sample: rows for tests and `phift invoke --sample`."""

    from_: Annotated[_Source | None, Field(alias="from", description="Keys shared by all splits.")] = None
    train: Annotated[_Source | None, Field(description="Rows to train on.")] = None
    validation: Annotated[_Source | None, Field(description="Rows to evaluate on during the training.")] = None
    test: Annotated[_Source | None, Field(description="Rows to evaluate on after the training.")] = None
    sample: Annotated[_Source | None, Field(description="Rows to test the model with.")] = None
    messages: Annotated[
        MessagesField | None,
        Field(description="How columns become messages: auto (default), a preset, a list of turns, or templates."),
    ] = None
    unfit: Annotated[
        str | dict[str, str],
        Before(_unfit),
        WithJsonSchema(_UNFIT_SCHEMA),
        Field(description="How to treat malformed rows: refuse, or {skip: 1%} to skip at most this share."),
    ] = "refuse"
    checks: Annotated[ChecksBlock | None, Field(description="Further checks of the rows.")] = None

    @property
    def splits(self) -> dict[str, DataSource]:
        """Return the defined splits by name, completed from `data.from`."""
        given = ((name, getattr(self, name)) for name in SPLITS)
        return {name: source.over(self.from_) for name, source in given if source is not None}

    def messages_of(self, source: DataSource) -> str | dict[str, Any] | None:
        """Return the mapping of the rows of a split as a plain value: its own or that of all splits; None: auto."""
        chosen = source.messages if source.messages is not None else self.messages
        if isinstance(chosen, MessagesByTurns | MessagesByRole):
            return chosen.model_dump(exclude_none=True, exclude_defaults=True)
        return None if chosen == "auto" else chosen

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
            stray = [key for key in _OF_HUB if getattr(source, key) is not None]
            if source.hub is None and stray:
                raise fault(
                    f"has `{'` and `'.join(stray)}` in {name}, which needs `hub`",
                    f"Remove it, or write `hub: OWNER/NAME` instead of `{source.kind}`.",
                )
            if source.hub is not None and source.split is None:
                raise fault(
                    f"does not name a split of {source.hub} for {name}",
                    f"Write {name}: {{split: NAME}}, with the name of one of its splits.",
                )
        return self
