"""Golden cases: a folder with a script and the output it must have.

    cases/validate-errors/
        script          bash; every `phift ...` in it is headed by `$ phift ...` and, where it fails, `[exit 1]`
        output.txt      stdout and stderr as they came, after redaction
        spec.yaml       any other file is copied to the folder the script runs in
        case.toml       optional: emulator, hub, timeout (seconds), slow, [[redact]] pattern, replacement

A case has a fresh folder and an environment of its own. emulator = "own" gives it a fresh PHIFT_HOME, "shared" that of
the worker: its stacks, computes and models have names of their own then. hub = true serves ultrachat_200k on a stand-in
hub, which HF_ENDPOINT names, and the script has the command `hub` (tests/hubadmin.py). `UPDATE_GOLDEN=1 pytest
tests/acceptance` writes the outputs anew; look at the difference before you commit it.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub import Hub
from hubdata import ultrachat
from prefork import CLIENT

__all__ = ["CASES", "REPOSITORY", "Case", "Mismatch", "check", "discover", "perform", "redact"]

REPOSITORY = Path(__file__).resolve().parents[2]
CASES = Path(__file__).parent / "cases"

OWN = {"script", "output.txt", "case.toml"}
"""Files of a case that its script does not see."""

PREAMBLE = r"""
exec 3>&1 2>&1
phift() {
    local shown='' word
    for word in "$@"; do
        case $word in *[\ \'\"\$\;\|]*|'') shown+=" '$word'" ;; *) shown+=" $word" ;; esac
    done
    printf '$ phift%s\n' "$shown" >&3
    command phift "$@"
    local code=$?
    [ $code -eq 0 ] || printf '[exit %s]\n' $code >&3
    printf '\n' >&3
    return $code
}
"""


class Mismatch(AssertionError):
    """The output is not the golden one; the message is the difference."""


@dataclass(frozen=True)
class Case:
    """One folder. emulator: "own", "shared" or none. redactions: further patterns and what stands for them."""

    folder: Path
    emulator: str = ""
    hub: bool = False
    slow: bool = False
    timeout: float = 240.0
    redactions: tuple[tuple[str, str], ...] = ()

    @property
    def golden(self) -> Path:
        return self.folder / "output.txt"

    @classmethod
    def load(cls, folder: Path) -> Case:
        """Reads case.toml where there is one. Raises TypeError for a key nobody knows."""
        path = folder / "case.toml"
        settings = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        extra = tuple((r["pattern"], r["replacement"]) for r in settings.pop("redact", ()))
        return cls(folder, redactions=extra, **settings)


def discover(root: Path = CASES) -> list[Case]:
    """Every folder that holds a script, by name."""
    return [Case.load(script.parent) for script in sorted(root.glob("*/script"))]


def check(
    case: Case, scratch: Path, *, update: bool = False, shared: Path | None = None, server: Path | None = None
) -> None:
    """Runs the case in `scratch` and compares. Raises Mismatch; with update writes the golden output instead.

    shared: the home of the worker's emulator, for a case that uses it. server: of prefork.py, which runs the commands.
    """
    actual = perform(case, scratch, shared, server)
    if update:
        case.golden.write_text(actual, encoding="utf-8")
        return
    if not case.golden.exists():
        raise Mismatch(f"{case.golden} is missing; UPDATE_GOLDEN=1 writes it. The output was:\n{actual}")
    wanted = case.golden.read_text(encoding="utf-8")
    if actual != wanted:
        lines = difflib.unified_diff(wanted.splitlines(), actual.splitlines(), "golden", "actual", lineterm="")
        raise Mismatch("\n".join([f"{case.folder.name}: not the golden output", *lines]))


def perform(case: Case, scratch: Path, shared: Path | None = None, server: Path | None = None) -> str:
    """The redacted output of the case's script. Raises Mismatch when it outlasts its timeout."""
    project, tools, home = scratch / "project", scratch / "bin", scratch / "home"
    for folder in (project, tools, home):
        folder.mkdir(parents=True)
    for path in case.folder.iterdir():
        if path.name not in OWN:
            (shutil.copytree if path.is_dir() else shutil.copy2)(path, project / path.name)
    launcher = tools / "phift"
    program = '-m phift "$@"'
    if server:
        (tools / "client.py").write_text(CLIENT, encoding="utf-8")
        program = f'-IS "{tools / "client.py"}" "{server}" "$@"'
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" {program}\n', encoding="utf-8")
    launcher.chmod(0o755)
    environment = {
        "PATH": os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(REPOSITORY),
        "HOME": str(home),
        "PHIFT_HOME": str(shared or scratch / "phift"),
        "REPOSITORY": str(REPOSITORY),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
    }
    program = PREAMBLE + (case.folder / "script").read_text(encoding="utf-8")
    try:
        with _hub(case, scratch, tools) as served:
            output = _run(["bash", "-c", program, case.folder.name], project, environment | served, case.timeout)
    finally:
        if case.emulator == "own":
            _run(["phift", "emulator", "stop"], project, environment, 30)
    return redact(output if shared is None else output.replace(str(shared), "[phift-home]"), case, scratch)


@contextmanager
def _hub(case: Case, scratch: Path, tools: Path) -> Iterator[dict[str, str]]:
    """A stand-in hub with ultrachat_200k, if the case wants one; the environment that leads to it."""
    if not case.hub:
        yield {}
        return
    admin = tools / "hub"
    admin.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{REPOSITORY}/tests/hubadmin.py" "$@"\n', encoding="utf-8")
    admin.chmod(0o755)
    with Hub(scratch / "hub") as hub:
        ultrachat(hub, scratch / "hub-files", rows={"train_sft": 600, "test_sft": 200, "test_gen": 60})
        yield {"HF_ENDPOINT": hub.url, "HF_HOME": str(scratch / "hf-home")}


def _run(command: list[str], folder: Path, environment: dict[str, str], timeout: float) -> str:
    """stdout and stderr as one text. The whole process group ends with the command."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        text = output.decode(errors="replace")
        raise Mismatch(f"{command[-1]}: still running after {timeout:.0f} s. So far:\n{text}") from None
    return output.decode(errors="replace")


_GUID = r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
_HEX = r"(?<![0-9a-zA-Z])(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{8,64}(?![0-9a-zA-Z])"
_REDACTIONS = (
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", "[time]"),
    (r"\b(?:127\.0\.0\.1|localhost):\d+", "127.0.0.1:[port]"),
    (r"\bprocess \d+", "process [pid]"),
    (r"\b(?:\d+h\d\dm|\d+m\d\ds|\d+(?:\.\d+)?s)\b", "[duration]"),
)


def redact(output: str, case: Case, scratch: Path) -> str:
    """What differs between two runs, by a word for it. Names made of hex digits are numbered in the order in which they
    appear, so that the same name is still the same."""
    text = output
    for place, word in (
        (scratch / "project", "[project]"),
        (scratch / "phift", "[phift-home]"),
        (scratch, "[scratch]"),
    ):
        for spelling in {str(place), str(place.resolve())}:
            text = text.replace(spelling, word)
    text = text.replace(str(REPOSITORY), "[repository]")
    for pattern, replacement in case.redactions:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    names: dict[str, str] = {}
    for kind, pattern in (("guid", _GUID), ("hex", _HEX)):

        def numbered(match: re.Match[str], kind: str = kind) -> str:
            count = sum(name.startswith(f"[{kind}") for name in names.values())
            return names.setdefault(match[0], f"[{kind}{count + 1}]")

        text = re.sub(pattern, numbered, text)
    for pattern, replacement in _REDACTIONS:
        text = re.sub(pattern, replacement, text)
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines()) + "\n"
