"""Convert azure-ai-ml entities to the JSON that MLClient would send. The only place that uses the SDK's private API.

It relies on azure-ai-ml 1.35 (pyproject.toml pins it below 1.36): `_to_rest_object`, the `_deserialize` and
`_from_rest_object` pair of components, and the models' JSON encoder.
"""

from __future__ import annotations

import copy
import io
import json
import logging
import re
import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from phift.errors import PhiftError

__all__ = ["body", "build_pipeline", "code", "document", "loaded", "pipeline_from_component", "silence"]

T = TypeVar("T")

_SDK = threading.RLock()
"""Held by whoever runs the SDK's code: it is not safe for threads. `@pipeline` keeps its builder stack and a profile
hook in process globals, and a REST model computes its fields on first use from class dictionaries that the first use
of a related model changes."""

_VERSIONED = re.compile(r"^(?:azureml:)?(?P<name>[^:/]+):(?P<version>[^:/]+)$")
"""A reference to a version; an entity that is read from YAML has lost the prefix."""
_CURATED = ("azureml:AzureML-", "AzureML-")
_SHORT_DATASTORE = re.compile(r"^azureml://datastores/")


@cache
def silence() -> None:
    """Silence the SDK's loggers, after importing it: it configures its own logger on import."""
    import azure.ai.ml  # noqa: F401

    for name in ("azure", "azure.ai.ml", "azure.identity", "azure.core", "msal", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def body(entity: Any, location: str | None = None, workspace: str = "") -> dict[str, Any]:
    """Return the PUT body with which MLClient would write the entity: AmlCompute, Data, Model, PipelineJob, ...

    location: the workspace's region, part of computes, endpoints and deployments. workspace: its ARM id, used to
    expand short references (`azureml:name:version`, a cluster's name, `azureml://datastores/...` of a model) where
    MLClient does so. Everything that an entity refers to must be in the cloud: nothing is uploaded or looked up. Two
    additions of MLClient are omitted: Git properties of the current folder, and the service's defaults.
    Raises PhiftError for an entity that the SDK itself rejects.
    """
    silence()
    try:
        with _SDK:
            return _plain(_rest_object(entity, location, workspace))
    except PhiftError:
        raise
    except Exception as error:
        raise _refused(entity, error) from error


def document(entity: Any) -> dict[str, Any]:
    """Return the entity as plain values in the words of `az ml` YAML, without empty ones."""
    silence()
    with _SDK:
        plain: dict[str, Any] = json.loads(json.dumps(entity._to_dict()))
    return {name: value for name, value in plain.items() if value not in (None, {}, [])}


def loaded(document: Mapping[str, Any], load: str) -> Any:
    """Return the entity that a loader of azure-ai-ml, such as `load_compute`, reads from `az ml` YAML.

    Raises PhiftError if the SDK rejects the document.
    """
    silence()
    import azure.ai.ml

    try:
        with _SDK:
            return getattr(azure.ai.ml, load)(io.StringIO(json.dumps(document)))
    except Exception as error:
        raise PhiftError(f"azure-ai-ml does not read {document.get('name', '')}", detail=_message(error)) from error


def code(name: str, version: str, path: str) -> Any:
    """Return the entity of a code version, which the SDK does not export. path: URL of the uploaded files."""
    import azure.ai.ml.entities  # noqa: F401  # first: threads that enter the package elsewhere deadlock
    from azure.ai.ml.entities._assets import Code

    return Code(name=name, version=version, path=path)


def pipeline_from_component(document: Mapping[str, Any]) -> Callable[..., Any]:
    """Convert a component version's REST document to an entity that can be called inside `@pipeline`; no network.

    document: as returned by a registry: `id` (`azureml://registries/R/components/N/versions/V`), `name`,
    `properties.componentSpec`. Raises PhiftError if the SDK cannot read it.
    """
    silence()
    from azure.ai.ml._restclient.arm_ml_service.models import ComponentVersion
    from azure.ai.ml.entities import Component

    try:
        with _SDK:
            # The SDK empties the specification that it reads, so pass a copy.
            version = ComponentVersion._deserialize(copy.deepcopy(dict(document)), [])
            component: Callable[..., Any] = Component._from_rest_object(version)
    except Exception as error:
        raise PhiftError(
            f"azure-ai-ml cannot read the component {document.get('id', '')}", detail=_message(error)
        ) from error
    return component


def build_pipeline(function: Callable[..., T], /, *arguments: Any, **keywords: Any) -> T:
    """Build the PipelineJob of a function decorated with `@pipeline`; only one build at a time per process."""
    silence()
    with _SDK:
        return function(*arguments, **keywords)


def _rest_object(entity: Any, location: str | None, workspace: str) -> Any:
    """Prepare the entity like create_or_update of the kind's operations class."""
    from azure.ai.ml.entities import Compute, Job, Model, OnlineDeployment, OnlineEndpoint

    sent = copy.copy(entity)
    if isinstance(entity, Compute):
        sent.location = entity.location or location
        settings = getattr(entity, "network_settings", None)
        if settings and settings.subnet and not getattr(entity, "subnet", None):
            sent.subnet = settings.subnet
        return sent._to_rest_object()
    if isinstance(entity, OnlineEndpoint):
        sent.traffic = _without_zeros(entity.traffic)
        sent.mirror_traffic = _without_zeros(entity.mirror_traffic)
        return sent._to_rest_online_endpoint(location=location)
    if isinstance(entity, OnlineDeployment):
        sent.model = _whole(entity.model, "models", workspace)
        sent.environment = _whole(entity.environment, "environments", workspace)
        return sent._to_rest_object(location=location)
    if isinstance(entity, Model):
        sent.path = _SHORT_DATASTORE.sub(f"azureml:/{_lower_group(workspace)}/datastores/", str(entity.path))
        return sent._to_rest_object()
    if isinstance(entity, Job):
        return _rest_job(entity, workspace)
    return entity._to_rest_object()


def _rest_job(job: Any, workspace: str) -> Any:
    from azure.ai.ml.entities._job.to_rest_functions import to_rest_job_object

    rest = to_rest_job_object(job)
    settings = rest.properties.settings if "settings" in rest.properties else None
    if settings and settings.get("default_compute"):
        settings["default_compute"] = _compute(settings["default_compute"], workspace)
    if rest.properties.get("computeId"):
        rest.properties["computeId"] = _compute(rest.properties["computeId"], workspace)
    return rest


def _whole(reference: Any, kind: str, workspace: str) -> Any:
    """Expand a short reference to the asset's ARM id. Curated environments keep their short name, as in the SDK."""
    if not isinstance(reference, str) or reference.startswith(_CURATED):
        return reference
    if short := _VERSIONED.match(reference):
        if not workspace:
            raise PhiftError(f"{reference} requires a workspace")
        return f"{workspace}/{kind}/{short['name']}/versions/{short['version']}"
    return reference.removeprefix("azureml:") if reference.startswith("azureml:/subscriptions/") else reference


def _compute(name: str, workspace: str) -> str:
    if name == "serverless" or "/" in name or not workspace:
        return name
    return f"{workspace}/computes/{name.removeprefix('azureml:')}"


def _lower_group(workspace: str) -> str:
    """Return the workspace as in long datastore URIs: `resourcegroups`, and `workspaces` without provider."""
    return workspace.replace("/resourceGroups/", "/resourcegroups/").replace(
        "/providers/Microsoft.MachineLearningServices", ""
    )


def _without_zeros(traffic: Mapping[str, int] | None) -> dict[str, int]:
    return {name: share for name, share in (traffic or {}).items() if share}


def _plain(rest: Any) -> dict[str, Any]:
    from azure.ai.ml._restclient.arm_ml_service._utils.model_base import SdkJSONEncoder

    document: dict[str, Any] = json.loads(json.dumps(rest, cls=SdkJSONEncoder, exclude_readonly=True))
    return document


def _refused(entity: Any, error: Exception) -> PhiftError:
    name = getattr(entity, "name", "") or ""
    return PhiftError(f"azure-ai-ml rejects the {type(entity).__name__} {name}".rstrip(), detail=_message(error))


def _message(error: BaseException) -> str:
    """Extract the cause from the SDK's coloured help text, else the first lines."""
    cause = error.__context__ if hasattr(error.__context__, "error_category") else error
    text = str(getattr(cause, "message", "") or cause)
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if line.strip()]
    return "\n".join(lines[:5]) or type(error).__name__
