"""`phift invoke --chat` on a terminal: answers arrive in pieces, Ctrl-C ends one of them, and Ctrl-D the chat."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from support import Embedded, Project

PATIENCE = 180.0

SPEC = """\
version: 1
name: {stack}
model: {{path: model, type: custom_model}}
endpoint: {{auth_mode: key}}
deployment:
  instance_type: Standard_NC24ads_A100_v4
  code_configuration: {{code: code, scoring_script: score.py}}
  environment: {{image: "mcr.microsoft.com/azureml/minimal-py311-inference:1"}}
targets:
  local: {{default: true}}
"""

SCRIPT = """\
import json, os, time
from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse

def init():
    pass

@rawhttp
def run(request):
    messages = json.loads(request.get_data())["input_data"]["input_string"]
    return AMLResponse(pieces(messages), 200, {"Content-Type": "text/event-stream"})

def pieces(messages):
    question, _, gate = messages[-1]["content"].partition(" until ")
    yield f"data: {len(messages)} of {question}\\n\\n"
    end = time.monotonic() + 30
    while gate and not os.path.exists(gate) and time.monotonic() < end:
        time.sleep(0.05)
    yield "data:  \\x1b]0;deceived\\x07end\\n\\n"
"""

_AT_A_TERMINAL = (
    "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Runs a command in a session whose terminal is its stdin, so that ^C reaches it."""


class Typist:
    """A person at the terminal of a process."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self._terminal = terminal
        self._seen = ""

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def see(self, pattern: str) -> str:
        """Return what was shown up to the end of a pattern, once that is on the screen."""
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self._seen)):
            assert time.monotonic() < deadline, f"{pattern!r} is not on the screen: {self._seen!r}"
            if select.select([self._terminal], [], [], 0.2)[0]:
                try:
                    self._seen += os.read(self._terminal, 65536).decode()
                except OSError:
                    pytest.fail(f"the chat ended without {pattern!r}: {self._seen!r}")
        shown, self._seen = self._seen[: found.end()], self._seen[found.end() :]
        return shown

    def interrupt(self) -> None:
        """Press Ctrl-C once the process waits for a key.

        input() of Python does not act on a signal that arrives between its prompt and its wait before the next key.
        """
        deadline = time.monotonic() + PATIENCE
        while psutil.Process(self.process.pid).status() != psutil.STATUS_SLEEPING:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        self.type("\x03")

    def ended(self) -> int:
        """Return the exit code."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline
            try:
                self._seen += os.read(self._terminal, 65536).decode()
            except OSError:  # the terminal has no process any more
                self.process.wait(PATIENCE)
        return self.process.returncode


@pytest.fixture
def serving(tmp_path: Path, stack: str, embedded: Embedded) -> Iterator[Project]:
    project = Project(tmp_path / "project", stack, embedded, tmp_path / "project" / "spec.yaml")
    for name, text in {"spec.yaml": SPEC.format(stack=stack), "code/score.py": SCRIPT, "model/weights": ""}.items():
        (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / name).write_text(text, encoding="utf-8")
    project.applied()
    yield project
    project.destroy()


@contextmanager
def chatting(project: Project) -> Iterator[Typist]:
    ours, its = pty.openpty()
    words, keywords = project.command("invoke", "spec.yaml", "--chat", TERM="xterm", INPUTRC="/dev/null")
    streams = {"stdin": its, "stdout": its, "stderr": its, "start_new_session": True}
    process = subprocess.Popen([sys.executable, "-c", _AT_A_TERMINAL, *words], **{**keywords, **streams})
    os.close(its)
    try:
        yield Typist(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(PATIENCE)
        os.close(ours)


def test_a_chat_on_a_terminal(serving: Project, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with chatting(serving) as person:
        person.see(r"/help lists the commands")
        person.see(r"> ")
        person.type("one\r")
        assert "deceived" not in person.see(r"1 of one.*\\x07end").replace("\\x1b]0;deceived\\x07end", "")
        person.see(r"\(\d")
        person.see(r"> ")

        person.type(f"two until {gate}\r")
        person.see(r"3 of two")
        gate.touch()
        person.see(r"end")
        person.see(r"> ")

        released = tmp_path / "released"
        person.type(f"three until {released}\r")
        person.see(r"5 of three")
        person.type("\x03")
        person.see(r"cancelled; the message")
        released.touch()  # the container works on, whoever reads its answer
        person.see(r"> ")
        person.type("four\r")
        person.see(r"5 of four")
        person.see(r"> ")

        person.type("\x1b[A")
        person.see(r"four")
        person.interrupt()
        person.see(r"Press Ctrl-C again, or Ctrl-D")
        person.see(r"> ")
        person.type("/undo\r")
        person.see(r"Dropped the last exchange")
        person.see(r"> ")
        person.type("\x04")
        assert person.ended() == 0

    with chatting(serving) as person:
        person.see(r"> ")
        person.interrupt()
        person.see(r"Press Ctrl-C again")
        person.see(r"> ")
        person.interrupt()
        person.see(r"Interrupted")
        assert person.ended() == 130
