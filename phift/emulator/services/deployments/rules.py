"""What the service accepts of a deployment: instances, request settings, probes, model and code."""

from __future__ import annotations

from typing import Any

from phift.emulator.core.errors import ServiceError
from phift.emulator.runtime.serving.durations import seconds_of
from phift.emulator.runtime.serving.probes import DEFAULT_PROBE, Probe
from phift.emulator.services.assets.environments import check_environment
from phift.emulator.services.assets.locations import RegistryModel, model_type, place_of
from phift.emulator.services.deployments.prepare import model_key
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.endpoints.rules import refusal

__all__ = []

_MAX_INSTANCES = 50
_MAX_TIMEOUT = 180.0
_MODES = {"enabled": "Enabled", "disabled": "Disabled"}
_ROLLING = ("Year", "Month", "Day", "Hour", "Minute")
_REQUEST_SETTINGS = {"maxQueueWait": "PT0S", "requestTimeout": "PT5S", "maxConcurrentRequestsPerInstance": 1}


def sku_of(sent: Any) -> dict[str, Any]:
    capacity = (sent or {}).get("capacity", 1)
    if isinstance(capacity, bool) or not isinstance(capacity, int) or not 1 <= capacity <= _MAX_INSTANCES:
        raise refusal({"Sku.Capacity": f"The number of instances must be 1 to {_MAX_INSTANCES}, not {capacity!r}."})
    return {"name": "Default", "tier": "Standard", "capacity": capacity}


def request_settings(sent: Any) -> dict[str, Any]:
    given = {key: value for key, value in (sent or {}).items() if value is not None}
    settings: dict[str, Any] = {**_REQUEST_SETTINGS, **given}
    try:
        timeout = seconds_of(str(settings["requestTimeout"]))
        seconds_of(str(settings["maxQueueWait"]))
    except ValueError as error:
        raise refusal({"RequestSettings": str(error)}) from error
    if not 0 < timeout <= _MAX_TIMEOUT:
        text = f"RequestTimeout must be above 0 and at most 180 seconds, not {settings['requestTimeout']}."
        raise refusal({"RequestSettings.RequestTimeout": text})
    concurrent = settings["maxConcurrentRequestsPerInstance"]
    if isinstance(concurrent, bool) or not isinstance(concurrent, int) or concurrent < 1:
        text = f"MaxConcurrentRequestsPerInstance must be a whole number of at least 1, not {concurrent!r}."
        raise refusal({"RequestSettings.MaxConcurrentRequestsPerInstance": text})
    return settings


def probe_of(field: str, sent: Any) -> dict[str, Any]:
    given = {key: value for key, value in (sent or {}).items() if value is not None}
    try:
        Probe.read(given)
    except (ValueError, TypeError) as error:
        raise refusal({field: f"{field} is invalid: {error}."}) from error
    return {**DEFAULT_PROBE, **given}


def data_collector(sent: Any) -> dict[str, Any] | None:
    """What is kept of it (assumed: data_collector). Raises ServiceError for what its types do not allow."""
    if not sent:
        return None
    collections = sent.get("collections")
    if not isinstance(collections, dict) or not collections:
        raise refusal({"DataCollector.Collections": "A data collector needs collections."})
    kept = {}
    for name, each in collections.items():
        mode = _MODES.get(str((each or {}).get("dataCollectionMode")).lower())
        rate = (each or {}).get("samplingRate", 1.0)
        if mode is None:
            raise refusal({f"DataCollector.Collections.{name}": "DataCollectionMode must be Enabled or Disabled."})
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise refusal({f"DataCollector.Collections.{name}": "SamplingRate must be a number from 0 to 1."})
        kept[name] = {"clientId": None, "dataId": None, **each, "dataCollectionMode": mode, "samplingRate": float(rate)}
    rolling = str(sent.get("rollingRate") or "Hour").capitalize()
    if rolling not in _ROLLING:
        raise refusal({"DataCollector.RollingRate": f"RollingRate must be one of {', '.join(_ROLLING)}."})
    return {"collections": kept, "rollingRate": rolling, "requestLogging": sent.get("requestLogging")}


def check_assets(emulator: Emulator, properties: dict[str, Any]) -> None:
    """Model and code exist; a model that is none of MLflow brings its own code."""
    model, code = properties["model"], properties["codeConfiguration"]
    if not model and not code:
        raise refusal({"Model": "A deployment needs a model, or code that brings its own."})
    kind = ""
    if environment := properties["environmentId"]:
        try:
            check_environment(emulator, str(environment), own=True)
        except ServiceError as error:
            text = f"The environment {environment} cannot be found: {error.message}"
            raise refusal({"EnvironmentId": text}) from error
    if model:
        try:
            place = place_of(emulator, model, "mlflow_model")
        except ServiceError as error:
            raise refusal({"Model": f"The model {model} cannot be found: {error.message}"}) from error
        if not isinstance(place, RegistryModel):
            kind = model_type(emulator, model)
    if code:
        if not isinstance(code, dict) or not code.get("codeId") or not code.get("scoringScript"):
            raise refusal({"CodeConfiguration": "CodeConfiguration needs codeId and scoringScript."})
        if "\0" in code["scoringScript"]:
            raise refusal({"CodeConfiguration.ScoringScript": "The scoring script is not a valid path."})
        if emulator.store.get("codes/versions", *model_key(str(code["codeId"]))) is None:
            raise refusal({"CodeConfiguration.CodeId": f"The code asset {code['codeId']} cannot be found."})
    elif kind == "custom_model":
        text = (
            f"The model {model} is of type custom_model: a deployment without CodeConfiguration needs an mlflow_model."
        )
        raise refusal({"CodeConfiguration": text})


# quota
