"""What phift prints in a workflow or a pipeline: names and answers of strangers are never commands of it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from phift.cli.pipelines import guard_streams

_COMMAND = re.compile(r"^\s*::(?!error )|##\[", re.MULTILINE)
"""What the runner of GitHub Actions executes, besides annotations of errors."""


@pytest.mark.parametrize(
    ("variable", "text", "shown"),
    [
        ("TF_BUILD", "a ##vso[task.complete]\n", "a ## vso[task.complete]\n"),
        ("GITHUB_ACTIONS", "a ##vso[task.complete]\n", "a ##vso[task.complete]\n"),
        ("GITHUB_ACTIONS", "a ##[set-output name=x]y\n", "a ## [set-output name=x]y\n"),
        ("GITHUB_ACTIONS", "a\n \u00a0::add-mask::x\n", "a\n \u00a0: :add-mask::x\n"),
        ("GITHUB_ACTIONS", "::error::x", ": :error::x"),
        ("GITHUB_ACTIONS", "::error file=a.yaml,line=1,col=1::x", "::error file=a.yaml,line=1,col=1::x"),
        ("GITHUB_ACTIONS", "a::b ##c", "a::b ##c"),
        ("", "::add-mask::x ##[debug]", "::add-mask::x ##[debug]"),
    ],
)
def test_commands_are_broken(variable: str, text: str, shown: str) -> None:
    stream = io.StringIO()
    guard_streams({variable: "true"}, stream)
    stream.write(text)
    assert stream.getvalue() == shown


def test_a_document_written_to_a_file_is_not_changed(tmp_path: Path) -> None:
    with open(tmp_path / "plan.json", "w", encoding="utf-8") as stream:
        guard_streams({"GITHUB_ACTIONS": "true"}, stream)
        stream.write("##[x]")
    assert (tmp_path / "plan.json").read_text(encoding="utf-8") == "##[x]"


@pytest.mark.parametrize("format", ["text", "github", "json"])
def test_a_file_name_is_no_command(format: str, tmp_path: Path) -> None:
    for name in ("::add-mask::x", "##[set-output name=changes]true", "a\n::add-mask::x"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "phift.yaml").write_text("version: 1\nname: chat\nbogus: 1\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "phift", "validate", "**/phift.yaml", "--format", format],
        cwd=tmp_path,
        env={**os.environ, "GITHUB_ACTIONS": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "bogus" in done.stdout + done.stderr
    assert not _COMMAND.search(done.stdout + done.stderr)
