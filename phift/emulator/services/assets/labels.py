"""Labels: what stands for the newest version of an asset, where a version can be named."""

from __future__ import annotations

from phift.emulator.core.store import Store

__all__ = ["DEFAULT_VERSION", "labelled_version"]

DEFAULT_VERSION = "azureml_default"
"""The version by which clients ask for a component without one."""
_LABELS = frozenset({"latest", "default", DEFAULT_VERSION})


def labelled_version(store: Store, segment: str, name: str, label: str) -> str | None:
    """The newest version that is neither archived nor anonymous, for every label that assets have; else None (assumed:
    default_version_of_assets).

    segment: the asset's kind in paths, such as models.
    """
    if label.casefold() not in _LABELS or (store.get(segment, name) or {}).get("isArchived"):
        return None
    for document in store.scan(f"{segment}/versions", name, newest_first=True):
        properties = document["properties"]
        if not (properties["isArchived"] or properties["isAnonymous"]):
            return str(document["name"])
    return None
