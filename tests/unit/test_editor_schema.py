"""The JSON schema that editors use: descriptions of all keys and values, and that it accepts what phift accepts."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from drawn_specs import Draw

from phift.catalog import component, models
from phift.catalog.rules import broken
from phift.editor import SCHEMA_FILE, SCHEMA_ID, json_schema
from phift.editor.parameters import SUPPORTED, texts
from phift.errors import PhiftError
from phift.kinds.job.component import managed_input
from phift.phases.validate_specs import validate
from phift.spec import load_all
from phift.spec.tree import plain
from phift.spec.yaml12 import parse, read

ROOT = Path(__file__).parents[2]
SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
SPECS = sorted(p for p in (ROOT / "tests").rglob("*.yaml") if "version: 1\n" in p.read_text(encoding="utf-8"))
FREE = ("azure", "vars", "matrix", "conda_file")
VALUES: tuple[Any, ...] = (
    0, 1, -1, 2, 8.5, 1e3, 5e-6, 0.999, 1.0, 16, 32, 2**40, True, False, "true", "True", "no", "5e-6", "16", "x", "",
    "adafactor", "cosine", "epoch", "disable", "f1", "mcc", [1], {"path": "ds.json"}, {"type": "uri_file", "path": "f"},
    {"paths": "x"},
)  # fmt: skip


def below(schema: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping of the schema, with its place."""
    if isinstance(schema, dict):
        yield at, schema
        for key, value in schema.items():
            yield from below(value, f"{at}/{key}")
    elif isinstance(schema, list):
        for number, value in enumerate(schema):
            yield from below(value, f"{at}/{number}")


def problems(text: str) -> list[str]:
    tree, _ = parse(text, "f")
    assert tree is not None
    return [error.message for error in VALIDATOR.iter_errors(plain(tree))]


def test_its_name_is_stable() -> None:
    """Editors and files refer to both."""
    assert SCHEMA["$id"] == SCHEMA_ID == "urn:phift:spec:1/phift.schema.json"
    assert SCHEMA_FILE == "phift.schema.json"


def test_it_refers_to_nothing_else() -> None:
    """An editor must not need a network."""
    references = {part["$ref"] for _, part in below(SCHEMA) if isinstance(part.get("$ref"), str)}
    assert references
    assert {r.removeprefix("#/definitions/") for r in references} <= set(SCHEMA["definitions"])


def test_every_key_is_described() -> None:
    """Conditions apart, which have no title but ""."""
    silent = [
        f"{at}/properties/{key}"
        for at, part in below(SCHEMA["definitions"])
        for key, body in (part.get("properties") or {}).items()
        if isinstance(body, dict)
        and not body.get("description")
        and part.get("title") != ""
        and body.get("title") != ""
    ]
    assert silent == []


def test_every_value_of_an_enumeration_is_described() -> None:
    enums = [
        (at, part) for at, part in below(SCHEMA) if isinstance(part.get("enum"), list) and "propertyNames" not in at
    ]
    assert len(enums) > 50
    assert [at for at, part in enums if len(part.get("enumDescriptions", ())) != len(part["enum"])] == []
    assert [at for at, part in enums if not all(part["enumDescriptions"])] == []


def test_a_pattern_has_a_message() -> None:
    """An editor would quote the pattern."""
    patterns = [(at, part) for at, part in below(SCHEMA) if isinstance(part.get("pattern"), str)]
    hidden = [part for _, part in patterns if part.get("title") == "" or part.get("description") == ""]
    assert len(hidden) < len(patterns)
    assert [at for at, part in patterns if "errorMessage" not in part and part not in hidden] == []


def test_no_title_appears_in_hovers() -> None:
    assert {part["title"] for _, part in below(SCHEMA) if isinstance(part.get("title"), str)} == {""}


@pytest.mark.parametrize("name", SUPPORTED)
def test_the_texts_are_those_of_the_inputs(name: str) -> None:
    known = component(name)
    assert known is not None
    for declared in known.inputs.values():
        if managed_input(declared.name) is None:
            text = texts()[declared.name]
            assert text["text"].endswith(".")
            if declared.enum and not declared.is_flag:
                assert set(declared.enum) <= set(text["values"])


def test_no_text_is_of_another_input() -> None:
    inputs = {name for one in SUPPORTED if (known := component(one)) for name in known.inputs}
    assert set(texts()) <= inputs


