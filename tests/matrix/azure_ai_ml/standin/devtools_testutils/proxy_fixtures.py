"""The fixtures of recorded tests, as they are in live ones: variables are what the test makes, and nothing is kept."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

__all__ = ["EnvironmentVariables", "VariableRecorder", "environment_variables", "recorded_test", "test_proxy"]


class VariableRecorder:
    """The values that a test makes up."""

    def __init__(self) -> None:
        self._variables: dict[str, str] = {}

    def get_or_record(self, variable: str, default: str) -> str:
        """The value of a variable: `default` when it is asked for first."""
        return self._variables.setdefault(variable, default)


class EnvironmentVariables:
    """The environment of the tests."""

    def get(self, name: str, default: str | None = None) -> str | None:
        return os.environ.get(name, default)

    def sanitize_batch(self, names: Mapping[str, str]) -> dict[str, str]:
        """The values of these variables; `names` has what a recording would show for them."""
        return {name: os.environ.get(name, shown) for name, shown in names.items()}


@pytest.fixture
def variable_recorder() -> VariableRecorder:
    return VariableRecorder()


@pytest.fixture(scope="session")
def environment_variables() -> EnvironmentVariables:
    return EnvironmentVariables()


@pytest.fixture(scope="session")
def test_proxy() -> None:
    """There is no proxy that records."""


@pytest.fixture
def recorded_test() -> None:
    """There is no recording."""
