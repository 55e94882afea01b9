"""The docs site builds without a broken link, has every page, and needs no other host."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from blocks import ROOT

from docs.hooks import DOCS, PAGES, outside

BUILT = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file"]


def build(root: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """MkDocs, which fails for every warning; with `--quiet` it would not."""
    pytest.importorskip("material", reason="needs the extra [docs]")
    words = [*BUILT, str(root / "mkdocs.yml"), "--site-dir", str(target)]
    environment = {"NO_MKDOCS_2_WARNING": "1", "PATH": "", "LANG": "C.UTF-8"}
    return subprocess.run(words, cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    target = tmp_path_factory.mktemp("site")
    done = build(ROOT, target)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def test_every_page_is_built(site: Path) -> None:
    pages = {path.relative_to(DOCS).with_suffix(".html").as_posix() for path in DOCS.rglob("*.md")}
    assert {page for page in pages if not (site / page).is_file()} == set()


def test_the_site_contains_no_code(site: Path) -> None:
    assert [path.name for path in site.rglob("*.py*")] == []


def test_every_page_is_in_the_navigation() -> None:
    named = re.findall(r"^ +- .*?: ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} | set(PAGES.values())
    assert sorted(named) == sorted(set(named)), "a page has one line"
    assert pages - set(named) == set(), "add a line for it to `nav` in mkdocs.yml"
    assert set(named) - pages == set()


def test_the_site_loads_nothing_from_other_hosts(site: Path) -> None:
    loaded = re.compile(
        r"""<(?:script|img|iframe|link\b(?![^>]*rel="?(?:canonical|next|prev)))[^>]*(?:src|href)="?(https?:)?//"""
    )
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 15
    assert [page.name for page in pages if loaded.search(page.read_text(encoding="utf-8"))] == []
    styles = [
        path for path in site.rglob("*.css") if re.search(r"url\(['\"]?https?:", path.read_text(encoding="utf-8"))
    ]
    assert styles == []


def test_a_broken_link_fails_the_build(tmp_path: Path) -> None:
    links = ["missing.md", "engine.md#no-such-heading", "../phift/missing.py", "#nowhere"]
    for path in ROOT.iterdir():
        if path.name not in {"docs", "mkdocs.yml"}:
            (tmp_path / path.name).symlink_to(path)
    shutil.copy2(ROOT / "mkdocs.yml", tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "docs" / "index.md").open("a", encoding="utf-8") as page:
        page.writelines(f"\n[a]({link})\n" for link in links)
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert f"Aborted with {len(links)} warnings in strict mode!" in said
    assert [link for link in links if link.removeprefix("../").removeprefix("engine.md") not in said] == []


def test_bars_in_tables_are_shown_without_backslashes(site: Path) -> None:
    text = (site / "commands.html").read_text(encoding="utf-8")
    assert "text|json" in text
    assert "\\|" not in text


def test_links_to_other_files_of_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "[code](../phift/exits.py#L1) [guide](../CONTRIBUTING.md#a) [page](engine.md#b) [web](https://a.example)\n"
    missing: list[str] = []
    inside = "[guide](contributing.md#a) [page](engine.md#b) [web](https://a.example)\n"
    assert outside(text, DOCS, missing.append) == f"code {inside}"
    monkeypatch.setenv("SITE_REPOSITORY", "https://git.example/a/b/blob/main/")
    assert (
        outside(text, DOCS, missing.append) == f"[code](https://git.example/a/b/blob/main/phift/exits.py#L1) {inside}"
    )
    fenced = "```md\n[code](../phift/none.py)\n```\n"
    assert outside(fenced, DOCS, missing.append) == fenced
    assert missing == []
