"""Recognize a whole YAML file of `az ml` that is passed as a spec: one finding with its block, not one per key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from phift.diagnostics import Diagnostic
from phift.spec.tree import Node

__all__ = ["az_ml_file"]

_OWN = ("base_model", "finetune", "extends", "targets", "matrix")
"""Keys that only a spec has."""
_BLOCKS = ("data", "compute", "endpoint", "deployment", "model")
"""Keys that are blocks of a spec, and may be texts in a file of `az ml`."""


class _Kind(NamedTuple):
    """A file of `az ml`. what: with article. way: where its content goes. schema: in the name of its JSON schema, which
    `$schema` gives. keys: by which it is recognized without `$schema`."""

    what: str
    way: str
    schema: str
    keys: frozenset[str]


_UNDER = "Write a spec, and paste the content under `{}:`; "
_INIT = "`phift init` writes a first spec."
_IMPORT = "or run `phift import ENDPOINT`, which writes the spec of an endpoint that exists."
_KINDS = (
    _Kind("an endpoint", _UNDER.format("endpoint") + _IMPORT, "OnlineEndpoint", frozenset({"auth_mode"})),
    _Kind(
        "a deployment",
        _UNDER.format("deployment") + _IMPORT,
        "OnlineDeployment",
        frozenset({"endpoint_name", "instance_type"}),
    ),
    _Kind(
        "a cluster",
        "Write a spec, and paste the content under `compute: {finetune: }`; " + _INIT,
        "amlCompute",
        frozenset({"size", "idle_time_before_scale_down"}),
    ),
    _Kind(
        "a fine-tuning job",
        "Write a spec: `model` becomes base_model, the data data.train and data.validation, the hyperparameters "
        "finetune.parameters; or run `phift import --job NAME`, which writes the spec of a job that exists.",
        "finetuning",
        frozenset({"training_data"}),
    ),
    _Kind(
        "a pipeline job",
        "Write a spec with the inputs of its fine-tune component under finetune.parameters; or run "
        "`phift import --job NAME`, which writes the spec of a job that exists.",
        "pipelineJob",
        frozenset({"jobs"}),
    ),
    _Kind("a data asset", "Write a spec, and paste the content under `data: {train: }`; " + _INIT, "data", frozenset()),
    _Kind("a model", _UNDER.format("model") + _INIT, "model", frozenset()),
    _Kind(
        "an environment",
        "Write a spec, and paste the content under `deployment: {environment: }`.",
        "environment",
        frozenset({"conda_file"}),
    ),
)
_SCHEMA = re.compile(r"https?://azureml[^/]*/.*/(?P<name>\w+)\.schema\.json", re.IGNORECASE)


def az_ml_file(root: Node) -> Diagnostic | None:
    """Return the finding that a file is one of `az ml`, not a spec; None for a spec, however wrong."""
    keys = root.mapping or {}
    if any(key in keys for key in _OWN) or any(
        keys[key].mapping is not None for key in _BLOCKS if _is_block(key, keys)
    ):
        return None
    schema = keys["$schema"].value if "$schema" in keys else None
    found = _SCHEMA.fullmatch(schema) if isinstance(schema, str) else None
    name = found["name"].lower() if found else ""
    for kind in _KINDS:
        if (name and kind.schema.lower() in name) or (not found and kind.keys & keys.keys()):
            return _finding(root, kind.what, kind.way)
    return _finding(root, "another resource", f"phift does not create it. {_INIT}") if found else None


def _is_block(key: str, keys: Mapping[str, Node]) -> bool:
    """Return whether a key counts as a block of a spec: the `model` of a deployment or a job is a mapping too."""
    return key in keys and (key != "model" or keys.keys() <= {"version", "name", "model"})


def _finding(root: Node, what: str, way: str) -> Diagnostic:
    return Diagnostic(
        f"this is an `az ml` file of {what}, not a spec",
        detail="A spec describes a stack: its blocks have the fields of the files of `az ml`.",
        remedy=way,
        mark=root.mark,
        code="az-ml-file",
    )
