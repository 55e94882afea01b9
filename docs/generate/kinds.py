"""docs/reference/kinds.md: what each kind manages and how it changes, from its traits and rules.yaml."""

from __future__ import annotations

import importlib
import re
from typing import Any

from docs.generate import ROOT
from phift.kinds.base import Kind
from phift.kinds.check import named
from phift.kinds.registry import KINDS
from phift.state.rules import Behaviour, Rule, rules_of

__all__ = ["page"]

_ENGINE = ROOT / "docs" / "engine.md"

_HEAD = """\
# Resource kinds

<!-- Generated: python -m docs.generate -->

A spec is compiled to resources with addresses such as `deployment.main`; the part before the dot is the kind. In the
order in which a stack is applied: {links}.

How differences between the spec and the live object are treated is data, in `phift/kinds/KIND/rules.yaml`, with a
reason and a source for each rule: *recorded* from the service, *docs* of Azure, *sdk* (azure-ai-ml), or *assumed*.
"""

AZURE = {
    "compute": ("AmlCompute cluster", "computes"),
    "data": ("data asset of type uri_file, and its blob", "data/versions"),
    "job": ("pipeline job with the fine-tune component", "jobs"),
    "model": ("registered model", "models/versions"),
    "code": ("code asset, and its blobs", "codes/versions"),
    "environment": ("environment", "environments/versions"),
    "endpoint": ("managed online endpoint", "onlineEndpoints"),
    "deployment": ("managed online deployment", "onlineEndpoints/deployments"),
    "test": ("requests to the endpoint; nothing is stored in Azure", ""),
    "autoscale": ("autoscale setting of Azure Monitor", "Microsoft.Insights/autoscaleSettings"),
    "traffic": ("traffic of the managed online endpoint", "onlineEndpoints"),
}
"""The object in Azure, and its type below Microsoft.MachineLearningServices/workspaces."""

_TRAITS = {
    "shared": "Several stacks can use one object: one of another stack is used as-is.",
    "adoptable": "`adopt` of the spec imports an unmanaged object.",
    "replaceable": "`--replace ADDRESS` replaces it.",
    "historic": "It is a record of the past, kept after the stack is destroyed.",
    "hosts": "Deleting it deletes what it hosts.",
    "hosted": "It is deleted with its endpoint.",
    "accompanies": "It is deleted before the resource that it accompanies, and costs nothing itself.",
}
_BEHAVIOUR = {
    Behaviour.IMMUTABLE: "forces replacement",
    Behaviour.CASE_INSENSITIVE: "case-insensitive",
    Behaviour.UNORDERED: "the order does not matter",
    Behaviour.SERVER_OWNED: "written by the service, never compared",
    Behaviour.INITIAL: "set at creation only",
    Behaviour.NEUTRAL: "not part of the digest",
    Behaviour.SECRET: "not shown",
    Behaviour.STAYS: "cannot be reset",
}


def page() -> str:
    """Return the content of docs/reference/kinds.md."""
    links = ", ".join(f"[{name}](#{name})" for name in KINDS)
    return "\n".join([_HEAD.format(links=links), *(line for kind in KINDS.values() for line in _kind(kind))])


def _kind(kind: Kind[Any, Any]) -> list[str]:
    what, path = AZURE[kind.name]
    rules = [rule for rule in rules_of(kind.name) if rule.behaviour in _BEHAVIOUR]
    defaults = [rule for rule in rules_of(kind.name) if rule.behaviour is Behaviour.DEFAULT]
    parts = [f"## {kind.name}\n", f"{_purpose(kind.name)}\n", "| | |\n|---|---|"]
    parts.append(f"| in Azure | {what}{f' (`{path}`)' if path else ''} |")
    found_by, changes = _in_engine(kind.name)
    parts.append(f"| found by | {found_by} |")
    parts.append(f"| changes | {changes} |")
    parts.append(
        f"| billed | {'its nodes' if kind.bills else 'its nodes, while it runs' if kind.traits.trains else 'no'} |"
    )
    longer = " or longer, by its size" if kind.seconds else ""
    parts.append(
        f"| timeout | {kind.traits.deadline / 60:,.0f} minutes{longer}; `--timeout {kind.name}=TIME` changes it |"
    )
    if checks := ", ".join(f"`{name}`" for name in _checks(kind)):
        parts.append(f"| [checks](../preflight.md#the-checks) | {checks} |")
    parts.append("")
    if said := [text for name, text in _TRAITS.items() if getattr(kind.traits, name)]:
        parts += [f"- {text}" for text in said] + [""]
    if rules:
        parts += ["| field | treatment | reason | source |\n|---|---|---|---|", *map(_rule, rules), ""]
    if defaults:
        parts.append(
            "A field removed from the spec is reset to the default of the service: "
            + ", ".join(f"`{rule.field}` {_value(rule.value)}" for rule in defaults)
            + ".\n"
        )
    return parts


def _in_engine(name: str) -> tuple[str, str]:
    """The cells "found by" and "changes" of the kind in the table of docs/engine.md."""
    text = _ENGINE.read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    (row,) = [row for row in rows if row[0] == name and len(row) == 4]
    return row[2], row[3]


def _purpose(name: str) -> str:
    text = str(importlib.import_module(f"phift.kinds.{name}.kind").__doc__)
    purpose = re.sub(r"^The kind `\w+`: ", "", " ".join(text.split()))
    return purpose[0].upper() + purpose[1:]


def _checks(kind: Kind[Any, Any]) -> list[str]:
    return [check.name for check in map(named, kind.checks)]


def _rule(rule: Rule) -> str:
    return f"| `{rule.field}` | {_BEHAVIOUR[rule.behaviour]} | {rule.reason} | {rule.source} |"


def _value(value: Any) -> str:
    return "(none)" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"
