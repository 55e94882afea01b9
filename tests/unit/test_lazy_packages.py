"""Packages that import what they offer when it is asked for."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import phift.data.hub
import phift.phases

PACKAGES = [phift.phases, phift.data.hub]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_what_is_offered_is_there(package: ModuleType) -> None:
    assert sorted(package._MODULES) == sorted(package.__all__)
    for name in package.__all__:
        assert getattr(package, name) is getattr(sys.modules[package._MODULES[name]], name)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_what_is_not_there_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'nothing'"):
        _ = package.nothing


def test_a_name_that_a_module_has_too_stays_the_function() -> None:
    """A module of a package becomes an attribute of it when it is imported, whatever was there."""
    for package in PACKAGES:
        for name in package.__all__:
            assert f"{package.__name__}.{name}" not in sys.modules


def test_a_plan_imports_neither_other_phases_nor_what_reads_the_hub() -> None:
    program = "import sys\nfrom phift import phases\nphases.plan\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert "phift.phases.plan_stack" in modules
    others = (
        "apply_plan",
        "call_endpoint",
        "detect_drift",
        "many",
        "pin_versions",
        "read_history",
        "read_logs",
        "show_status",
    )
    assert not modules & {f"phift.phases.{name}" for name in others}
    assert not modules & {"phift.data.hub.client", "phift.data.hub.rows", "phift.data.hub.resolving", "requests"}
