"""`requires_phift` is asked before anything else in a spec is believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from phift.errors import InvalidSpecError
from phift.spec import load
from phift.spec.requirement import unmet
from phift.spec.yaml12 import parse

SPEC = """\
version: 1
name: small
requires_phift: {}
model: azureml:m:1
endpoint: {{}}
deployment: {{instance_type: S}}
"""


@pytest.mark.parametrize(
    ("wanted", "version", "met"),
    [
        (">=0.2", "0.2.0", True),
        (">=0.2.1", "0.2.0", False),
        (">= 1", "0.99.9", False),
        (">=0.9", "0.10.0", True),
        (">=1.2.3", "1.2.3rc1", True),
    ],
)
def test_a_release_is_compared_by_its_numbers(wanted: str, version: str, met: bool) -> None:
    root, _ = parse(f"requires_phift: '{wanted}'\n", "spec.yaml")
    assert root is not None
    assert (unmet(root, version) is None) is met


def test_a_later_format_is_told_by_that_alone(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("version: 7\nrequires_phift: '>=99'\nnew_block: {anything: [1]}\n")
    with pytest.raises(InvalidSpecError) as raised:
        load(spec)
    (found,) = raised.value.diagnostics
    assert "needs phift 99 or later" in found.summary
    assert found.mark is not None
    assert found.mark.line == 2


def test_what_a_spec_extends_may_ask_for_it_too(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("requires_phift: '>=99'\nnew: 1\n")
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC.format("'>=0.1'") + "extends: base.yaml\n")
    with pytest.raises(InvalidSpecError, match="needs phift 99"):
        load(spec)
    spec.write_text(SPEC.format("'>=0.1'"))
    assert load(spec).spec.requires_phift == ">=0.1"


@pytest.mark.parametrize("text", ["0.2", "'==0.2'", "'>=x'", "[1]", "'>=0.2,<1'", "'>=1.2.3.4'"])
def test_what_is_no_requirement_is_told(tmp_path: Path, text: str) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC.format(text))
    with pytest.raises(InvalidSpecError, match="oldest release that can read"):
        load(spec)
