"""Systems other than Linux: phift says that it does not run there, or does without what only Linux has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from phift import __version__
from phift.emulator.host import listener
from phift.emulator.runtime.serving import launch
from phift.ledger import holder

WINDOWS = """
import os, signal, socket, sys
sys.platform = "win32"
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for module, names in (os, "fork geteuid getuid setsid O_NONBLOCK O_NOCTTY"), (signal, "SIGHUP"), (socket, "AF_UNIX"):
    for name in names.split():
        delattr(module, name)
"""
"""What Python lacks there."""
MESSAGE = "phift does not run on Windows\n  = Run it on Linux, for example in WSL 2.\n"


def on_windows(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", WINDOWS + program], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("words", [[], ["plan"], ["--help"], ["emulator", "start"]])
def test_on_windows_every_command_says_so(words: list[str]) -> None:
    done = on_windows(f"from phift.cli.main import main\nmain({words!r})")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"error: {MESSAGE}")


def test_on_windows_the_version_is_known() -> None:
    done = on_windows("from phift.cli.main import main\nmain(['--version'])")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"phift {__version__}\n", "")


def test_on_windows_the_python_api_says_so() -> None:
    done = on_windows("try:\n    import phift.api\nexcept ImportError as error:\n    print(error)")
    assert (done.returncode, done.stdout, done.stderr) == (0, MESSAGE, "")


def test_only_one_module_imports_what_windows_lacks() -> None:
    package = Path(__file__).parents[2] / "phift"
    lacks = re.compile(r"^\s*import (fcntl|grp|pwd|resource|termios)\b", re.MULTILINE)
    found = [path.name for path in package.rglob("*.py") if lacks.search(path.read_text(encoding="utf-8"))]
    assert found == ["posix.py"]


def test_without_proc_a_machine_has_an_id(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(holder, "Path", lambda path: tmp_path / "missing")
    assert holder._place() == holder._place() != ""


def test_without_proc_a_listener_is_trusted_by_its_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(listener, "_TABLE", tmp_path / "missing")
    assert listener.is_own(os.getpid(), 1, tmp_path)
    assert not listener.is_own(2**22 + 1, 1, tmp_path)


def test_without_an_affinity_all_processors_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    assert launch._cores() == os.cpu_count()