@pytest.mark.parametrize("name", SUPPORTED)
def test_parameters_are_accepted_as_phift_accepts_them(name: str) -> None:
    known = component(name)
    assert known is not None
    reference = f"azureml://registries/azureml/components/{name}/labels/latest"
    for declared, value in itertools.product(known.inputs.values(), VALUES):
        if managed_input(declared.name) is not None:
            continue
        spec = {
            "version": 1,
            "name": "demo",
            "finetune": {"component": reference, "parameters": {declared.name: value}},
        }
        assert VALIDATOR.is_valid(spec) == accepted(declared, value), (declared.name, value)


def accepted(declared: Any, value: Any) -> bool:
    """Whether phift accepts the value, whatever the other parameters are."""
    if isinstance(value, list):
        return False
    if isinstance(value, dict):
        if "path" not in value:
            return False
        return bool(declared.type == "uri_file")
    if not declared.is_literal:
        return isinstance(value, str)
    if declared.check(value, text_numbers=True):
        return False
    rules = [] if isinstance(value, str) else broken({declared.name: declared.canonical(value)})
    return all(rule.when or rule.severity != "error" for rule in rules)


def test_what_a_model_recommends_is_its_default() -> None:
    """Except what the component does not accept, which phift ignores too."""
    groups = [body["properties"] for name, body in SCHEMA["definitions"].items() if name.startswith("recommended.")]
    assert len(groups) > 10
    assert {5e-6, 2e-5} <= {group["learning_rate"]["default"] for group in groups if "learning_rate" in group}
    assert {group["precision"]["default"] for group in groups if "precision" in group} == {16}
    for group, (name, known) in itertools.product(groups, ((n, component(n)) for n in SUPPORTED)):
        given = {key: body["default"] for key, body in group.items() if known and key in known.inputs}
        reference = f"azureml://registries/azureml/components/{name}/labels/latest"
        spec = {"version": 1, "name": "demo", "finetune": {"component": reference, "parameters": given}}
        assert VALIDATOR.is_valid(spec)
    assert any(model.defaults.get("precision") in (4, "4") for model in models().values())


def test_what_phift_accepts_is_accepted() -> None:
    agreed = 0
    for path in SPECS:
        try:
            load_all(path)
        except PhiftError:
            continue  # wrong by intention, or it needs variables
        agreed += 1
        tree, _ = read(path)
        assert tree is not None
        assert [f"{path}: {error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(plain(tree))] == []
    assert agreed > 50


def test_drawn_specs_that_phift_accepts_are_accepted(tmp_path: Path) -> None:
    draw, path, agreed = Draw(random.Random(7)), tmp_path / "spec.yaml", 0
    for _ in range(80):
        spec = draw.spec()
        path.write_text(yaml.safe_dump(spec, allow_unicode=True), encoding="utf-8")
        try:
            load_all(path)
        except PhiftError:
            continue
        agreed += 1
        assert [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(spec)] == []
    assert agreed > 30


def test_a_component_in_the_base_of_a_spec_is_not_guessed() -> None:
    text = "version: 1\n{}finetune: {{parameters: {{lora_r: 0.5}}}}\n"
    assert problems(text.format("name: demo\n"))
    assert problems(text.format("extends: base.yaml\n")) == []


@pytest.mark.parametrize(
    ("version", "valid"), [("labels/latest", True), ("versions/0.0.82", False), ("versions/0.0.1", True)]
)
def test_an_unknown_parameter_is_valid_where_validate_only_warns(tmp_path: Path, version: str, valid: bool) -> None:
    text = (
        "version: 1\nname: demo\nbase_model: azureml://registries/azureml/models/Phi-4/versions/8\n"
        "data: {train: {path: train.jsonl}}\ncompute: {finetune: azureml:gpu}\nfinetune:\n  component: "
        f"azureml://registries/azureml/components/chat_completion_pipeline/{version}\n"
        "  parameters: {learning_rat: 1}\n"
    )
    assert (problems(text) == []) is valid
    path = tmp_path / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    (found,) = validate([path], data=False)
    assert found.valid is valid


def test_it_is_not_too_large() -> None:
    """An editor reads it whenever it starts, and a project keeps a copy."""
    assert len(json.dumps(SCHEMA)) < 400_000
