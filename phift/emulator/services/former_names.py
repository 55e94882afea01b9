"""The names under which earlier releases stored finishers: module and function."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FORMER_NAMES"]

FORMER_NAMES: Mapping[str, str] = {
    "phift.emulator.handlers.compute:finish_write": "compute.written",
    "phift.emulator.handlers.compute:finish_delete": "compute.deleted",
    "phift.emulator.handlers.endpoints:finish_write": "endpoint.written",
    "phift.emulator.handlers.endpoints:finish_delete": "endpoint.deleted",
    "phift.emulator.handlers.endpoints:finish_key": "endpoint.key_regenerated",
    "phift.emulator.handlers.deployments:finish_write": "deployment.written",
    "phift.emulator.handlers.deployments:finish_delete": "deployment.deleted",
    "phift.emulator.handlers.jobs:cancel_finished": "job.canceled",
    "phift.emulator.handlers.jobs:delete_finished": "job.deleted",
}
"""The registered name by the stored one (0.1.0 and 0.2.0). A home may hold an operation started by any release."""
