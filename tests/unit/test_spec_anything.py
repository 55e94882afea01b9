"""Any value anywhere: a spec either loads, renders and has a digest, or it is explained with places."""

from pathlib import Path

import pytest

from phift.errors import InvalidSpecError
from phift.spec import LoadedSpec, load, render_yaml
from phift.spec.tree import plain
from phift.spec.yaml12 import parse

LINES = (Path(__file__).parents[2] / "configs" / "phi3-ultrachat.yaml").read_text().splitlines()
PLACES = [number for number, line in enumerate(LINES) if ":" in line and not line.lstrip().startswith("#")]
VALUES = (
    *("", "~", "[]", "{}", '"x"', "3", "-1", "1e400", "true", ".nan", "0x1F", "5%", "2024-01-01", "|\n  text"),
    *("{{ x }}", '"{{ vars.epochs }}"', '"{{ vars.nope }}"', '"{{ vars }}"', '"{{ [1, 2] }}"', '"{{ none }}"'),
    *('"{{ 1 }}a"', '"{% if 1 %}a{% endif %}"', "[1, {a: b}]", "{a: {b: [1]}}", "{secret: env:X}", "&a [*a]", "*zz"),
    *('"${{keyvault:u}}"', "azureml:a:1", "serverless:x", "!!binary aa", '"\\0"', "{? a}", "- b", "@x"),
)


def outcome(path: Path) -> LoadedSpec | InvalidSpecError:
    try:
        return load(path, environ={"AZURE_SUBSCRIPTION_ID": "s"})
    except InvalidSpecError as error:
        return error


def explained(error: InvalidSpecError, path: Path) -> None:
    assert error.diagnostics
    for found in error.diagnostics:
        assert found.mark is not None
        assert found.mark.file == str(path)
        assert "\n" not in found.summary
        assert "Broken" not in found.summary


def whole(loaded: LoadedSpec) -> None:
    rendered, wrong = parse(render_yaml(loaded), "rendered")
    assert wrong == []
    assert rendered is not None
    assert plain(rendered)["name"] == loaded.spec.name
    assert len(loaded.digest) == 64
    assert set(loaded.origins)


@pytest.mark.parametrize("value", VALUES)
def test_it_is_loaded_or_explained(tmp_path: Path, value: str) -> None:
    path = tmp_path / "spec.yaml"
    for number in PLACES:
        key = LINES[number].partition(":")[0]
        path.write_text("\n".join([*LINES[:number], f"{key}: {value}", *LINES[number + 1 :]]))
        found = outcome(path)
        if isinstance(found, InvalidSpecError):
            explained(found, path)
        else:
            whole(found)
