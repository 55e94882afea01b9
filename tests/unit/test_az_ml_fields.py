"""Each field of `az ml` YAML that may be pasted: the same, accepted in its other spelling, or rejected with the way."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from phift.errors import InvalidSpecError
from phift.spec import LoadedSpec, load

TABLE: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("az_ml_fields.yaml").read_text("utf-8"))
ROWS = [(kind, field) for kind, rows in TABLE.items() for field in rows["fields"]]
OUTCOMES = ("same", "both", "refused")

SIZE = "Standard_NC24ads_A100_v4"
BASE: dict[str, Any] = {
    "version": 1,
    "name": "pasted",
    "endpoint": {"auth_mode": "key"},
    "deployment": {"instance_type": SIZE},
}
TRAINS: dict[str, Any] = {
    "base_model": "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest",
    "data": {"train": {"path": "train.jsonl"}},
    "compute": {"finetune": {"name": "gpu", "size": SIZE}},
    "finetune": {},
}
AROUND: dict[str, dict[str, Any]] = {
    "endpoint": {"model": "azureml:m:1"},
    "deployment": {},
    "model": {},
    "environment": {"model": "azureml:m:1"},
    "compute": TRAINS,
    "data": TRAINS,
    "finetuning job": TRAINS,
}
REQUIRED: dict[str, dict[str, Any]] = {
    "deployment": {"instance_type": SIZE},
    "model": {"path": "m"},
    "environment": {"image": "i"},
    "compute": {"name": "gpu", "size": SIZE},
    "data": {"path": "train.jsonl"},
}


def pasted(folder: Path, kind: str, row: dict[str, Any]) -> LoadedSpec:
    """A spec whose block of the kind has the field as it is written."""
    written = yaml.safe_load(row["write"])
    own = {key: value for key, value in REQUIRED.get(kind, {}).items() if key != row.get("without")}
    spec = yaml.safe_load(yaml.safe_dump({**BASE, **AROUND[kind]}))
    if kind == "deployment" and "model" not in written:
        spec["model"] = "azureml:m:1"
    *outer, last = TABLE[kind]["place"]
    place = spec
    for key in outer:
        place = place.setdefault(key, {})
    place[last] = {**own, **written}
    path = folder / "spec.yaml"
    path.write_text(yaml.safe_dump(spec), encoding="utf-8")
    return load(path, environ={})


def found_at(values: Any, path: str) -> Any:
    """The value at a dotted path."""
    for key in path.split("."):
        values = values[key]
    return values


@pytest.mark.parametrize(("kind", "field"), ROWS, ids=[f"{kind}: {field}" for kind, field in ROWS])
def test_a_field_that_is_pasted(tmp_path: Path, kind: str, field: str) -> None:
    row = TABLE[kind]["fields"][field]
    assert row["outcome"] in OUTCOMES
    if row["outcome"] == "refused":
        with pytest.raises(InvalidSpecError) as caught:
            pasted(tmp_path, kind, row)
        name = field.partition(" ")[0].split(".")[-1]
        told = [d for d in caught.value.diagnostics if name in d.summary and d.mark is not None]
        assert [d for d in told if row["says"] in f"{d.summary} {d.detail} {d.remedy}"], caught.value.diagnostics
        return
    loaded = pasted(tmp_path, kind, row)
    block = found_at(loaded.rendered, ".".join(TABLE[kind]["place"]))
    for path, value in row.get("reads", {}).items():
        read = found_at(block, path)
        if isinstance(value, dict):
            read = {key: inner for key, inner in read.items() if key in value}
        assert read == value
    assert [w.code for w in loaded.warnings] == [code for code in [row.get("warns")] if code]


@pytest.mark.parametrize("kind", TABLE)
def test_each_field_of_the_sdk_has_a_row(kind: str) -> None:
    module, _, name = TABLE[kind]["schema"].rpartition(".")
    schema = getattr(importlib.import_module(module), name)
    known = {field for field, definition in schema._declared_fields.items() if not definition.dump_only}
    rows = {field.partition(" ")[0].partition(".")[0] for field in TABLE[kind]["fields"]}
    assert known - rows == set()
