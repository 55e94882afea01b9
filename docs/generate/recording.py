"""docs/recording.svg: a terminal session, recorded in tmux from real commands: `make recording`.

The session trains and serves on an emulator of its own, in a folder of its own. Its lines are drawn once, appear at the
times at which they appeared (waits shortened), and scroll. Who prefers no motion sees the end.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from docs.generate import ROOT

__all__ = ["COMMANDS", "TARGET", "Line", "drawn"]

TARGET = ROOT / "docs" / "recording.svg"
COMMANDS = (
    "phift apply configs/quickstart.yaml --auto-approve",
    'phift invoke configs/quickstart.yaml "What is the capital of France?"',
    "sed -i 's/learning_rate: 0.005/learning_rate: 0.0025/' configs/quickstart.yaml",
    "phift plan configs/quickstart.yaml",
)
COLUMNS, ROWS = 88, 26
_SECONDS = 300
"""The longest that a command may take."""
_LONGEST_GAP = 0.7
"""Seconds between two lines of the drawing, at most."""
_LINE_GAP = 0.045
"""Seconds between two lines that appeared together."""
_END = 1.0
"""Seconds for which the last step lasts."""
_WIDTH, _HEIGHT, _MARGIN = 8.4, 18, 14
_COLOURS = {31: "r", 32: "g", 33: "y", 34: "b", 35: "m", 36: "c", 90: "d", 91: "r", 92: "g", 93: "y", 94: "b", 96: "c"}
_STYLE = (
    ".r{fill:#ff7b72}.g{fill:#7ee787}.y{fill:#e3b341}.b{fill:#79c0ff}.m{fill:#d2a8ff}.c{fill:#76e3ea}"
    ".d{fill:#8b949e}.B{font-weight:700}"
)


@dataclass(frozen=True)
class Line:
    """A line of a session. seconds: when it appeared. text: with the escape sequences of its colours."""

    seconds: float
    text: str


def drawn(lines: Sequence[Line]) -> str:
    """Return the session as an animated SVG."""
    times = list(_paced(lines))
    total = times[-1] + _END
    width, height = COLUMNS * _WIDTH + 2 * _MARGIN, ROWS * _HEIGHT + 2 * _MARGIN
    rows = [
        f'<g style="animation-delay:{at:.2f}s">{row}</g>'
        for number, (line, at) in enumerate(zip(lines, times, strict=True))
        if (row := _row(line.text, (number + 1) * _HEIGHT))
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" font-family="ui-monospace,Menlo,Consolas,monospace" font-size="14" fill="#e6edf3">\n'
        f"<title>A terminal: {escape('; '.join(COMMANDS))}</title>\n"
        f"<style>{_STYLE}\n{_motion(times, total)}</style>\n"
        f'<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n'
        f'<svg x="{_MARGIN}" y="{_MARGIN}" width="{COLUMNS * _WIDTH:g}" height="{ROWS * _HEIGHT}" overflow="hidden">\n'
        f'<g class="s">\n' + "\n".join(rows) + "\n</g></svg></svg>\n"
    )


def _paced(lines: Sequence[Line]) -> Iterator[float]:
    """Yield when each line appears in the drawing."""
    at, before = 0.3, lines[0].seconds
    for line in lines:
        gap = min(max(line.seconds - before, _LINE_GAP), _LONGEST_GAP)
        yield at
        at += _LONGEST_GAP if _plain(line).startswith("$ ") else gap
        before = line.seconds


def _motion(times: Sequence[float], total: float) -> str:
    """The animation: lines appear, and the screen scrolls; the last screen without motion."""
    steps = [f"{at / total:.2%}{{transform:translateY({-(n - ROWS + 1) * _HEIGHT}px)}}" for n, at in _scrolls(times)]
    last = -max(len(times) - ROWS, 0) * _HEIGHT
    return (
        f"@keyframes s{{0%{{transform:translateY(0)}}{''.join(steps)}to{{transform:translateY({last}px)}}}}\n"
        "@keyframes a{from{visibility:hidden}to{visibility:visible}}\n"
        f".s{{animation:s {total:.2f}s step-end both}}\n"
        ".s>g{animation:a .01s step-end both}\n"
        f"@media(prefers-reduced-motion:reduce){{.s{{animation:none;transform:translateY({last}px)}}"
        ".s>g{animation:none}}"
    )


def _scrolls(times: Sequence[float]) -> Iterator[tuple[int, float]]:
    """Yield the lines at which the screen scrolls, at most every twentieth of a second."""
    shown = -1.0
    for number in range(ROWS, len(times)):
        if times[number] - shown >= _LINE_GAP or number + 1 == len(times):
            shown = times[number]
            yield number, shown


def _row(text: str, y: int) -> str:
    """A line as SVG text; "" if it is empty."""
    runs = list(_runs(text.rstrip()))
    length = sum(len(run) for _, run in runs)
    if not "".join(run for _, run in runs).strip():
        return ""
    inner = "".join(f'<tspan class="{style}">{escape(run)}</tspan>' if style else escape(run) for style, run in runs)
    return f'<text xml:space="preserve" y="{y - 5}" textLength="{length * _WIDTH:g}">{inner}</text>'


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """Yield the classes and the text of each run of one colour."""
    colour, bold, dim = "", False, False
    for part in re.split(r"(\x1b\[[\d;]*m)", text.replace("\x0f", "")):
        if not part.startswith("\x1b"):
            if part:
                yield " ".join(filter(None, (colour or ("d" if dim else ""), "B" if bold else ""))), part
            continue
        for code in (int(code or 0) for code in part[2:-1].split(";")):
            if code == 0:
                colour, bold, dim = "", False, False
            elif code in (1, 2, 22):
                bold, dim = code == 1, code == 2
            elif code == 39 or code in _COLOURS:
                colour = _COLOURS.get(code, "")


def _plain(line: Line) -> str:
    """The text of a line without its colours."""
    return "".join(run for _, run in _runs(line.text)).strip()


class _Terminal:
    """A shell in tmux, in a folder. Raises RuntimeError if a command takes too long."""

    def __init__(self, folder: Path) -> None:
        self._socket = f"phift-recording-{os.getpid()}"
        variables = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PHIFT_HOME": str(folder / "home")}
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        self._tmux(
            "new-session",
            "-d",
            "-s",
            "r",
            *size,
            "-c",
            str(folder),
            "env",
            "PS1=$ ",
            *(f"{name}={value}" for name, value in variables.items()),
            "bash",
            "--norc",
            "--noprofile",
        )
        self._tmux("set-option", "-t", "r", "history-limit", "5000")
        self.lines: list[Line] = []

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-f", "/dev/null", "-L", self._socket, *words], capture_output=True, text=True, check=True
        )
        return done.stdout

    def run(self, command: str) -> None:
        """Run a command to its end, and note when each line appeared."""
        before = self._look()
        self._tmux("send-keys", "-t", "r", "-l", command)
        self._tmux("send-keys", "-t", "r", "Enter")
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            if self._look() > before and _plain(self.lines[-1]) == "$":
                return
            time.sleep(0.1)
        raise RuntimeError(f"{command}: still running after {_SECONDS} s")

    def _look(self) -> int:
        """Read the screen; return the number of prompts."""
        now = time.monotonic()
        texts = self._tmux("capture-pane", "-t", "r", "-p", "-e", "-J", "-S", "-").rstrip("\n").split("\n")
        known = [line.seconds for line in self.lines]
        self.lines = [Line(known[n] if n < len(known) else now, text) for n, text in enumerate(texts)]
        return sum(_plain(line).startswith("$") for line in self.lines)

    def clear(self) -> None:
        """Forget what is on the screen, and what has scrolled off it."""
        self._tmux("send-keys", "-t", "r", "-R")
        self._tmux("send-keys", "-t", "r", "C-l")
        time.sleep(1)
        self._tmux("clear-history", "-t", "r")
        self.lines = []

    def close(self) -> None:
        self._tmux("kill-session", "-t", "r")


def main() -> None:
    """Record the commands, and write the drawing."""
    with tempfile.TemporaryDirectory(prefix="phift-") as name:
        folder = Path(name)
        shutil.copytree(ROOT / "configs", folder / "configs", ignore=shutil.ignore_patterns("phift.lock"))
        terminal = _Terminal(folder)
        try:
            time.sleep(1)
            terminal.run("phift emulator start")
            terminal.clear()
            for command in COMMANDS:
                terminal.run(command)
            TARGET.write_text(drawn(terminal.lines), encoding="utf-8")
        finally:
            terminal.run("phift emulator stop")
            terminal.close()


if __name__ == "__main__":
    main()
