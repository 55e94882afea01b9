"""The tracking server's own route: experiments that several steps make at the same time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from phift.emulator.runtime.tracking.process import experiment_id


class Store:
    """A store in which another step makes the experiment just before this one does."""

    def __init__(self, *, other: bool) -> None:
        self._made = False
        self._other = other

    def get_experiment_by_name(self, name: str) -> Any:
        return SimpleNamespace(experiment_id=7) if self._made else None

    def create_experiment(self, name: str) -> str:
        self._made = self._other
        raise MlflowException(f"Experiment(name={name}) already exists.")


def test_steps_that_make_an_experiment_at_the_same_time_share_it() -> None:
    assert experiment_id(Store(other=True), "new") == "7"


def test_an_experiment_that_cannot_be_made_is_an_error() -> None:
    with pytest.raises(MlflowException):
        experiment_id(Store(other=False), "new")
