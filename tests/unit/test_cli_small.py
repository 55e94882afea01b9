"""Small things of the command line: picking an output, a git ref to compare with, options without their value."""

import subprocess
from pathlib import Path

import pytest

from phift.cli.app import app
from phift.cli.base_ref import removed_specs, rendered_diff
from phift.cli.commands.outputs import pick
from phift.errors import UsageError
from phift.phases import Request
from phift.phases.read_logs import _after

SPEC = """\
version: 1
name: demo
model: azureml:m:1
endpoint: {auth_mode: key}
deployment: {instance_type: Standard_NC24ads_A100_v4, instance_count: "{{ vars.count }}"}
vars: {count: 1}
"""
FOUND = {"endpoint.main": {"name": "e", "scoring_uri": "https://e"}, "deployment.d-1.2": {"instance_count": 1}}


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments], cwd=folder, check=True)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec in a repository of one commit."""
    file = tmp_path / "spec.yaml"
    file.write_text(SPEC)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return file


def test_a_ref_is_compared_by_what_is_rendered(spec: Path) -> None:
    assert rendered_diff(Request(spec), "HEAD") == ""
    spec.write_text("# a remark moves every line\n" + SPEC)
    assert rendered_diff(Request(spec), "HEAD") == ""
    spec.write_text(SPEC.replace("count: 1", "count: 2"))
    lines = rendered_diff(Request(spec), "HEAD").splitlines()
    assert [line for line in lines if line[0] in "+-"] == [
        "--- HEAD",
        "+++ this plan",
        "-  count: 1",
        "+  count: 2",
        "-  instance_count: 1",
        "+  instance_count: 2",
    ]
    with_variable = rendered_diff(Request(spec, variables={"count": "7"}), "HEAD").splitlines()
    assert not [line for line in with_variable if line[0] in "+-" and "instance_count" in line]


def test_a_spec_that_the_ref_has_not_is_all_new(spec: Path) -> None:
    other = spec.with_name("other.yaml")
    other.write_text(SPEC)
    lines = rendered_diff(Request(other), "HEAD").splitlines()
    assert all(line[0] in "+@" for line in lines[1:])


@pytest.mark.parametrize("ref", ["nothing", "--help"])
def test_a_ref_that_is_none_is_told(spec: Path, ref: str) -> None:
    with pytest.raises(UsageError, match="unknown Git ref"):
        rendered_diff(Request(spec), ref)


def test_a_spec_that_is_gone_is_named_and_a_moved_one_is_not(spec: Path) -> None:
    (spec.parent / "folder").mkdir()
    for name in ("a`b", "moved", "folder/c"):
        (spec.parent / f"{name}.yaml").write_text(SPEC.replace("demo", name[0] * 3) * (1 + (name == "moved")))
    (spec.parent / "other.yaml").write_text("name: of another program\n")
    git(spec.parent, "add", ".")
    git(spec.parent, "commit", "-qm", "second")
    assert removed_specs(spec.parent, "HEAD") == ()
    for name in ("a`b", "folder/c", "other"):
        (spec.parent / f"{name}.yaml").unlink()
    git(spec.parent, "mv", "moved.yaml", "folder")
    assert removed_specs(spec.parent / "folder", "HEAD") == ("a`b.yaml", "folder/c.yaml")
    assert removed_specs(spec.parent, "--help") == ()


def test_an_output_is_picked_by_address_and_key() -> None:
    assert pick(FOUND, "endpoint.main") == FOUND["endpoint.main"]
    assert pick(FOUND, "endpoint.main.scoring_uri") == "https://e"
    assert pick(FOUND, "deployment.d-1.2.instance_count") == 1
    with pytest.raises(UsageError, match=r"unknown output endpoint\.main\.nothing") as raised:
        pick(FOUND, "endpoint.main.nothing")
    assert "endpoint.main.scoring_uri" in raised.value.remedy


def test_a_moving_window_of_a_log_tells_each_line_once() -> None:
    assert _after([], ["a", "b"]) == ["a", "b"]
    assert _after(["a", "b"], ["a", "b", "c"]) == ["c"]
    assert _after(["a", "b", "c"], ["b", "c", "d"]) == ["d"]
    assert _after(["a", "b"], ["a", "b"]) == []
    assert _after(["a", "b"], ["x", "y"]) == ["x", "y"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["s", "--deployment"], ""),
        (["--deployment", "-f", "s"], ""),
        (["s", "--deployment", "d-1"], "d-1"),
        (["s"], None),
    ],
)
def test_a_deployment_may_go_without_its_name(words: list[str], wanted: str | None) -> None:
    import typer

    logs = typer.main.get_command(app).get_command(None, "logs")
    context = logs.make_context("logs", words)
    assert context.params["deployment"] == wanted
    assert str(context.params["spec"]) == "s"
