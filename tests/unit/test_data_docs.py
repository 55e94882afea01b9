"""docs/data.md: its specs are specs, and its tables hold what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from phift.data import limits
from phift.data.presets import presets
from phift.data.sources import FORMATS
from phift.spec import load

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
REST = """
version: 1
name: page
base_model: azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest
compute:
  finetune: {name: gpu, size: Standard_NC24ads_A100_v4, min_instances: 0, max_instances: 1}
finetune:
  component: azureml://registries/azureml/components/chat_completion_pipeline/labels/latest
  parameters: {max_steps: 3}
model: {name: page}
targets:
  local: {default: true}
"""


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_is_part_of_a_spec(block: str, tmp_path: Path) -> None:
    assert block.startswith("data:")
    (tmp_path / "spec.yaml").write_text(block + REST)
    loaded = load(tmp_path / "spec.yaml", environ={})
    assert loaded.spec.data is not None
    assert loaded.spec.data.splits


def test_there_are_blocks() -> None:
    assert len(BLOCKS) >= 4


def test_every_preset_and_every_suffix_is_named() -> None:
    for preset in presets():
        assert f"| `{preset}` |" in PAGE
    for suffix in FORMATS:
        assert f"| `.{suffix.split('.')[1]}` |" in PAGE


def test_the_limits_are_those_of_the_code() -> None:
    assert f"{limits.LONGEST >> 20} Mi characters" in PAGE
    assert f"more than {limits.LARGEST >> 30} GiB" in PAGE
    assert f"both {limits.PLENTY >> 20} MiB and {limits.RATIO} times" in PAGE
