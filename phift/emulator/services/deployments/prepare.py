"""What Azure's storage initializer does: a deployment's model and code as files, checked before anything is started."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from phift.emulator.core.context import Context
from phift.emulator.core.documents import timestamp
from phift.emulator.core.errors import ServiceError
from phift.emulator.runtime.serving.durations import seconds_of
from phift.emulator.runtime.serving.folders import ModelFolderError, find_model, find_pyfunc
from phift.emulator.runtime.serving.launch import Launch, workers_for
from phift.emulator.runtime.serving.supervisor import INITIALIZER_LOG, SERVER_LOG, log_folder
from phift.emulator.services.assets.locations import BlobPlace, RegistryModel, place_of
from phift.emulator.services.blob.account import BlobAccount
from phift.emulator.services.registry.publish import no_weights

__all__ = ["describe", "download", "model_key"]

_LOG_BYTES = 8 * 1024 * 1024


def describe(context: Context, endpoint: str, document: dict[str, Any], generation: str) -> Launch:
    """The launch that a deployment document asks for; nothing is downloaded yet. generation: names its folder."""
    properties, name = document["properties"], document["name"]
    code = properties.get("codeConfiguration") or {}
    model_name, model_version = model_key(properties.get("model") or "")
    return Launch(
        label=f"{endpoint}/{name}",
        folder=str(log_folder(context, endpoint, name) / generation),
        model=properties.get("model") or "",
        model_dir=f"azureml-models/{model_name}/{model_version}" if model_name else "",
        code=code.get("codeId") or "",
        entry_script=code.get("scoringScript") or "",
        workers=workers_for(int(document["sku"]["capacity"]))[0],
        timeout_ms=round(seconds_of(properties["requestSettings"]["requestTimeout"]) * 1000),
        variables=dict(properties.get("environmentVariables") or {}),
        readiness=properties["readinessProbe"],
        liveness=properties["livenessProbe"],
    )


def model_key(model: str) -> tuple[str, str]:
    """Name and version of a model id, in any form clients send."""
    parts = [part for part in model.replace("azureml:", "/", 1).replace(":", "/").split("/") if part]
    if "versions" in parts:
        at = len(parts) - 1 - parts[::-1].index("versions")
        return (parts[at - 1], parts[at + 1]) if 0 < at < len(parts) - 1 else ("", "")
    return (parts[-2], parts[-1]) if len(parts) >= 2 else ("", "")


async def download(context: Context, blobs: BlobAccount, launch: Launch) -> None:
    """Put model and code into the launch's folder. Raises ServiceError BadArgument for what cannot be served."""
    root = Path(launch.folder)
    shutil.rmtree(root, ignore_errors=True)
    (root / launch.app_root).mkdir(mode=0o700, parents=True)
    log = root.parent / INITIALIZER_LOG
    for file in (log, root.parent / SERVER_LOG):
        if file.exists() and file.stat().st_size > _LOG_BYTES:
            file.unlink()
    try:
        if launch.model:
            await _download_model(context, blobs, launch)
            _say(log, f"model {launch.model} is in {launch.model_dir}")
        if launch.code:
            await _download_code(context, blobs, launch)
            _say(log, f"code {launch.code} is in {launch.app_root}")
    except ServiceError as error:
        _say(log, f"error: {error.message}")
        raise ServiceError(400, "BadArgument", error.message) from error
    except OSError as error:  # names that are no file names here, no room
        text = f"The files cannot be written: {error.strerror or error}."
        _say(log, f"error: {text}")
        raise ServiceError(400, "BadArgument", text) from error


async def _download_model(context: Context, blobs: BlobAccount, launch: Launch) -> None:
    target = Path(launch.folder) / launch.model_dir
    place = place_of(context, launch.model, "mlflow_model")
    if isinstance(place, RegistryModel):
        if place.folder is None:
            text = no_weights(place.name, "or register a model with weights of your own to serve it")
            raise ServiceError(400, "BadArgument", text)
        await asyncio.to_thread(shutil.copytree, place.folder, target / "mlflow_model_folder")
    else:
        await _export(blobs, place, target, f"model {launch.model}")
    if launch.entry_script or find_pyfunc(target):
        return
    try:
        find_model(target)
    except ModelFolderError as error:
        raise ServiceError(400, "BadArgument", f"Model {launch.model} cannot be served: {error}.") from error


async def _download_code(context: Context, blobs: BlobAccount, launch: Launch) -> None:
    name, number = model_key(launch.code)
    document = context.store.get("codes/versions", name, number)
    if document is None:
        raise ServiceError(404, "ResourceNotFound", f"Code asset {launch.code} not found.")
    url = urlsplit(str(document["properties"]["codeUri"]))
    container, _, prefix = unquote(url.path).lstrip("/").partition("/")
    root = Path(launch.folder) / launch.app_root
    # a code asset is a folder inside its container; the script is named relative to that folder
    await blobs.export(container, f"{prefix.strip('/')}/" if prefix.strip("/") else "", root, link=False)
    if not (root / launch.entry_script).is_file():
        raise ServiceError(
            400, "BadArgument", f"Code asset {name} version {number} has no scoring script {launch.entry_script}."
        )


async def _export(blobs: BlobAccount, place: BlobPlace, target: Path, what: str) -> None:
    """As Azure does: the model's own folder, or file, inside AZUREML_MODEL_DIR."""
    is_file = blobs.exists(place.container, place.path)
    own = Path(place.path).name
    folder = target if is_file or own == ".." else target / own
    try:
        # copies: a script may write into its model, the store must never notice
        await blobs.export(place.container, place.path if is_file else place.path + "/", folder, link=False)
    except ServiceError as error:
        text = f"{what}: nothing is at its path {place.path} in the datastore."
        raise ServiceError(400, "BadArgument", text) from error


def _say(log: Path, text: str) -> None:
    with log.open("a", encoding="utf-8") as stream:
        stream.write(f"{timestamp()} {text}\n")
