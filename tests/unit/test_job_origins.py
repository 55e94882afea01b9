"""The plan of a first job says where its parameters come from."""

from __future__ import annotations

from typing import Any

import pytest

from phift import catalog
from phift.kinds.job.origins import origins
from phift.kinds.job.parameters import effective_parameters
from phift.state.facts import BaseModel

COMPONENT = catalog.component("chat_completion_pipeline")
assert COMPONENT is not None
INTERFACE = COMPONENT.interface


def said(author: dict[str, Any], defaults: dict[str, Any], mode: str = "fill") -> list[str]:
    model = BaseModel("i", "azureml", "Phi-4", "9", defaults=defaults)
    return list(origins(INTERFACE, model, effective_parameters(INTERFACE, author, defaults, mode)))


@pytest.mark.parametrize(
    ("author", "defaults", "mode", "wanted"),
    [
        (
            {"learning_rate": 0.005, "num_train_epochs": 3, "seed": 7},
            {"learning_rate": "5e-6", "num_train_epochs": 3, "precision": 16, "nonsense": 1},
            "fill",
            ["your parameters override the model's learning_rate (5e-06)", "from the model: precision 16"],
        ),
        ({"learning_rate": 0.005}, {"learning_rate": "5e-6"}, "override", ["from the model: learning_rate 5e-06"]),
        ({"learning_rate": 0.005}, {"learning_rate": "5e-6"}, "ignore", ["your parameters override the model's"]),
        ({"learning_rate": 0.005}, {}, "fill", []),
    ],
)
def test_origins(author: dict[str, Any], defaults: dict[str, Any], mode: str, wanted: list[str]) -> None:
    *lines, last = said(author, defaults, mode)
    assert len(lines) == len(wanted)
    assert all(line.startswith(start) for line, start in zip(lines, wanted, strict=True))
    assert last.startswith("from the component: ")
    assert last.endswith(" more; to list them, run `phift render`")


def test_every_input_is_counted_once() -> None:
    effective = effective_parameters(INTERFACE, {"seed": 7}, {"precision": 16})
    *_, last = said({"seed": 7}, {"precision": 16})
    assert last.split()[3] == str(len(effective.parameters) - 2)
