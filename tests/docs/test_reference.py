"""The generated pages of docs/reference are current and complete."""

from __future__ import annotations

import jsonschema
import pytest
import yaml

from docs.generate import GENERATED, ROOT
from docs.generate.commands import commands
from docs.generate.examples import BY_NAME, EXAMPLES
from docs.generate.spec import Field, example, fields, schemas
from phift.kinds.registry import KINDS


def by_path() -> dict[str, Field]:
    return {field.path: field for field in fields()}


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_current(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == GENERATED[name](), "run: python -m docs.generate"


def test_every_field_has_a_description_and_an_example() -> None:
    assert [field.path for field in fields() if not field.description] == []
    assert [field.path for field in fields() if not example(field) and not field.refs] == []


def test_the_examples_have_the_type_of_their_field() -> None:
    wrong = []
    for field in fields():
        if not (text := example(field)):
            continue
        validator = jsonschema.Draft7Validator({**field.body, "definitions": schemas()})
        content = yaml.safe_load(text)
        accepted = (content, str(content)) if field.path.startswith(("version", "data.from.take")) else (content,)
        if not any(validator.is_valid(value) for value in accepted):
            wrong.append(f"{field.path}: {text}")
    assert wrong == []


def test_no_example_is_of_an_unknown_field() -> None:
    paths = by_path()
    assert set(EXAMPLES) - set(paths) - {f"{field.block}.{field.name}" for field in fields()} == set()
    assert set(BY_NAME) - {field.name for field in paths.values()} == set()


def test_every_block_has_a_section() -> None:
    named = {reference for field in fields() for reference, _ in field.refs}
    assert set(schemas()) - named - {"Spec"} == set()


def test_every_command_and_option_has_a_line() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    for path, command, _ in commands():
        assert f"# {path}\n" in page
        for parameter in command.params:
            assert all(option in page for option in (*parameter.opts, *parameter.secondary_opts) if option[:1] == "-")


def test_every_command_is_on_the_page_of_commands() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    rows = "\n".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    top = {path.split()[1] for path, _, _ in commands()}
    assert {name for name in top if f"`{name}`" not in rows} == set()


def test_every_kind_has_a_section() -> None:
    page = (ROOT / "docs" / "reference" / "kinds.md").read_text(encoding="utf-8")
    assert [name for name in KINDS if f"\n## {name}\n" not in page] == []
