"""Completion: what can follow the words of a command line, and the programs of the shells."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phift.cli.completion import Shell, answer, complete, script

SPEC = """\
version: 1
name: one
vars: {epochs: 3}
matrix: {size: [1, 2]}
data: {train: {path: a.jsonl}, sample: {path: a.jsonl}}
base_model: azureml:a:1
finetune: {parameters: {num_train_epochs: "{{ undefined( }}"}}
deployment: {instance_type: s}
targets: {local: {default: true}, prod: {tests: {smoke: {rows: 1}}}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "phift.yaml").write_text(SPEC)
    (tmp_path / "other.yaml").write_text(SPEC.replace("prod", "staging"))
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    (tmp_path / "plan.json").write_text("{}\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/deep.yaml").write_text(SPEC)
    return tmp_path


def after(*words: str) -> list[str]:
    return [one.word for one in complete(words)]


ADDRESSES = ["data.train", "job.finetune", "model.finetuned", "endpoint.main", "deployment.main", "traffic.main"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["pl"], ["plan"]),
        (["--v"], ["--version"]),
        (["data", "pr"], ["preview", "prepare"]),
        (["emulator", "weights", ""], ["add", "list", "remove"]),
        (["help", "data", "st"], ["stats"]),
        (["plan", ""], ["other.yaml", "phift.yaml", "sub/"]),
        (["apply", "p"], ["phift.yaml", "plan.json"]),
        (["plan", "sub/"], ["sub/deep.yaml"]),
        (["validate", "phift.yaml", "o"], ["other.yaml"]),
        (["plan", "--tar"], ["--target"]),
        (["plan", "-t", ""], ["local", "prod"]),
        (["plan", "other.yaml", "--target", ""], ["local", "staging"]),
        (["plan", "--target=p"], ["--target=prod"]),
        (["plan", "--select", ""], ADDRESSES),
        (["plan", "-t", "prod", "--select", "te"], ["test.smoke"]),
        (["plan", "--replace", "job"], ["job.finetune"]),
        (["apply", "--var", ""], ["epochs=", "size="]),
        (["plan", "--format", "s"], ["sarif"]),
        (["plan", "--out", "plan"], ["plan.json"]),
        (["data", "preview", ""], ["other.yaml", "phift.yaml", "sub/", "train", "sample"]),
        (["data", "preview", "phift.yaml", ""], ["train", "sample"]),
        (["outputs", "phift.yaml", "endpoint"], ["endpoint.main"]),
        (["explain", "yaml-d"], ["yaml-depth", "yaml-documents", "yaml-duplicate-key"]),
        (["init", "s"], ["serve-only"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["invoke", "phift.yaml", ""], []),
        (["nonsense", ""], []),
        (["plan", "phift.yaml", ""], []),
    ],
)
def test_what_can_follow(words: list[str], wanted: list[str]) -> None:
    assert sorted(after(*words)) == sorted(wanted)


def test_an_option_is_offered_once_unless_it_repeats() -> None:
    assert "--target" not in after("plan", "--target", "prod", "--")
    assert "--target" not in after("plan", "-t", "prod", "--")
    assert "--var" in after("plan", "--var", "a=1", "--")


@pytest.mark.parametrize("text", ["a: {{ b", "\xff", "[1]", "", "extends: phift.yaml\n", "targets: [1]\n"])
def test_what_cannot_be_read_completes_to_nothing(folder: Path, text: str) -> None:
    (folder / "phift.yaml").write_text(text, encoding="latin-1")
    assert after("plan", "phift.yaml", "--select", "") == []
    assert set(after("plan", "phift.yaml", "-t", "")) <= {"local"}


def test_bash_gets_the_part_after_an_equals_sign() -> None:
    assert answer(["plan", "--target", "=", "pr"], Shell.BASH) == "prod \n"
    assert answer(["plan", "--target", "="], Shell.BASH) == "local \nprod \n"
    assert answer(["apply", "--var", "ep"], Shell.BASH) == "epochs=\n"


def test_names_are_quoted_in_bash_and_hidden_if_they_cannot_be_shown(folder: Path) -> None:
    (folder / "a b.yaml").write_text(SPEC)
    (folder / "a\tc.yaml").write_text(SPEC)
    assert answer(["plan", "a"], Shell.BASH) == "a\\ b.yaml \n"


def test_a_description_follows_a_tab() -> None:
    assert answer(["explain", "yaml-depth"], Shell.FISH).startswith("yaml-depth\t")


def test_it_neither_prints_errors_nor_imports_azure(folder: Path) -> None:
    program = (
        "import sys\nfrom phift import startup\nfrom phift.cli import main\nsys.argv[0] = 'phift'\n"
        "try:\n    main.main(['--complete', 'zsh', 'plan', '--select', 'job'])\n"
        "except SystemExit as end:\n"
        "    assert not end.code\n"
        "    print(sorted(m for m in sys.modules if m.startswith(('azure.', 'rich', 'torch', 'requests'))))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("job.finetune\t\n[]\n", "")
    for words in ([], ["tcsh", "p"], ["bash"]):
        done = subprocess.run([sys.executable, "-m", "phift", "--complete", *words], capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    """With a `phift` on the path that completes, and writes down how it was called otherwise."""
    tools = folder / "bin"
    tools.mkdir()
    program = f'"{sys.executable}" -m phift "$@"'
    (tools / "phift").write_text(f'#!/bin/sh\n[ "$1" = --complete ] && exec {program}\necho "$@" > "{folder}/ran"\n')
    (tools / "phift").chmod(0o755)
    package = str(Path(__file__).parents[2])
    return {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": package,
        "HOME": str(folder / "home"),
        "TERM": "dumb",
    }


def needs(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


def test_in_bash(environment: dict[str, str]) -> None:
    needs("bash")
    program = (
        f"{script(Shell.BASH)}\nCOMP_WORDS=(phift plan --target = pr) COMP_CWORD=4\n_phift\n"
        'printf "[%s]" "${COMPREPLY[@]}"\ncomplete -p phift\n'
    )
    done = subprocess.run(["bash", "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[prod ]complete -o nospace -F _phift phift\n"


def test_in_fish(environment: dict[str, str]) -> None:
    needs("fish")
    program = f'{script(Shell.FISH)}\ncomplete -C "phift plan --target "\ncomplete -C "phift explain yaml-dep"\n'
    done = subprocess.run(["fish", "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == ["local", "prod", "yaml-depth"]


def test_in_zsh(environment: dict[str, str], folder: Path) -> None:
    needs("zsh")
    (folder / "home").mkdir()
    (folder / "home/.zshrc").write_text(f"autoload -Uz compinit && compinit -D\n{script(Shell.ZSH)}\n")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(str(shutil.which("zsh")), ["zsh", "-d", "-i"], environment | {"TERM": "xterm"})
    ran, end = folder / "ran", time.monotonic() + 60
    os.write(terminal, b"phift plan --target pr\t--select job\t\n")
    try:
        while not ran.exists() and time.monotonic() < end:
            if select.select([terminal], [], [], 0.2)[0]:
                os.read(terminal, 4096)
        assert ran.read_text() == "plan --target prod --select job.finetune\n"
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)
