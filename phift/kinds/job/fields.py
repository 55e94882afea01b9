"""The fields of a job; its inputs are part of its digest and are not compared individually."""

from __future__ import annotations

from phift.kinds.shared.fields import Field
from phift.state.ownership import user_tags

__all__ = ["TABLE"]

TABLE = (
    Field("display_name", "properties.displayName"),
    Field("experiment_name", "properties.experimentName"),
    Field("description", "properties.description"),
    Field("tags", "properties.tags", user_tags, build=None),
)
