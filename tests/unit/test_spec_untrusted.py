"""What a spec may read: the environment by name, and the files of its repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from phift.diagnostics import LISTED
from phift.errors import InvalidSpecError
from phift.spec import load, load_all
from phift.spec.environment import PREFIXES, READABLE, Environment

SPEC = """\
version: 1
name: demo
base_model: azureml://registries/azureml/models/Phi-4/labels/latest
data: {train: {path: train.jsonl}}
compute: {finetune: {name: gpu, size: Standard_NC24ads_A100_v4, max_instances: 2}}
finetune: {parameters: {max_steps: 3}}
"""
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """In a repository of its own."""

    def to(more: str, name: str = "stacks/spec.yaml", text: str = SPEC) -> Path:
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + more)
        (tmp_path / "work" / ".git").mkdir(exist_ok=True)
        return path

    return to


def refused(path: Path, **options: object) -> InvalidSpecError:
    with pytest.raises(InvalidSpecError) as error:
        load(path, **{"environ": {}, **options})  # type: ignore[arg-type]
    return error.value


def test_the_list_is_the_documented_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
    assert [name for name in (*READABLE, *PREFIXES) if name not in page] == []


@pytest.mark.parametrize("name", [*READABLE, "PHIFT_VAR_X", "BUILD_BUILDID"])
def test_what_says_where_it_runs_is_read(write: Write, name: str) -> None:
    path = write(f'description: "{{{{ env.{name} }}}}"\n')
    assert load(path, environ={name: "v"}).spec.description == "v"


@pytest.mark.parametrize(
    "expression", ["env.X", "env['X']", "env[vars.name]", "env.X | default('d')", "env.X if true else 1", "env.X ~ 'a'"]
)
def test_all_else_needs_a_word_of_the_command_line(write: Write, expression: str) -> None:
    path = write(f'vars: {{name: X}}\ndescription: "{{{{ {expression} }}}}"\n')
    for environ in ({}, {"X": "v"}):
        (found,) = refused(path, environ=environ).diagnostics
        assert found.code == "env-not-allowed"
        assert "--allow-env X" in found.remedy
        assert found.mark is not None
    assert load(path, environ={"X": "v"}, allow_env=["X"]).env_names == ("X",)
    assert load(path, environ={"X": "v", "PHIFT_ALLOW_ENV": "Y, X"}).env_names == ("X",)


def test_a_variable_that_may_not_be_read_is_not_suggested() -> None:
    environment = Environment({"AZURE_LOCATION": "x", "AZURE_CLIENT_SECRET": "s", "SECRET": "s"})
    assert environment.names() == ["AZURE_LOCATION"]


def test_a_target_that_is_not_meant_needs_no_word(write: Write) -> None:
    path = write('targets: {local: {default: true}, prod: {description: "{{ env.X }}"}}\n')
    assert load(path, environ={}).stack == "demo"
    assert refused(path, target="prod").diagnostics[0].code == "env-not-allowed"


def test_a_value_that_is_no_text_is_told(write: Write) -> None:
    path = write('vars: {a: 1}\ndescription: "{{ env.USER }}{{ vars.a }}"\n')
    assert "not UTF-8" in refused(path, environ={"USER": "\udcff"}).diagnostics[0].summary
    assert "not UTF-8" in refused(path, variables={"a": "\udcff"}).diagnostics[0].summary


def test_bases_and_variable_files_lie_in_the_repository(write: Write, tmp_path: Path) -> None:
    (tmp_path / "out.yaml").write_text("password: hunter2\n")
    write("tags: {from: base}\n", "common/base.yaml", "")
    (tmp_path / "work" / "link.yaml").symlink_to("../out.yaml")
    path = write("extends: ../common/base.yaml\n")
    assert load(path, environ={}).spec.tags == {"from": "base"}
    for base in ("../../out.yaml", str(tmp_path / "out.yaml"), "../link.yaml"):
        (found,) = refused(write(f"extends: {base}\n")).diagnostics
        assert found.code == "file-outside"
        assert found.path == "extends"
    path = write("vars: {password: none}\n")
    for file in (tmp_path / "out.yaml", tmp_path / "work" / "link.yaml"):
        (found,) = refused(path, variable_files=[file]).diagnostics
        assert found.code == "file-outside"
        assert "hunter2" not in repr(found)


def test_without_git_it_is_the_folder_above(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    for place, extended in ((folder.parent, True), (tmp_path, False)):
        (place / "base.yaml").write_text("tags: {from: base}\n")
        path = folder / "spec.yaml"
        path.write_text(f"{SPEC}extends: {place / 'base.yaml'}\n")
        if extended:
            assert load(path, environ={}).spec.tags == {"from": "base"}
        else:
            assert refused(path).diagnostics[0].code == "file-outside"


@pytest.mark.parametrize("name", ["secrets.txt", ".env", "id_rsa"])
def test_nothing_of_another_file_is_told(write: Write, tmp_path: Path, name: str) -> None:
    content = "daemon:x:0:0\npassword: hunter2\n  bad\n- indent: hunter2"
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / name).write_text(content)
    (tmp_path / "work" / "link.yaml").symlink_to(name)
    path = write("vars: {a: 1}\n")
    for error in (
        refused(write(f"extends: ../{name}\n", "stacks/a.yaml")),
        refused(write("extends: ../link.yaml\n", "stacks/b.yaml")),
        refused(path, variable_files=[tmp_path / "work" / name]),
        refused(path, variable_files=[tmp_path / "work" / "link.yaml"]),
        refused(tmp_path / "work" / "link.yaml"),
    ):
        assert [d.code for d in error.diagnostics] == ["file-suffix"]
        assert "hunter2" not in repr(error.diagnostics)
        assert "daemon" not in repr(error.diagnostics)


def test_a_spec_that_is_a_link_must_not_leave_its_repository(write: Write, tmp_path: Path) -> None:
    write("")
    (tmp_path / "work" / "same.yaml").symlink_to("stacks/spec.yaml")
    assert load(tmp_path / "work" / "same.yaml", environ={}).stack == "demo"
    outside = tmp_path / "outside.yaml"
    outside.write_text(SPEC)
    (tmp_path / "work" / "out.yaml").symlink_to(outside)
    assert refused(tmp_path / "work" / "out.yaml").diagnostics[0].code == "file-outside"


def test_findings_are_told_up_to_a_number(write: Write) -> None:
    path = write("".join(f"key{n}: 1\n" for n in range(LISTED + 10)))
    found = refused(path).diagnostics
    assert len(found) == LISTED + 1
    assert found[-1].summary == "10 more errors like these"
    assert found[-1].mark is not None
    assert found[0].mark is not None
    assert found[0].mark.line < found[-1].mark.line


def test_stacks_are_counted_before_they_are_made(write: Write) -> None:
    path = write("matrix: {a: [1, 2, 3], b: [1, 2]}\ntargets: {local: {default: true}, prod: {}}\n")
    assert len(load_all(path, environ={}, max_stacks=12)) == 6
    with pytest.raises(InvalidSpecError) as error:
        load_all(path, environ={}, max_stacks=11)
    (found,) = error.value.diagnostics
    assert found.summary == "the spec defines 6 combinations on 2 targets; a run has at most 11 stacks"
    assert found.remedy == "Split the spec, or raise the limit: --max-stacks 12."
    big = write(f"tags: {{{', '.join(f't{n}: x' for n in range(3000))}}}\nmatrix: {{a: [1, 2]}}\n")
    with pytest.raises(InvalidSpecError, match=r"of 30\d\d values each"):
        load_all(big, environ={}, max_stacks=10)
