"""MLflow's model registry of the workspace: registered models and their versions are the workspace's models."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response

from phift.emulator.core.documents import reply, touched
from phift.emulator.core.errors import OPERATIONS_PAGE, ServiceError
from phift.emulator.core.validation import check_asset_name, lenient_object
from phift.emulator.services.assets.base import new_container, next_version, remove_version, store_version
from phift.emulator.services.assets.models import MODELS
from phift.emulator.services.emulator import Call
from phift.emulator.services.mlflow.documents import (
    STAGES,
    latest_versions,
    matches,
    registered_model,
    stage_of,
    version_document,
    versions_of,
)
from phift.emulator.services.mlflow.sources import download_uri, model_uri

__all__ = ["answer", "known"]

Body = Mapping[str, Any]
Handler = Callable[[Call, Body], Awaitable[dict[str, Any]]]

_MOST = 1000


def known(resource: str) -> bool:
    """Whether a path of MLflow's API, such as registered-models/create, is one of the model registry."""
    return resource.partition("/")[0] in ("registered-models", "model-versions")


async def answer(call: Call, resource: str) -> Response:
    """The answer to a request of the model registry, errors in MLflow's own form."""
    try:
        handler = HANDLERS.get((call.request.method, resource))
        if handler is None:
            text = (
                f"The workspace's model registry does not support {call.request.method} {resource}. Supported "
                f"operations, and their differences: {OPERATIONS_PAGE}"
            )
            raise ServiceError(501, "NOT_IMPLEMENTED", text)
        body: Body = dict(call.request.query_params)
        if call.request.method != "GET":
            body = await lenient_object(call, "MlflowRequest", needed=False)
        elif "stages" in body:
            body = {**body, "stages": call.request.query_params.getlist("stages")}
        return reply(await handler(call, body))
    except ServiceError as error:
        code = error.code if error.code.isupper() else _CODES.get(error.status, "INVALID_PARAMETER_VALUE")
        return reply({"error_code": code, "message": error.message}, error.status)


_CODES = {404: "RESOURCE_DOES_NOT_EXIST", 409: "RESOURCE_ALREADY_EXISTS"}


# registered models


async def _create_model(call: Call, body: Body) -> dict[str, Any]:
    name = _text(body, "name")
    check_asset_name(name)
    if call.emulator.store.get(MODELS.segment, name):
        raise ServiceError(400, "RESOURCE_ALREADY_EXISTS", f"Registered Model (name={name}) already exists.")
    container = new_container(MODELS, name) | {"description": body.get("description"), "tags": _bag(body.get("tags"))}
    call.emulator.store.put(MODELS.segment, name, body=container)
    return {"registered_model": registered_model(call.emulator, container)}


async def _get_model(call: Call, body: Body) -> dict[str, Any]:
    return {"registered_model": registered_model(call.emulator, _container(call, body))}


async def _update_model(call: Call, body: Body) -> dict[str, Any]:
    container = _container(call, body)
    container["description"] = body.get("description")
    return {"registered_model": registered_model(call.emulator, _saved(call, container))}


async def _delete_model(call: Call, body: Body) -> dict[str, Any]:
    name = _container(call, body)["name"]
    store = call.emulator.store
    with store.transaction():
        for document in store.list(MODELS.versions, name):
            store.delete(MODELS.versions, name, document["name"])
        store.delete(MODELS.segment, name)
    return {}


async def _search_models(call: Call, body: Body) -> dict[str, Any]:
    stored = call.emulator.store.list(MODELS.segment)
    found = [registered_model(call.emulator, each) for each in stored if each["latest"] is None or not each["hidden"]]
    return _page(call, body, found, "registered_models", key=lambda each: (str(each["name"]).casefold(), 0))


async def _tag_model(call: Call, body: Body) -> dict[str, Any]:
    container = _container(call, body)
    container["tags"] = {**(container["tags"] or {}), _text(body, "key"): str(body.get("value") or "")}
    _saved(call, container)
    return {}


async def _untag_model(call: Call, body: Body) -> dict[str, Any]:
    container = _container(call, body)
    container["tags"] = {key: value for key, value in container["tags"].items() if key != body.get("key")}
    _saved(call, container)
    return {}


async def _latest(call: Call, body: Body) -> dict[str, Any]:
    name = _container(call, body)["name"]
    stages = [str(each) for each in body.get("stages") or ()]
    for stage in stages:
        _stage(stage)
    return {"model_versions": latest_versions(name, versions_of(call.emulator, name), stages)}


# versions


async def _create_version(call: Call, body: Body) -> dict[str, Any]:
    name = _container(call, body)["name"]
    uri = await model_uri(call.emulator, _text(body, "source"))
    sent = {"modelUri": uri, "modelType": "mlflow_model", "description": body.get("description")}
    sent |= {"tags": _bag(body.get("tags")), "jobName": body.get("run_id") or None}
    version = next_version(call.emulator, MODELS, name)
    properties = MODELS.create(call, name, version, sent)
    if not properties["flavors"]:
        properties["modelType"] = "custom_model"
    document = store_version(call.emulator, MODELS, name, version, properties)
    return {"model_version": version_document(name, document)}


async def _get_version(call: Call, body: Body) -> dict[str, Any]:
    name, document = _version(call, body)
    return {"model_version": version_document(name, document)}


async def _download_uri(call: Call, body: Body) -> dict[str, Any]:
    name, document = _version(call, body)
    return {"artifact_uri": download_uri(name, document["name"])}


async def _update_version(call: Call, body: Body) -> dict[str, Any]:
    return _changed(call, body, description=body.get("description"))


