"""Hooks of MkDocs: links from docs/ to other files of the repository, and CONTRIBUTING.md as a page.

In the repository a page links to `../phift/exits.py`; the site has no such file. The hook checks that the file exists,
and links to it in the repository that the variable SITE_REPOSITORY names (`https://HOST/OWNER/NAME/blob/main`). Without
the variable the text stays and the link goes.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["on_files", "on_page_content", "on_page_markdown", "outside"]

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = {"CONTRIBUTING.md": "contributing.md"}
"""Pages of the site that are not in docs/."""
_LINK = re.compile(r"\[([^\]\[]*(?:\[[^\]]*\])?[^\]\[]*)\]\((?!\w+:|#)([^)\s#]*)(#[^)\s]*)?\)")
_CELL = re.compile(r"<t[dh]\b.*?</t[dh]>", re.DOTALL)
_MARK = re.compile(r"^ *<!-- (?:block|page): .*?-->\n", re.MULTILINE | re.DOTALL)
"""Marks for the tests of the pages."""
_FENCE = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
_log = logging.getLogger("mkdocs.hooks.phift")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are not in docs/."""
    from mkdocs.structure.files import File

    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text.replace("](docs/", "](")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Replace links to files outside docs/, and warn, which fails a strict build, if such a file does not exist."""
    source = page.file.src_uri
    place = ROOT if source in PAGES.values() else (DOCS / source).parent
    return outside(markdown, place, lambda path: _log.warning("%s links to %s, which does not exist", source, path))


def on_page_content(html: str, **_: Any) -> str:
    """Show `a\\|b` in a cell of a table as `a|b`, as elsewhere: Python-Markdown keeps the backslash in code."""
    return _CELL.sub(lambda cell: cell[0].replace("\\|", "|"), html)


def outside(markdown: str, place: Path, missing: Callable[[str], None]) -> str:
    """Return the text without marks for tests, and with its links to files outside docs/ replaced.

    place: the folder that links are relative to. Calls `missing` with the path of each file that does not exist.
    """

    def replaced(found: re.Match[str]) -> str:
        text, path, anchor = found[1], found[2], found[3] or ""
        target = (place / path).resolve()
        if target == DOCS or DOCS in target.parents or (place == ROOT and (DOCS / path).exists()):
            return found[0]
        relative = target.relative_to(ROOT).as_posix() if ROOT in target.parents else path
        if relative in PAGES:
            return f"[{text}]({os.path.relpath(DOCS / PAGES[relative], place)}{anchor})"
        if not target.exists():
            missing(relative)
        repository = os.environ.get("SITE_REPOSITORY", "").rstrip("/")
        return f"[{text}]({repository}/{relative}{anchor})" if repository else text

    parts = _FENCE.split(_MARK.sub("", markdown))
    return "".join(part if number % 2 else _LINK.sub(replaced, part) for number, part in enumerate(parts))
