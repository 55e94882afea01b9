"""Reading the texts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["AREAS", "Explanation", "explanations"]

AREAS = ("files", "spec", "resources", "data", "formats", "rows", "hub", "preflight", "workspace")
"""The files of texts, in the order in which a run meets what they are about."""


@dataclass(frozen=True)
class Explanation:
    """A code. area: the heading it stands under; title: one line.

    means, why, fix: a paragraph each. bad: what causes it; good: the same, fixed. Each is a fragment of a spec, rows of
    a file, or commands. run: how the tests run `bad` and `good`, empty where they do not; not_run: then why.
    """

    code: str
    area: str
    title: str
    means: str
    why: str
    bad: str
    fix: str
    good: str
    run: str = ""
    not_run: str = ""


@cache
def explanations() -> dict[str, Explanation]:
    """All of them by code: by area, and in it by code."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Explanation] = {}
    for name in AREAS:
        text = (Path(__file__).parent / f"{name}.yaml").read_bytes()
        content: dict[str, Any] = yaml.load(text, loader)
        for code, entry in sorted(content["codes"].items()):
            texts = {key.replace("-", "_"): str(value).strip("\n") for key, value in entry.items()}
            found[code] = Explanation(code=code, area=content["area"], **texts)
    return found
