"""The curated environments of the `azureml` registry (assumed: curated_environment_versions)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

__all__ = ["PREFIX", "curated", "curated_names", "curated_properties"]

PREFIX = "AzureML-"
_IMAGES = "mcr.microsoft.com/azureml/curated"


@cache
def _published() -> MappingProxyType[str, dict[str, Any]]:
    """By name in lower case, each with and without the prefix."""
    facts = yaml.safe_load((Path(__file__).parent / "environments.yaml").read_bytes())
    found = {}
    for name, body in facts["environments"].items():
        description = facts["description"][body["for"]].format(what=body["what"])
        tags = {**body["tags"], **({"Training": ""} if body["for"] == "training" else {})}
        tags |= {"Inferencing": ""} if body["for"] == "inference" else {}
        for full in (name, f"{PREFIX}{name}"):
            found[full.casefold()] = {"name": full, "newest": body["newest"], "image": name, "description": description}
            found[full.casefold()]["tags"] = tags
    return MappingProxyType(found)


def curated_names() -> list[str]:
    """The names of all curated environments, in the order of publication."""
    return [body["name"] for body in _published().values()]


def curated(name: str) -> tuple[str, int] | None:
    """The name in its own spelling, and the newest version of a curated environment; None for any other name."""
    found = _published().get(name.casefold())
    return (found["name"], found["newest"]) if found else None


def curated_properties(name: str, version: str) -> dict[str, Any]:
    """The properties of a version of a curated environment; raises KeyError for any other name."""
    found = _published()[name.casefold()]
    return {
        "description": found["description"],
        "tags": dict(found["tags"]),
        "properties": {"azureml.labels": "latest" if version == str(found["newest"]) else ""},
        "isArchived": False,
        "isAnonymous": False,
        "autoDeleteSetting": None,
        "environmentType": "Curated",
        "image": f"{_IMAGES}/{found['image']}:{version}",
        "condaFile": None,
        "osType": "Linux",
        "autoRebuild": "Disabled",
        "provisioningState": "Succeeded",
        "stage": "Production",
        "intellectualProperty": None,
    }
