"""Answers of the emulator compared with the models of Azure's clients, except as clientmodels.yaml allows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from tests.emulator.clientmodels import Difference, differences, model_of

__all__ = ["ALLOWED", "Exchange", "allowed", "canonical", "differences_in", "exchanges_of", "unexplained"]

ALLOWED: dict[str, dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("clientmodels.yaml").read_text(encoding="utf-8")
)

Exchange = dict[str, Any]
"""A line of the log of shapes: host, method, path, api, status and body."""


def exchanges_of(folder: Path) -> Iterator[Exchange]:
    """What the emulators that logged into a folder answered; a line that a kill cut short is left out."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue


def differences_in(exchanges: Iterable[Exchange]) -> dict[str, str]:
    """All differences, by name, each with the first exchange that has it."""
    found: dict[str, str] = {}
    for each in exchanges:
        model = model_of(each["host"], each["method"], each["path"], each["status"])
        for difference in differences(model, each["body"]) if model else ():
            where = f"{each['method']} {each['path']} ({each['api']}) {each['status']}: {difference.detail}"
            found.setdefault(canonical(difference).name, where)
    return found


def canonical(difference: Difference) -> Difference:
    """A difference of a type that shares its keys with a recorded one, as one of that."""
    return replace(difference, model=ALLOWED["like"].get(difference.model, difference.model))


def allowed() -> set[str]:
    """The names of the differences that may be."""
    return {*ALLOWED["recorded"], *ALLOWED["because"], *ALLOWED["rare"]}


def unexplained(folder: Path) -> list[str]:
    """The differences in the answers that were logged into a folder that may not be, each with an exchange."""
    found = differences_in(exchanges_of(folder))
    return [f"{name}: {where}" for name, where in sorted(found.items()) if name not in allowed()]
