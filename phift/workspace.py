"""The identity of an Azure ML workspace, and the names of regions."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["WorkspaceId", "region_name"]


class WorkspaceId(NamedTuple):
    """The names that identify a workspace."""

    subscription_id: str
    resource_group: str
    name: str

    @property
    def arm_id(self) -> str:
        """The path in Resource Manager."""
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.name}"
        )

    @property
    def label(self) -> str:
        """The text for people."""
        return f"{self.resource_group}/{self.name}"


def region_name(text: str) -> str:
    """Return a region as the service spells it in ids and filters: `East US` is eastus."""
    return text.replace(" ", "").lower()
