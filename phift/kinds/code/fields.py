"""The fields of a code version."""

from __future__ import annotations

from phift.kinds.shared.fields import Field
from phift.state.ownership import user_tags

__all__ = ["TABLE"]

TABLE = (Field("tags", "properties.tags", user_tags, build=None),)
