"""The composite action and the pre-commit hook of the repository: their commands, as GitHub and pre-commit run them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from expressions import filled
from prefork import CLIENT

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
SPEC = "version: 1\nname: small\nmodel: azureml:m:1\nendpoint: {}\ndeployment: {instance_type: Standard_DS3_v2}\n"


def run(step: int, folder: Path, tools: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run a step of the action with bash, as a composite action does."""
    inputs = {name: one.get("default", "") for name, one in ACTION["inputs"].items()}
    assert set(given) <= {name.replace("-", "_") for name in inputs}
    inputs |= {name.replace("_", "-"): value for name, value in given.items()}
    contexts = {"inputs": inputs, "github": {"token": "t", "action_path": "/action"}}
    found = ACTION["runs"]["steps"][step]
    assert "${{" not in found["run"]
    environment = {name: filled(filled(value, contexts), contexts) for name, value in found["env"].items()}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]],
        cwd=folder,
        env={"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Programs that print their arguments, one a line."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("phift", "python"):
        (folder / name).write_text('#!/bin/sh\nprintf "<%s>\\n" "$@"\n', encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"command": "validate"}, "validate --format github --data-root . -- specs"),
        ({"command": "plan", "target": "prod"}, "ci plan --target prod --data-root . -- specs"),
        (
            {"command": "apply", "arguments": "--dry-run\n--key\na b\n", "data_root": ""},
            "ci apply --dry-run --key 'a b' -- specs",
        ),
        ({"command": "drift", "specs": "a b.yaml\n*.yaml\n"}, "ci drift --data-root . -- 'a b.yaml' '*.yaml'"),
        ({"command": "expire"}, "expire --auto-approve --data-root . -- specs"),
        (
            {"command": "plan", "specs": "$(touch x)\n`touch x`\n--help"},
            "ci plan --data-root . -- '$(touch x)' '`touch x`' --help",
        ),
    ],
)
def test_inputs_become_words_and_never_commands(given: dict[str, str], words: str, tmp_path: Path, tools: Path) -> None:
    done = run(2, tmp_path, tools, **{"specs": "specs", **given})
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"<{word}>" for word in shlex.split(words)]
    assert not (tmp_path / "x").exists()


def test_an_unknown_command_is_an_error(tmp_path: Path, tools: Path) -> None:
    done = run(2, tmp_path, tools, command="destroy", specs="specs")
    assert done.returncode == 1
    assert done.stdout.startswith("::error::unknown command")


def test_the_commit_of_the_action_is_installed(tmp_path: Path, tools: Path) -> None:
    assert run(1, tmp_path, tools).stdout.splitlines()[-1] == "</action>"
    assert run(1, tmp_path, tools, install="phift==1").stdout.splitlines()[-1] == "<phift==1>"


def test_the_action_is_pinned_and_complete() -> None:
    assert ACTION["runs"]["using"] == "composite"
    assert [step["uses"] for step in ACTION["runs"]["steps"] if "uses" in step] == [
        "actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405"
    ]
    for step in ACTION["runs"]["steps"]:
        assert "uses" in step or step["shell"] == "bash"
    assert all(one["description"] for one in ACTION["inputs"].values())


def test_it_validates_for_real(tmp_path: Path, server: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tmp_path / "client.py").write_text(CLIENT, encoding="utf-8")
    (tools / "phift").write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{tmp_path}/client.py" "{server}" "$@"\n')
    (tools / "phift").chmod(0o755)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "one.yaml").write_text(SPEC, encoding="utf-8")
    assert run(2, tmp_path, tools, command="validate", specs="specs").returncode == 0
    (tmp_path / "specs" / "one.yaml").write_text(SPEC.replace("model:", "modell:"), encoding="utf-8")
    done = run(2, tmp_path, tools, command="validate", specs="specs")
    assert done.returncode == 1
    assert "::error file=specs/one.yaml,line=3" in done.stdout
    # The hook's command: the files are added by pre-commit.
    words = [*shlex.split(HOOK["entry"]), "specs/one.yaml"]
    hooked = subprocess.run(
        [str(tools / words[0]), *words[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert hooked.returncode == 1
    assert "unknown key" in hooked.stdout + hooked.stderr


@pytest.mark.parametrize(
    ("path", "matches"),
    [
        ("phift.yaml", True),
        ("models/phift.yml", True),
        ("chat.phift.yaml", True),
        ("specs/chat.yaml", True),
        ("team/specs/a/b.yaml", True),
        (".github/workflows/phift.yml", False),
        ("config.yaml", False),
        ("specs/data.jsonl", False),
        ("myphift.yaml", False),
    ],
)
def test_the_hook_is_for_specs(path: str, matches: bool) -> None:
    """pre-commit searches `files` and `exclude` in the path, and requires each of `types`."""
    assert bool(re.search(HOOK["files"], path) and not re.search(HOOK["exclude"], path)) is matches
    assert HOOK["types"] == ["yaml"]
    assert HOOK["language"] == "python"
