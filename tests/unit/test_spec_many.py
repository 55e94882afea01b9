"""One file, several stacks; one stack, several files."""

from __future__ import annotations

from pathlib import Path

import pytest

from phift.errors import InvalidSpecError
from phift.spec import LoadedSpec, load, load_all

BASE = """\
version: 1
name: chat
base_model: azureml://registries/azureml/models/Phi-4/labels/latest
data:
  train: {path: data/train.jsonl}
compute:
  finetune: {name: gpu, size: Standard_NC24ads_A100_v4, max_instances: 2}
finetune:
  parameters: {num_train_epochs: 1, learning_rate: "{{ vars.rate }}"}
vars: {rate: 0.1}
targets:
  local: {default: true}
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def with_matrix(folder: Path, matrix: str) -> Path:
    return write(folder, "spec.yaml", BASE + f"matrix: {matrix}\n")


def summaries(path: Path, **options: object) -> str:
    with pytest.raises(InvalidSpecError) as refused:
        load_all(path, **options)  # type: ignore[arg-type]
    return "\n".join(f"{d.mark}: {d.summary} {d.remedy}" for d in refused.value.diagnostics)


def rate(loaded: LoadedSpec) -> object:
    assert loaded.spec.finetune is not None
    return loaded.spec.finetune.parameters["learning_rate"]


def test_a_matrix_makes_a_stack_for_each_combination(tmp_path: Path) -> None:
    found = load_all(with_matrix(tmp_path, "{rate: [5e-6, 1e-5], size: [Small, big]}"))
    assert [s.stack for s in found] == ["chat-5e-06-small", "chat-5e-06-big", "chat-1e-05-small", "chat-1e-05-big"]
    assert [rate(s) for s in found] == [5e-6, 5e-6, 1e-5, 1e-5]
    assert len({s.digest for s in found}) == 4
    assert str(found[0].origins["finetune.parameters.learning_rate"]) == "var rate"
    assert all(s.spec.matrix is None for s in found)


def test_a_target_ends_the_name(tmp_path: Path) -> None:
    path = write(tmp_path, "spec.yaml", BASE + "  prod: {vars: {rate: 0.7}}\nmatrix: {rate: [1e-5]}\n")
    (found,) = load_all(path, target="prod")
    assert found.stack == "chat-1e-05-prod"
    assert rate(found) == 1e-5, "a combination wins over the target"
    assert found.siblings == {"chat-1e-05", "chat-1e-05-local", "chat-1e-05-prod"}


def test_a_variable_picks_a_combination(tmp_path: Path) -> None:
    path = with_matrix(tmp_path, '{rate: [5e-6, 1e-5], size: ["1", "2"]}')
    one = load(path, variables={"rate": "0.00001", "size": '"2"'})
    assert one.stack == "chat-1e-05-2"
    again = load(path, variables=one.cell.variables)
    assert again.stack == one.stack
    assert again.digest == one.digest
    with pytest.raises(InvalidSpecError, match="defines 2 stacks; this command needs one: chat-5e-06-1, chat-5e-06-2"):
        load(path, variables={"rate": "5e-6"})
    assert "matrix.rate has no value 7 Values: 5e-06, 1e-05." in summaries(path, variables={"rate": "7"})


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        ("[1]", "must be a mapping"),
        ("{rate: 1}", "matrix.rate must be a list of values"),
        ("{rate: [{a: 1}]}", "a value must be a number, text"),
        ("{rate: ['{{ vars.x }}']}", "without templates"),
        ("{rate: ['+']}", "contains no letter or digit"),
        ("{rate: [a, A]}", "two values both become a"),
        ("{a: [x, x-y], b: [y-z, z]}", "have the same name: ...-x-y-z"),
        (f"{{rate: [{'a' * 60}]}}", "has 65 characters"),
    ],
)
def test_what_no_matrix_can_be_is_said(tmp_path: Path, matrix: str, said: str) -> None:
    assert said in summaries(with_matrix(tmp_path, matrix))


def test_a_spec_lies_over_those_it_extends(tmp_path: Path) -> None:
    write(tmp_path, "shared/base.yaml", BASE)
    write(tmp_path, "shared/more.yaml", "tags: {team: a, kept: b}\nfinetune: {parameters: {num_train_epochs: 2}}\n")
    path = write(
        tmp_path,
        "specs/mine.yaml",
        "extends: [../shared/base.yaml, ../shared/more.yaml]\n"
        "name: mine\ntags: {team: null, own: c}\nvars: {rate: 0.3}\n",
    )
    found = load(path)
    assert found.stack == "mine"
    assert found.spec.tags == {"kept": "b", "own": "c"}
    assert found.spec.finetune is not None
    assert found.spec.finetune.parameters == {"num_train_epochs": 2, "learning_rate": 0.3}
    assert found.spec.data is not None
    assert found.spec.data.splits["train"].path == "../shared/data/train.jsonl"
    assert found.spec.extends is None
    mark = found.mark("finetune.parameters.num_train_epochs")
    assert mark is not None
    assert (Path(mark.file).name, mark.line) == ("more.yaml", 2)


@pytest.mark.parametrize(
    "address", ["https://example.org/a.jsonl", "azureml://datastores/d/paths/a.jsonl", "wasbs://c@a.org/a.jsonl"]
)
def test_an_address_is_relative_to_no_folder(tmp_path: Path, address: str) -> None:
    write(tmp_path, "shared/base.yaml", BASE.replace("path: data/train.jsonl", f'path: "{address}"'))
    found = load(write(tmp_path, "specs/mine.yaml", "extends: ../shared/base.yaml\nname: mine\n"))
    assert found.spec.data is not None
    assert found.spec.data.splits["train"].path == address


def test_an_error_is_told_where_it_is_written(tmp_path: Path) -> None:
    write(tmp_path, "base.yaml", BASE.replace("max_instances: 2", "max_instance: 2"))
    path = write(tmp_path, "mine.yaml", "extends: base.yaml\nname: mine\n")
    said = summaries(path)
    assert "base.yaml:7:" in said
    assert "max_instance" in said


def test_a_circle_is_refused_by_its_files(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "extends: b.yaml\n")
    write(tmp_path, "b.yaml", "extends: a.yaml\n")
    assert "circular `extends`: a.yaml -> b.yaml -> a.yaml" in summaries(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("extends", "said"),
    [
        ("nowhere.yaml", "nowhere.yaml: no such file"),
        ("{a: b}", "extends must be a path"),
        ('"{{ vars.x }}.yaml"', "without templates"),
    ],
)
def test_what_cannot_be_extended_is_said(tmp_path: Path, extends: str, said: str) -> None:
    assert said in summaries(write(tmp_path, "spec.yaml", BASE + f"extends: {extends}\n"))
