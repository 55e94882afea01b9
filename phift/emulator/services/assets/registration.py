"""Assets that the service registers itself: the outputs of jobs that name one."""

from __future__ import annotations

from phift.emulator.core.errors import ServiceError
from phift.emulator.services.assets.base import AssetKind, base_properties, find_version, next_version, store_version
from phift.emulator.services.assets.data import DATA
from phift.emulator.services.assets.locations import BlobPlace
from phift.emulator.services.assets.models import MODELS
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.jobs.outputs import place_uri
from phift.emulator.services.jobs.works import Output

__all__ = ["register_output"]

_MODEL = "_model"
_FILES = "uri_file"


def register_output(emulator: Emulator, output: Output, place: BlobPlace, job: str) -> str:
    """Register an output as a version of the data asset or model that it names; returns the version.

    place: where it lies. job: whose output it is. Raises ServiceError 400 for a version that exists already.
    """
    is_model = output.type.endswith(_MODEL)
    kind: AssetKind = MODELS if is_model else DATA
    name = output.asset_name
    version = output.asset_version or next_version(emulator, kind, name)
    if find_version(emulator, kind.segment, name, version):
        raise ServiceError(
            400, "UserError", f"The output cannot be registered: {name} has a version {version} already."
        )
    uri = place_uri(emulator, place)
    base = {**base_properties({}), "autoDeleteSetting": None, "intellectualProperty": None}
    if is_model:
        properties = {
            **base,
            "flavors": {},
            "modelType": output.type,
            "modelUri": uri.replace("/resourcegroups/", "/resourceGroups/"),
            "jobName": job,
            "provisioningState": "Succeeded",
            "stage": "Development",
        }
    else:
        folder = uri if output.type == _FILES else uri.rstrip("/") + "/"
        properties = {**base, "dataUri": folder, "stage": None, "dataType": output.type}
        if output.type == "mltable":
            properties["referencedUris"] = None
    store_version(emulator, kind, name, version, properties)
    return version
