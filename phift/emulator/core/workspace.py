"""The workspace that is served."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Workspace"]


@dataclass(frozen=True)
class Workspace:
    """The one workspace that is served.

    location: region name. workspace_id: its GUID. container: the default blob container.
    """

    subscription_id: str
    resource_group: str
    name: str
    location: str
    workspace_id: str
    tenant_id: str
    storage_account: str
    container: str
    created_at: str

    @property
    def arm_id(self) -> str:
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.name}"
        )
