"""The recording of the README: small, self-contained, and of commands that exist."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from commands import problems

from docs.generate.recording import COMMANDS, ROWS, TARGET, Line, drawn

SVG = "{http://www.w3.org/2000/svg}"


def lines_of(text: str) -> list[str]:
    return ["".join(line.itertext()) for line in ElementTree.fromstring(text).iter(f"{SVG}text")]


def test_the_recording_is_small_and_needs_no_other_file() -> None:
    text = TARGET.read_text(encoding="utf-8")
    assert len(text) < 100_000
    assert re.findall(r"(?:href|src)=|url\(|<script|@import", text) == []
    assert re.findall(r"/(?:tmp|home|work|root)/", text) == []


def test_the_recording_shows_the_commands_and_what_came_of_them() -> None:
    shown = lines_of(TARGET.read_text(encoding="utf-8"))
    assert [line for line in shown if line.startswith("$ ")] == [f"$ {command}" for command in COMMANDS]
    assert "Plan: 5 to add, 1 to change, 1 to destroy." in shown
    assert "The capital of France is Paris." in shown
    assert [problem for command in COMMANDS for problem in problems(command)] == []


def test_lines_keep_their_colours_and_appear_in_order() -> None:
    session = [
        Line(0, "$ phift plan"),
        Line(9, "\x1b[32m+\x1b[39m <job>"),
        Line(9, ""),
        Line(9, "\x1b[1mPlan:\x1b[0m 1"),
    ]
    text = drawn(session)
    assert lines_of(text) == ["$ phift plan", "+ <job>", "Plan: 1"]
    assert '<tspan class="g">+</tspan> &lt;job&gt;' in text
    assert '<tspan class="B">Plan:</tspan> 1' in text
    delays = [float(found) for found in re.findall(r"animation-delay:([\d.]+)s", text)]
    assert delays == sorted(delays)
    assert delays[-1] < 3, "waits are shortened"


def test_a_long_session_scrolls() -> None:
    text = drawn([Line(n, f"line {n}") for n in range(ROWS + 4)])
    assert "translateY(-72px)" in text
