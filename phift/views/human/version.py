"""`phift version`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phift.phases.read_versions import Versions

__all__ = ["render"]


def render(found: Versions) -> str:
    """Return a line per version, that of phift first."""
    packages = {name: version or "not installed" for name, version in found.packages.items()}
    rows = {"Python": found.python, "platform": found.platform, "catalogue": found.catalogue, **packages}
    wide = max(map(len, rows))
    return "\n".join([f"phift {found.phift}", *(f"  {name.ljust(wide)}  {value}" for name, value in rows.items())])
