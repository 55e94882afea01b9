"""The JSON Schema that editors use: current, and of one mind with the loader."""

import contextlib
import importlib
import json
from pathlib import Path

import jsonschema
import pytest
from pydantic import BaseModel, ValidationError

from phift import kinds
from phift.editor import schema_text
from phift.spec.tree import plain
from phift.spec.yaml12 import parse, read

ROOT = Path(__file__).parents[2]
FILE = ROOT / "schemas" / "phift.schema.json"
VALIDATOR = jsonschema.Draft7Validator(json.loads(schema_text()))
BASE = "version: 1\nname: demo\n"


def valid(text: str) -> bool:
    tree, found = parse(BASE + text, "f")
    assert tree is not None
    assert found == []
    return bool(VALIDATOR.is_valid(plain(tree)))


def test_the_file_is_current() -> None:
    assert FILE.read_text() == schema_text(), "run: python -m phift.editor > schemas/phift.schema.json"


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(json.loads(FILE.read_text()))


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_fits(path: Path) -> None:
    tree, _ = read(path)
    assert tree is not None
    assert [error.message for error in VALIDATOR.iter_errors(plain(tree))] == []


@pytest.mark.parametrize(
    "text",
    [
        'finetune: {instance_count: "{{ vars.n }}", model_defaults: "{{ vars.m }}", retries: 2}',
        'protect: "{{ target.local }}"',
        "data: {train: azureml:d:1, test: {path: x, take: 5%}, sample: {path: x, take: 3}}",
        "base_model: {registry: azureml, name: x, label: latest}",
        "compute: {finetune: azureml:gpu, other_steps: serverless:Standard_D12_v2}",
        "compute: {finetune: {name: gpu, size: s, azure: {anything: [1]}}}",
        "model: azureml:m:1",
        "x-shared: [1, {a: }]",
        "deployment: {instance_type: s, instance_count: {initial: 2}, environment_variables: {A: {secret: env:B}}}",
        "targets: {local: , prod: {default: true, compute: {finetune: {max_instances: 3, tier: null}}, vars: {a: 1}}}",
    ],
)
def test_what_it_takes(text: str) -> None:
    assert valid(text)


@pytest.mark.parametrize(
    "text",
    [
        "finetun: {}",
        "shared-x: {}",
        "finetune: {x-shared: 1}",
        "finetune: {instance_count: two}",
        "finetune: {instance_count: 0}",
        "finetune: {model_defaults: fil}",
        "compute: {finetune: {name: gpu}}",
        "compute: {finetune: gpu}",
        "tags: {a: 1}",
        "targets: {prod: {name: other}}",
        "targets: {prod: {finetune: {retrys: 1}}}",
        "deployment: {instance_type: s, environment_variables: {A: {secrt: env:B}}}",
    ],
)
def test_what_it_refuses(text: str) -> None:
    assert not valid(text)


def blocks() -> list[type[BaseModel]]:
    """Every block of a spec, as its module has it."""
    folder = Path(kinds.__file__).parent
    files = sorted(path for name in ("spec", "messages", "rollout") for path in folder.glob(f"*/{name}.py"))
    modules = [importlib.import_module(f"phift.kinds.{path.parent.name}.{path.stem}") for path in files]
    found = {v for m in modules for v in vars(m).values() if isinstance(v, type) and issubclass(v, BaseModel)}
    return sorted(found, key=lambda block: block.__name__)


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.__name__)
def test_a_field_without_a_value_is_a_finding_at_most(block: type[BaseModel]) -> None:
    """A constraint behind a validator would be applied to null, and end in a TypeError."""
    for name, field in block.model_fields.items():
        with contextlib.suppress(ValidationError):
            block.model_validate({field.alias or name: None})
