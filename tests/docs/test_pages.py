"""Pages whose commands run: in order, in one folder, on the emulator; what a page shows is what comes out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from blocks import PAGES, ROOT, Block, blocks, preparation, runs
from commands import shown
from hub import Hub
from output import differs
from prefork import CLIENT
from support import Embedded

from phift.emulator.host import lifecycle

RUNNING = [page for page in PAGES if runs(page)]
_END = "\x1e"
"""Ends the output of a command; its exit code follows."""
_SECONDS = 240


@pytest.fixture(scope="module")
def pages_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of an emulator of these tests: pages name stacks and clusters as a reader would."""
    home = tmp_path_factory.mktemp("pages") / "home"
    Embedded.start(home)
    yield home
    lifecycle.stop(home)


@pytest.fixture
def home(pages_home: Path) -> Path:
    """The home, without what the page before has left: several pages name a stack `quickstart`."""
    lifecycle.reset(pages_home)
    return pages_home


def script(page: Path) -> tuple[str, list[tuple[Block, str, str]]]:
    """The shell script of a page, and its commands: block, command and the output that the page shows."""
    lines = ["set -o pipefail", preparation(page), f"printf '{_END}0\\n'"]
    commands: list[tuple[Block, str, str]] = []
    for block in blocks(page):
        if block.how in {"exempt", "parse"}:
            continue
        if block.how in {"file", "append"}:
            into = ">" if block.how == "file" else ">>"
            lines += [f"mkdir -p $(dirname {block.detail}); cat {into} {block.detail} <<'END OF FILE'"]
            lines += [f"{block.text}END OF FILE"]
        elif block.language in {"console", "sh"}:
            for command, output in shown(block.text, block.language):
                lines += [command, f"printf '{_END}%s\\n' $?"]
                commands.append((block, command, output))
    return "\n".join([*lines, ""]), commands


def run(text: str, folder: Path, environment: dict[str, str]) -> str:
    """stdout and stderr of a script as one text. The whole process group ends with it."""
    process = subprocess.Popen(
        ["bash", "-c", text],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        pytest.fail(f"still running after {_SECONDS} s. So far:\n{output.decode(errors='replace')}")
    return output.decode(errors="replace")


def launched(tools: Path, server: Path) -> None:
    """Put a `phift` into the folder that runs its commands on the server."""
    tools.mkdir()
    (tools / "client.py").write_text(CLIENT, encoding="utf-8")
    launcher = tools / "phift"
    launcher.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -IS "{tools / "client.py"}" "{server}" "$@"\n', encoding="utf-8"
    )
    launcher.chmod(0o755)


@pytest.mark.parametrize("page", RUNNING, ids=lambda page: page.stem)
def test_the_commands_of_a_page_run(page: Path, tmp_path: Path, home: Path, seed_hub: Hub, server: Path) -> None:
    launched(tmp_path / "bin", server)
    folder = tmp_path / "project"
    folder.mkdir()
    environment = {
        "PATH": os.pathsep.join([str(tmp_path / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "PHIFT_HOME": str(home),
        "REPOSITORY": str(ROOT),
        "HF_ENDPOINT": seed_hub.url,
        "HF_HOME": str(tmp_path / "hf-home"),
        "GIT_CONFIG_COUNT": "3",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "A. Reader",
        "GIT_CONFIG_KEY_1": "user.email",
        "GIT_CONFIG_VALUE_1": "reader@example.com",
        "GIT_CONFIG_KEY_2": "init.defaultBranch",
        "GIT_CONFIG_VALUE_2": "main",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
    }
    text, commands = script(page)
    ended = re.split(f"{_END}(\\d+)\n", run(text, folder, environment))[2:]
    outputs, codes = ended[::2], [int(code) for code in ended[1::2]]
    wrong = []
    for number, (block, command, wanted) in enumerate(commands):
        last = number + 1 == len(commands) or commands[number + 1][0] is not block
        expected = int(block.detail) if block.how == "exit" and last else 0
        said, code = outputs[number], codes[number] if number < len(codes) else -1
        difference = differs(wanted, said) if wanted.strip() and block.how != "unlike" else ""
        if code != expected or difference:
            wrong.append(f"{block.place}: $ {command}\n[exit {code}, not {expected}]\n{difference or said}")
    assert not wrong, "\n\n".join(wrong)
