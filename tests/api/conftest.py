"""A project that trains and serves, on the shared emulator, which the environment names."""

from __future__ import annotations

import pytest
from support import Project

SERVED = """\
endpoint: {auth_mode: key}
deployment: {instance_type: Standard_NC24ads_A100_v4, instance_count: 1}
vars: {greeting: hi}
"""


@pytest.fixture
def served(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Its spec is finetune.yaml, in the current directory."""
    text = project.spec.read_text(encoding="utf-8")
    project.spec = project.spec.rename(project.folder / "finetune.yaml")
    project.spec.write_text(f"{text}{SERVED}", encoding="utf-8")
    monkeypatch.setenv("PHIFT_HOME", str(project.embedded.home))
    monkeypatch.chdir(project.folder)
    return project
