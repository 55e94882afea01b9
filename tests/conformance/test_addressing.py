"""Completion knows the addresses of a stack from the blocks of its spec alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conformance.bed import Bed, spec

from phift.kinds.addressing import addresses_in
from phift.kinds.registry import KINDS
from phift.spec.inheritance import read_whole
from phift.spec.tree import plain

SERVED = {name: block for name, block in spec().items() if name in ("endpoint", "deployment", "tests")}


@pytest.mark.parametrize(
    "blocks",
    [
        spec(),
        {name: block for name, block in spec().items() if name in ("data", "compute", "finetune", "model")},
        {**SERVED, "model": "azureml:clerk:1", "rollout": {"traffic": "unmanaged"}},
        {**spec(), "compute": {"finetune": "serverless:Standard_NC24ads_A100_v4", "other_steps": "azureml:cpu"}},
    ],
    ids=["every kind", "training alone", "serving alone", "references"],
)
def test_the_addresses_are_those_of_the_compiled_stack(blocks: dict[str, Any], tmp_path: Path) -> None:
    bed = Bed.of(KINDS["compute"], tmp_path)
    request = bed.write(blocks)
    if blocks.get("model") == "azureml:clerk:1":
        request.path.write_text(json.dumps({"version": 1, "name": "served", **blocks}))
    tree, _ = read_whole(request.path)
    assert tree is not None
    compiled = [str(one.address) for one in bed.bench().stack.resources]
    assert addresses_in(plain(tree)) == compiled
