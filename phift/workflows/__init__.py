"""Workflows that plan in pull requests, apply on merge and look for drift, as texts by path.

`workflow_files` is pure: it reads neither files of the repository nor the network.
"""

from __future__ import annotations

from phift.workflows.files import KINDS, workflow_files
from phift.workflows.settings import Settings

__all__ = ["KINDS", "Settings", "workflow_files"]
