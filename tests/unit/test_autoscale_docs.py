"""docs/autoscale.md: its spec is a spec, and its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path

from phift.spec import load
from phift.spec.autoscale import RuleBlock
from phift.spec.scaling_metrics import METRICS

PAGE = (Path(__file__).parents[2] / "docs" / "autoscale.md").read_text(encoding="utf-8")
(BLOCK,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
REST = "\nversion: 1\nname: page\nmodel: azureml:m:1\nendpoint: {auth_mode: key}\ntargets: {local: {default: true}}\n"


def test_its_spec_is_valid(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(BLOCK + REST)
    deployment = load(tmp_path / "spec.yaml", environ={}).spec.deployment
    assert deployment is not None
    assert deployment.autoscale is not None
    assert list(deployment.autoscale.schedules) == ["office", "launch"]


def test_all_fields_and_metrics_are_named() -> None:
    rows = "\n".join(line for line in PAGE.splitlines() if line.startswith("| `"))
    assert {name for name in RuleBlock.model_fields if f"`{name}`" not in rows} == set()
    missing = {name for name in METRICS if f"`{name}`" not in rows and f"`_{name.rpartition('_')[2]}`" not in rows}
    assert missing == set()