async def _delete_version(call: Call, body: Body) -> dict[str, Any]:
    name, document = _version(call, body)
    remove_version(call.emulator, MODELS, name, document["name"])
    return {}


async def _search_versions(call: Call, body: Body) -> dict[str, Any]:
    found = [
        version_document(container["name"], document)
        for container in call.emulator.store.list(MODELS.segment)
        for document in versions_of(call.emulator, container["name"])
    ]
    return _page(
        call, body, found, "model_versions", key=lambda each: (str(each["name"]).casefold(), -int(each["version"]))
    )


async def _tag_version(call: Call, body: Body) -> dict[str, Any]:
    tags = _version(call, body)[1]["properties"]["tags"]
    _changed(call, body, tags={**tags, _text(body, "key"): str(body.get("value") or "")})
    return {}


async def _untag_version(call: Call, body: Body) -> dict[str, Any]:
    tags = _version(call, body)[1]["properties"]["tags"]
    _changed(call, body, tags={key: value for key, value in tags.items() if key != body.get("key")})
    return {}


async def _transition(call: Call, body: Body) -> dict[str, Any]:
    """A version's stage; with archive_existing_versions those in the stage before are archived."""
    stage = _stage(_text(body, "stage"))
    name, document = _version(call, body)
    if str(body.get("archive_existing_versions")).lower() == "true":
        for other in versions_of(call.emulator, name):
            if other["name"] != document["name"] and stage_of(other["properties"]) == stage:
                _changed(call, {"name": name, "version": other["name"]}, **_staged("Archived"))
    return _changed(call, body, **_staged(stage))


def _staged(stage: str) -> dict[str, Any]:
    """The properties of a version in a stage; archived ones are archived for all (None is Development here)."""
    return {"stage": "Development" if stage == "None" else stage, "isArchived": stage == "Archived"}


def _stage(text: str) -> str:
    found = next((stage for stage in STAGES if stage.casefold() == text.casefold()), None)
    if found is None:
        allowed = ", ".join(STAGES)
        text = f"Invalid Model Version stage: {text}. Value must be one of {allowed}."
        raise ServiceError(400, "INVALID_PARAMETER_VALUE", text)
    return found


def _changed(call: Call, body: Body, **properties: Any) -> dict[str, Any]:
    name, document = _version(call, body)
    document["properties"] |= properties
    document["systemData"] = touched(document["systemData"])
    call.emulator.store.put(MODELS.versions, name, document["name"], body=document)
    return {"model_version": version_document(name, document)}


def _container(call: Call, body: Body) -> dict[str, Any]:
    name = _text(body, "name")
    container = call.emulator.store.get(MODELS.segment, name)
    if container is None:
        raise ServiceError(404, "RESOURCE_DOES_NOT_EXIST", f"Registered Model with name={name} not found")
    return container


def _saved(call: Call, container: dict[str, Any]) -> dict[str, Any]:
    container["systemData"] = touched(container["systemData"])
    call.emulator.store.put(MODELS.segment, container["name"], body=container)
    return container


def _version(call: Call, body: Body) -> tuple[str, dict[str, Any]]:
    """The model's name and the version's document."""
    name, version = _container(call, body)["name"], _text(body, "version")
    document = call.emulator.store.get(MODELS.versions, name, version)
    if document is None:
        text = f"Model Version (name={name}, version={version}) not found"
        raise ServiceError(404, "RESOURCE_DOES_NOT_EXIST", text)
    return name, document


def _text(body: Body, key: str) -> str:
    value = body.get(key)
    if value is None or value == "":
        raise ServiceError(400, "INVALID_PARAMETER_VALUE", f"Missing value for required parameter '{key}'.")
    return str(value)


def _bag(tags: Any) -> dict[str, str]:
    return {str(each.get("key")): str(each.get("value") or "") for each in tags or ()}


def _page(
    call: Call,
    body: Body,
    found: list[dict[str, Any]],
    name: str,
    *,
    key: Callable[[Mapping[str, Any]], tuple[str, int]],
) -> dict[str, Any]:
    text = str(body.get("filter") or "")
    rows = sorted((each for each in found if matches(text, each)), key=key)
    size, token = str(body.get("max_results") or ""), str(body.get("page_token") or "")
    most = min(int(size), _MOST) if size.isdigit() and int(size) else _MOST
    start = int(token) if token.isdigit() else 0
    more = {"next_page_token": str(start + most)} if len(rows) > start + most else {}
    return {name: rows[start : start + most], **more}


HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("POST", "registered-models/create"): _create_model,
    ("GET", "registered-models/get"): _get_model,
    ("PATCH", "registered-models/update"): _update_model,
    ("DELETE", "registered-models/delete"): _delete_model,
    ("GET", "registered-models/search"): _search_models,
    ("POST", "registered-models/set-tag"): _tag_model,
    ("DELETE", "registered-models/delete-tag"): _untag_model,
    ("POST", "registered-models/get-latest-versions"): _latest,
    ("GET", "registered-models/get-latest-versions"): _latest,
    ("POST", "model-versions/create"): _create_version,
    ("GET", "model-versions/get"): _get_version,
    ("GET", "model-versions/get-download-uri"): _download_uri,
    ("PATCH", "model-versions/update"): _update_version,
    ("DELETE", "model-versions/delete"): _delete_version,
    ("GET", "model-versions/search"): _search_versions,
    ("POST", "model-versions/set-tag"): _tag_version,
    ("DELETE", "model-versions/delete-tag"): _untag_version,
    ("POST", "model-versions/transition-stage"): _transition,
}
"""By method and path below /api/2.0/mlflow/."""
