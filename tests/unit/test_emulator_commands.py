"""The text of a command, its sandbox and its process, as functions."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from phift.emulator.runtime.commands import sandbox
from phift.emulator.runtime.commands.process import CommandFile
from phift.emulator.runtime.commands.sandbox import Sandbox, find_sandbox
from phift.emulator.runtime.commands.substitution import Reference, references, substitute

VALUES = {"inputs": {"a": "1", "group.b": "two words"}, "outputs": {"o": "/out"}, "search_space": {"lr": "0.1"}}


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("x ${{inputs.a}} ${{ outputs.o }}", "x 1 /out"),
        ("x ${{inputs.group.b}}", "x two words"),
        ("x ${{inputs.a.path}}", "x 1"),
        ("x ${{search_space.lr}}", "x 0.1"),
        ("x $[[--a ${{inputs.a}}]] $[[--n ${{inputs.none}}]]!", "x --a 1 !"),
        ("x $[[plain]] $HOME ${A}", "x plain $HOME ${A}"),
        ("x ${{inputs.a}}${{inputs.a}}", "x 11"),
    ],
)
def test_expressions_are_replaced(command: str, text: str) -> None:
    assert substitute(command, VALUES) == text


def test_values_are_not_read_again() -> None:
    assert substitute("${{inputs.a}}", {"inputs": {"a": "${{inputs.a}}$[[x]]"}}) == "${{inputs.a}}$[[x]]"


def test_an_expression_without_a_value_is_an_error_outside_of_sections() -> None:
    with pytest.raises(KeyError):
        substitute("${{inputs.none}}", VALUES)


def test_references_know_whether_they_are_optional() -> None:
    found = references("$[[--n ${{inputs.n}}]] ${{inputs.a}} ${{outputs.o}} ${{parent.x}}")
    assert found == [Reference("inputs", "a"), Reference("outputs", "o"), Reference("inputs", "n", optional=True)]


# the process


def test_the_process_ends_as_its_command_does(tmp_path: Path) -> None:
    file = tmp_path / "command.json"
    CommandFile(["sh", "-c", "pwd; exit 7"], str(tmp_path)).write(file)
    command = [sys.executable, "-m", "phift.emulator.runtime.commands.process", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (7, str(tmp_path))
    CommandFile(["sh", "-c", "kill -9 $$"], str(tmp_path)).write(file)
    assert subprocess.run(command, capture_output=True, check=False).returncode == 137
    CommandFile(["/no/such/shell"], str(tmp_path)).write(file)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "cannot be started" in done.stderr) == (127, True)


# the sandbox

BWRAP = """#!{python}
import json, os, sys
arguments = sys.argv[1:]
if {broken}:
    sys.exit("bwrap: No permissions to create a new namespace")
with open({record!r}, "w") as stream:
    json.dump(arguments, stream)
command = arguments[arguments.index("--") + 1:]
os.execvp(command[0], command)
"""


def fake_bwrap(folder: Path, monkeypatch: pytest.MonkeyPatch, *, broken: bool = False) -> Path:
    """A program in place of bwrap that records its arguments and runs the command without a sandbox."""
    program = folder / "bin" / "bwrap"
    program.parent.mkdir()
    record = folder / "record.json"
    program.write_text(BWRAP.format(python=sys.executable, broken=broken, record=str(record)))
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    find_sandbox.cache_clear()
    return record


@pytest.fixture(autouse=True)
def probe_again() -> object:
    yield
    find_sandbox.cache_clear()


def test_bwrap_that_works_is_used_with_a_writable_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = fake_bwrap(tmp_path, monkeypatch)
    found = find_sandbox()
    assert found.program.endswith("bin/bwrap")
    folder = tmp_path / "job"
    monkeypatch.setattr(sandbox, "_under_tmp", lambda folder: False)
    arguments = found.arguments(["sh", "-c", "true"], folder, folder / "wd")
    subprocess.run(arguments, check=True)
    used = json.loads(record.read_text())
    assert used[:3] == ["--ro-bind", "/", "/"]
    assert [used[at + 1 : at + 3] for at, word in enumerate(used) if word == "--bind"] == [
        [str(folder), str(folder)],
        [str(folder / "tmp"), "/tmp"],
    ]
    assert {"--die-with-parent", "--unshare-pid"} <= set(used)
    assert "--unshare-net" not in used
    assert found.variables(folder) == {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
    assert "sandbox (bwrap)" in found.text


def test_bwrap_that_does_not_work_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_bwrap(tmp_path, monkeypatch, broken=True)
    found = find_sandbox()
    assert found == Sandbox("")
    assert found.arguments(["sh"], tmp_path, tmp_path) == ["sh"]
    assert found.variables(tmp_path) == {}
    assert "without a sandbox" in found.text
