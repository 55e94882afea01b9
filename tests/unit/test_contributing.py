"""CONTRIBUTING.md names files that exist, and every folder of the package."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_files_that_it_names_exist() -> None:
    named = re.findall(r"`((?:phift|tests|schemas|docs)/[\w./*]+)`", PAGE)
    paths = {path.replace("KIND", "deployment").replace("SERVICE", "compute") for path in named}
    assert len(paths) > 20
    assert [path for path in sorted(paths) if not any(ROOT.glob(path))] == []


def test_every_folder_of_the_package_has_a_line() -> None:
    folders = {path.name for path in (ROOT / "phift").iterdir() if (path / "__init__.py").is_file()}
    assert {name for name in folders if f"`phift/{name}`" not in PAGE} <= {"catalog", "explain", "graph"}
