"""Load the explanations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["AREAS", "Explanation", "explanations"]

AREAS = ("files", "spec", "resources", "data", "formats", "rows", "hub", "preflight", "workspace")
"""The files with explanations, in the order in which a run performs the checks."""


@dataclass(frozen=True)
class Explanation:
    """The explanation of a code. area: its heading; title: one line.

    means, why, fix: one paragraph each. bad: an example of the problem; good: the fixed example. Each is a fragment of
    a spec, rows of a file, or commands. run: how the tests run `bad` and `good`; not_run: the reason if they do not.
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
    """Return all explanations by code, sorted by area, then by code."""
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
