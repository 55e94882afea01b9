"""The fenced blocks of README.md, CONTRIBUTING.md and docs/, and how each is marked.

A comment right before a block says how it is checked, where that does not follow from its language:

    <!-- block: file data/extra.yaml -->         a file of that name, which the commands of the page use
    <!-- block: append spec.yaml -->             more lines of a file
    <!-- block: in deployment -->                a fragment of the spec, below this path
    <!-- block: parse -->                        only its syntax is checked, or that its commands exist
    <!-- block: plan -->                         JSON that is valid by schemas/plan.schema.json
    <!-- block: output of CASE -->               lines of the golden output of tests/acceptance/cases/CASE
    <!-- block: output of docs/quickstart.md --> lines that another page shows, which runs
    <!-- block: exit 4 -->                       the exit code of the last command, on a page whose commands run
    <!-- block: unlike: REASON -->               commands that run, and whose output here is another
    <!-- block: exempt: REASON -->               not checked

All commands of a page with `<!-- page: run -->` run, in order, in one folder; lines of shell in the comment prepare it.
The output that a page shows is compared: `...` stands for any text, and alone on a line for any lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGES", "ROOT", "Block", "blocks", "inline_commands", "preparation", "runs"]

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(
    r"(?:^ *<!-- block: (?P<mark>.*?) -->\n+)?^(?P<indent> *)```(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_PAGE = re.compile(r"^<!-- page: run\n?(.*?)-->$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`(phift [^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """One fenced block. how, detail: its mark; "" without one."""

    page: str
    line: int
    language: str
    text: str
    how: str = ""
    detail: str = ""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(path: Path) -> list[Block]:
    """The blocks of a page, in order."""
    page = path.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(page):
        how, _, detail = (match["mark"] or "").partition(" ")
        indent = len(match["indent"])
        text = "".join(line[indent:] if line.strip() else line for line in match["text"].splitlines(keepends=True))
        line = page.count("\n", 0, match.start("language")) + 1
        name = path.relative_to(ROOT).as_posix()
        found.append(Block(name, line, match["language"].strip(), text, how.rstrip(":"), detail.strip()))
    return found


def runs(path: Path) -> bool:
    """Whether the commands of the page run."""
    return bool(_PAGE.search(path.read_text(encoding="utf-8")))


def preparation(path: Path) -> str:
    """The shell commands that prepare the folder of a page."""
    found = _PAGE.search(path.read_text(encoding="utf-8"))
    return found[1] if found else ""


def inline_commands(path: Path) -> list[tuple[str, str]]:
    """The phift commands in the prose of a page, with their places."""
    page = path.read_text(encoding="utf-8")
    prose = _BLOCK.sub(lambda match: "\n" * match[0].count("\n"), page)
    name = path.relative_to(ROOT).as_posix()
    return [(f"{name}:{prose.count(chr(10), 0, m.start()) + 1}", m[1]) for m in _INLINE.finditer(prose)]
