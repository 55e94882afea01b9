"""The table of operations in docs/emulator.md: complete, true, and as generated.

UPDATE_GOLDEN=1 pytest tests/emulator/test_operation_table.py    writes the table
"""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import pytest
import yaml

from phift.emulator.compose import ROUTES
from phift.emulator.core.routing import LOCATION, SUBSCRIPTION, WS, Host, Router
from tests.emulator.client import Azure
from tests.emulator.page import page_with, require_table

ROWS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("operations.yaml").read_text(encoding="utf-8"))
BEGIN, END = "<!-- operations: generated, see tests/emulator/operations.yaml -->", "<!-- end of operations -->"
ROUTER = Router(ROUTES)
PROVIDER = f"{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices"
APIS = ("2024-10-01-preview", "2023-04-01-preview")


def test_the_page_has_the_table() -> None:
    lines = ["| `MLClient` | answers | not there | differs |", "|---|---|---|---|"]
    for row in ROWS:
        missing = ", ".join(f"`{name}`" for name in row.get("missing") or [])
        lines.append(
            f"| `{row['group']}` | {row['answers']} | {missing} | {' '.join((row.get('differs') or '').split())} |"
        )
    require_table(BEGIN, END, lines)
    assert "## Operations" in page_with(BEGIN).read_text(encoding="utf-8").partition(BEGIN)[0]


def test_every_operation_group_and_only_real_methods_are_in_it() -> None:
    from azure.ai.ml import MLClient

    groups = {}
    for name, value in vars(MLClient).items():
        if isinstance(value, property):
            kind = typing.get_type_hints(value.fget).get("return")
            if "Operations" in getattr(kind, "__name__", ""):
                groups[name] = {each for each in dir(kind) if not each.startswith("_")}
    assert {row["group"] for row in ROWS} == set(groups)
    for row in ROWS:
        assert set(row.get("missing") or []) <= groups[row["group"]], row["group"]
        assert (row["answers"] == "partial") == bool(row.get("missing")) or row["group"] == "jobs"


@pytest.mark.parametrize("row", ROWS, ids=[row["group"] for row in ROWS])
def test_a_group_leads_to_the_folder_of_its_service(row: dict[str, Any]) -> None:
    """The folder that the table names has the handler; a group that is not there names none."""
    assert ("service" in row) == (row["answers"] != "501")
    scope = dict.fromkeys(("sub", "rg", "ws", "location"), "x")
    for ask in row["asks"] if "service" in row else ():
        method, path = ask.replace('"', "").split(" ")
        kind, _, rest = path.rpartition(":")
        base = {"": WS, "provider": PROVIDER, "locations": LOCATION}[kind].format(**scope)
        route, _ = ROUTER.match(Host.ARM, method, base if rest == "." else f"{base}/{rest}")
        assert route.handler.__module__.startswith(f"phift.emulator.services.{row['service']}."), ask


@pytest.mark.parametrize("row", ROWS, ids=[row["group"] for row in ROWS])
def test_the_emulator_answers_as_the_table_says(azure: Azure, row: dict[str, Any]) -> None:
    provider = f"/subscriptions/{azure.connection.subscription_id}/providers/Microsoft.MachineLearningServices"
    for ask in row["asks"]:
        method, path = ask.replace('"', "").split(" ")
        kind, _, rest = path.rpartition(":")
        path = {"": rest, "provider": f"{provider}/{rest}", "locations": f"{provider}/locations/eastus/{rest}"}[kind]
        for api in APIS:
            answer = azure.call(method, azure.workspace if path == "." else path, api=api)
            if row["answers"] == "501":
                assert answer.status_code == 501, ask
                assert "docs/emulator.md#operations" in answer.json()["error"]["message"]
            else:
                assert answer.status_code in (200, 404), f"{ask}: {answer.text}"
