"""`deployment.data_collector` in the REST document, and where the collected requests are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phift.kinds.deployment.spec import DataCollector

__all__ = ["collected", "collector_body", "collector_of", "observed_collector"]

_MODES = {"enabled": True, "disabled": False}
_FOLDER = "azureml://datastores/workspaceblobstore/paths/modelDataCollector"
"""Where the service stores collections without a data asset (azure-ai-ml: DEFAULT_MDC_PATH)."""


def collector_of(block: DataCollector) -> dict[str, Any]:
    """Return the properties of a block. Its sampling rate is that of each collection without its own."""
    plain: dict[str, Any] = block.model_dump(exclude_none=True)
    rate = plain.pop("sampling_rate", None)
    for collection in plain["collections"].values():
        if rate is not None:
            collection.setdefault("sampling_rate", rate)
    if logging := plain.get("request_logging"):
        logging["capture_headers"] = list(logging["capture_headers"])
    return plain


def collector_body(properties: Mapping[str, Any], workspace: str) -> dict[str, Any]:
    """Return the REST form of the properties. workspace: ARM id, to expand short references to data assets."""
    body: dict[str, Any] = {
        "collections": {
            name: {
                "dataCollectionMode": "Enabled" if collection["enabled"] else "Disabled",
                **_renamed(collection, {"sampling_rate": "samplingRate", "client_id": "clientId"}),
                **({"dataId": _data_id(collection["data"], workspace)} if "data" in collection else {}),
            }
            for name, collection in properties["collections"].items()
        }
    }
    if rate := properties.get("rolling_rate"):
        body["rollingRate"] = str(rate).capitalize()
    if logging := properties.get("request_logging"):
        body["requestLogging"] = {"captureHeaders": logging["capture_headers"]}
    return body


def observed_collector(raw: Mapping[str, Any] | None) -> dict[str, Any]:
    """Convert the REST form to the names of the spec."""
    if not raw:
        return {}
    found: dict[str, Any] = {
        "collections": {
            name: {
                "enabled": _MODES.get(str(mode := collection.get("dataCollectionMode")).lower(), mode),
                "sampling_rate": collection.get("samplingRate"),
                "data": _short(collection.get("dataId")),
                "client_id": collection.get("clientId"),
            }
            for name, collection in (raw.get("collections") or {}).items()
        }
    }
    if rate := raw.get("rollingRate"):
        found["rolling_rate"] = str(rate).lower()
    if logging := raw.get("requestLogging"):
        found["request_logging"] = {"capture_headers": list(logging.get("captureHeaders") or ())}
    return found


def collected(block: DataCollector, endpoint: str, deployment: str) -> Iterator[str]:
    """Yield notes for the plan: what is stored of the requests of users, and where."""
    for name, collection in block.collections.items():
        if not collection.enabled:
            continue
        rate = collection.sampling_rate if collection.sampling_rate is not None else block.sampling_rate
        share = f"{100 * rate:.4g} % of the requests" if rate is not None and rate != 1 else "all requests"
        place = collection.data or f"{_FOLDER}/{endpoint}/{deployment}/{name}"
        yield f"data_collector stores {name} of {share}, which can contain prompts of users, in {place}"


def _renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {there: values[here] for here, there in names.items() if here in values}


def _data_id(reference: str, workspace: str) -> str:
    name, separator, version = reference.removeprefix("azureml:").rpartition(":")
    short = reference.startswith("azureml:") and separator and "/" not in name
    return f"{workspace}/data/{name}/versions/{version}" if short else reference


def _short(reference: str | None) -> str | None:
    """Return `azureml:NAME:VERSION` for an ARM id."""
    if not reference or "/data/" not in reference:
        return reference
    name, _, version = reference.rpartition("/data/")[2].partition("/versions/")
    return f"azureml:{name}:{version}" if version else reference
