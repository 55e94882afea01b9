"""The workspaces and registries that are served."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Workspace"]


@dataclass(frozen=True)
class Workspace:
    """A workspace that is served, or a registry, which is stored and named alike.

    location: region name. workspace_id: its GUID. container: the default blob container. kind: the ARM type,
    workspaces or registries.
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
    kind: str = "workspaces"

    def asset_id(self, kind: str, name: str, version: str = "") -> str:
        """The id of an asset, of a version of it where one is given. kind: as in paths, such as models."""
        base = f"azureml://registries/{self.name}" if self.kind == "registries" else self.arm_id
        return f"{base}/{kind}/{name}" + (f"/versions/{version}" if version else "")

    @property
    def arm_id(self) -> str:
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/{self.kind}/{self.name}"
        )
