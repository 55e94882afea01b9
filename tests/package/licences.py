"""The licences of the packages that phift installs, as their metadata names them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from email.message import Message
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["KNOWN", "installed_by", "licence_of", "not_allowed"]

KNOWN: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("licences.yaml").read_text(encoding="utf-8"))
_OPERATORS = {"AND", "OR", "WITH"}


def installed_by(package: str, extras: Collection[str] = ()) -> set[str]:
    """The packages that `pip install 'package[extras]'` installs, itself included, of those that are installed here."""
    found: dict[str, set[str]] = {}
    waiting = [(canonicalize_name(package), {"", *extras})]
    while waiting:
        name, wanted = waiting.pop()
        if wanted <= found.get(name, set()):
            continue
        found[name] = found.get(name, set()) | wanted
        waiting += _required_by(name, wanted)
    return {name for name in found if _is_installed(name)}


def _required_by(name: str, extras: set[str]) -> Iterator[tuple[str, set[str]]]:
    try:
        lines = distribution(name).requires or ()
    except PackageNotFoundError:  # for another platform
        return
    for line in lines:
        requirement = Requirement(line)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            yield canonicalize_name(requirement.name), {"", *requirement.extras}


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def licence_of(metadata: Message) -> str:
    """The SPDX expression of a package; "" if its metadata does not name one that licences.yaml knows."""
    if expression := metadata.get("License-Expression"):
        return str(expression)
    named = [
        text.rpartition(" :: ")[2] for text in metadata.get_all("Classifier") or () if text.startswith("License ::")
    ]
    texts = named or [(metadata.get("License") or "").strip().partition("\n")[0].strip()]
    spelled = [KNOWN["spellings"].get(text, text) for text in texts]
    return " AND ".join(spelled) if all(_ids(text) and not _unknown(text) for text in spelled) else ""


def _ids(expression: str) -> list[str]:
    return [word for word in re.split(r"[()\s]+", expression) if word and word not in _OPERATORS]


def _unknown(expression: str) -> list[str]:
    return [one for one in _ids(expression) if one not in KNOWN["allowed"]]


def not_allowed(name: str, metadata: Message) -> str:
    """What is wrong with the licence of a package, "" if nothing."""
    if name in KNOWN["packages"]:
        return ""
    licence = licence_of(metadata)
    if not licence:
        return f"{name}: its metadata names no known licence"
    return f"{name}: {licence}: {', '.join(found)} is not allowed" if (found := _unknown(licence)) else ""
