"""Autoscale settings of Azure Monitor: where they are, and what they scale."""

from __future__ import annotations

from phift.workspace import WorkspaceId

__all__ = ["SETTINGS_API", "settings_path"]

SETTINGS_API = "2022-10-01"


def settings_path(workspace: WorkspaceId) -> str:
    """Return the ARM path of the autoscale settings of the workspace's resource group."""
    return (
        f"/subscriptions/{workspace.subscription_id}/resourceGroups/{workspace.resource_group}"
        "/providers/Microsoft.Insights/autoscalesettings"
    )
