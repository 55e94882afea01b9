"""Applies in processes that can be killed at a write, and the points at which they can be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import REPOSITORY, Project

__all__ = ["Point", "Zygote", "points"]


@dataclass(frozen=True)
class Point:
    """The `number`-th write of that name, counted from 1; the process ends right before it leaves, or right after its
    answer has come."""

    write: str
    number: int
    when: str

    def __str__(self) -> str:
        return f"{self.when} {self.write} #{self.number}"


def points(writes: list[str]) -> list[Point]:
    """Before and after each write of an undisturbed run."""
    counts: Counter[str] = Counter()
    found = []
    for write in writes:
        counts[write] += 1
        found += [Point(write, counts[write], when) for when in ("before", "after")]
    return found


class Zygote:
    """The process that forks applies; see zygote.py."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._answer()

    def carry_out(self, project: Project, action: str = "apply", kill: Point | None = None) -> dict[str, Any]:
        """An apply or a destroy in a process of its own; see zygote.py for what comes back."""
        order = {
            "home": str(project.embedded.home),
            "folder": str(project.folder),
            "stack": project.stack,
            "action": action,
            "kill": [kill.write, kill.number, kill.when] if kill else None,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        assert "error" not in answer, answer["error"]
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process that forks applies is gone"
        answer: dict[str, Any] = json.loads(line)
        return answer
