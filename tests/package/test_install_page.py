"""docs/install.md agrees with the metadata of what is installed."""

from __future__ import annotations

import re
from importlib.metadata import distribution, requires
from pathlib import Path

from packaging.requirements import Requirement

from tests.package.licences import installed_by

PAGE = (Path(__file__).parents[2] / "docs" / "install.md").read_text(encoding="utf-8")
KEPT = ("azure-ai-ml", "azure-identity", "datasets", "jinja2", "pydantic", "pyyaml")


def row(text: str) -> int:
    """The number of packages in a row of the table."""
    (found,) = re.findall(rf"^\| {re.escape(text)} \| (\d+) \|", PAGE, re.MULTILINE)
    return int(found)


def named(*packages: str) -> set[str]:
    return {name for package in packages for name in installed_by(package)}


def direct() -> list[str]:
    found = (Requirement(line) for line in requires("phift") or ())
    return [one.name for one in found if one.marker is None]


def test_the_packages_are_counted() -> None:
    """Other versions of Python need a few more or fewer."""
    every = installed_by("phift") - {"phift"}
    assert abs(row("in all") - len(every)) <= 4
    for name in ("datasets", "azure-ai-ml"):
        alone = every - named(*(other for other in direct() if other != name))
        assert abs(row(f"`{name}` alone") - len(alone)) <= 4
    assert abs(row("phift alone") - len(every - named(*KEPT))) <= 4
    assert sum(row(text) for text in ("`datasets` alone", "`azure-ai-ml` alone", "phift alone")) < row("in all")


def test_the_cpu_build_of_torch_is_in_the_required_range() -> None:
    (needed,) = [found for line in requires("phift") or () if (found := Requirement(line)).name == "torch"]
    assert needed.specifier.contains("2.13.0+cpu")
    written = re.findall(r"'torch([^']+)'", PAGE)
    assert written
    assert all(Requirement(f"torch{one}").specifier == needed.specifier for one in written)


def test_the_extras_are_listed() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert listed == set(distribution("phift").metadata.get_all("Provides-Extra") or ())
