"""Findings as a SARIF 2.1.0 log, which code scanning of GitHub, Azure DevOps and editors read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from phift import __version__
from phift.views.findings import Finding
from phift.views.json import document

__all__ = ["log"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def log(found: Sequence[Finding], exit_code: int) -> str:
    """Return the log of one run. exit_code: of the command."""
    rules = sorted({one.rule for one in found})
    return document(
        {
            "$schema": _SCHEMA,
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {
                        "driver": {
                            "name": "phift",
                            "semanticVersion": __version__,
                            "rules": [_rule(rule) for rule in rules],
                        }
                    },
                    "columnKind": "unicodeCodePoints",
                    "invocations": [{"executionSuccessful": exit_code in (0, 2), "exitCode": int(exit_code)}],
                    "results": [_result(one, rules.index(one.rule)) for one in found],
                }
            ],
        }
    )


def _rule(code: str) -> dict[str, Any]:
    from phift.explain import explanations

    known = explanations().get(code)
    if known is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": {"text": known.title},
        "fullDescription": {"text": " ".join(known.means.split())},
        "help": {"text": " ".join(known.fix.split())},
    }


def _result(one: Finding, index: int) -> dict[str, Any]:
    location: dict[str, Any] = {}
    if one.file:
        location["physicalLocation"] = {"artifactLocation": _artifact(one.file)}
        if one.line:
            region = {"startLine": one.line, **({"startColumn": one.column} if one.column else {})}
            location["physicalLocation"]["region"] = region
    if one.where:
        location["logicalLocations"] = [{"fullyQualifiedName": one.where}]
    return {
        "ruleId": one.rule,
        "ruleIndex": index,
        "level": "error" if one.error else "warning",
        "message": {"text": one.message},
        **({"locations": [location]} if location else {}),
    }


def _artifact(file: str) -> dict[str, str]:
    path = PurePath(file)
    if path.is_absolute():
        return {"uri": f"file://{quote(path.as_posix())}"}
    return {"uri": quote(path.as_posix()), "uriBaseId": "%SRCROOT%"}
