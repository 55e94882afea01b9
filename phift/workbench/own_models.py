"""Base models that are not registered: one of the hub by its id, and a local folder of weights."""

from __future__ import annotations

import os
from collections.abc import Container
from pathlib import Path
from typing import Any

from phift.diagnostics import Diagnostic
from phift.digest import digest_of, known_digest
from phift.errors import InvalidSpecError, PhiftError
from phift.files import is_within, real
from phift.kinds.job.component import BASE_MODEL, FOLDER_MODEL, HUB_MODEL
from phift.lock import PinnedModel
from phift.spec import HubModelRef, LoadedSpec, ModelFolderRef
from phift.state.facts import BaseModel, ParameterFile, Weights
from phift.workbench.sessions import Shared

__all__ = ["MLFLOW", "folder_problem", "own_model"]

MLFLOW, HUGGING_FACE = "mlflow_model", "custom_model"
_MOST_FILES = 1000
_COMMIT_DIGITS = 12


def own_model(
    loaded: LoadedSpec, reference: HubModelRef | ModelFolderRef, pinned: PinnedModel | None, shared: Shared
) -> BaseModel:
    """Return the base model. pinned: its pin in the lock file, with the commit or the content.

    The commit of a pinned model of the hub is not read again. The content of a folder is always read; without the
    folder, the pin counts. Raises InvalidSpecError, and HubError if the hub is unreachable.
    """
    if isinstance(reference, HubModelRef):
        commit = pinned.version if pinned else _commit(reference, shared)
        weights = Weights(HUB_MODEL, literal=reference.id)
        return BaseModel(f"{reference}@{commit}", "", reference.name, commit[:_COMMIT_DIGITS], weights=weights)
    return _folder(loaded, reference, pinned, shared)


def folder_problem(
    loaded: LoadedSpec, reference: ModelFolderRef, pinned: PinnedModel | None, root: Path | None
) -> Diagnostic | None:
    """Return what is wrong with a folder of weights, found without reading them; None if it can be used.

    pinned: its pin in the lock file, which counts without the folder. root: the folder that must contain it; None:
    anywhere.
    """
    try:
        inside = _located(loaded, reference, root)
        if not inside.is_dir():
            return None if pinned else _finding(loaded, f"no such folder: {loaded.path.parent / reference.path}")
        _type(loaded, reference, {entry.name for entry in os.scandir(inside)})
    except InvalidSpecError as error:
        return error.diagnostics[0]
    except OSError as error:
        return _unreadable(loaded, reference, error)
    return None


def _commit(reference: HubModelRef, shared: Shared) -> str:
    if shared.looking:
        raise PhiftError(f"phift.lock does not pin {reference}", remedy="Run `phift lock`.")
    from phift.data.hub.models import commit_of  # takes long to import

    return shared.once(("hub model", reference.id), lambda: commit_of(reference.id))


def _folder(loaded: LoadedSpec, reference: ModelFolderRef, pinned: PinnedModel | None, shared: Shared) -> BaseModel:
    try:
        inside = _located(loaded, reference, shared.data_root)
        files = shared.once(("weights", str(inside)), lambda: _files(inside)) if inside.is_dir() else {}
    except OSError as error:
        raise InvalidSpecError([_unreadable(loaded, reference, error)]) from None
    if not files:
        folder = loaded.path.parent / reference.path
        if pinned is None:
            empty = f"{reference.path}: does not contain a file"
            raise _problem(loaded, empty if inside.is_dir() else f"no such folder: {folder}")
        type = MLFLOW if reference.type == MLFLOW else HUGGING_FACE
        return _model(reference, pinned.version, Weights(_input(type), type, missing=str(folder)))
    type = _type(loaded, reference, files)
    digest = digest_of([type, {name: file.digest for name, file in sorted(files.items())}])
    return _model(reference, digest, Weights(_input(type), type, digest=digest, files=files))


def _located(loaded: LoadedSpec, reference: ModelFolderRef, root: Path | None) -> Path:
    """Return the folder with links followed. Raises InvalidSpecError for one outside the root, and OSError."""
    inside = real(loaded.path.parent / reference.path)
    if root is not None and not is_within(inside, real(root)):
        # Checked first: the error must not reveal whether a folder exists outside the root.
        raise _problem(loaded, f"{reference.path} is outside the data root {root}")
    return inside


def _type(loaded: LoadedSpec, reference: ModelFolderRef, names: Container[str]) -> str:
    """Return the type of a folder with these files. Raises InvalidSpecError if they are not a model."""
    type = reference.type or (MLFLOW if "MLmodel" in names else HUGGING_FACE)
    if type == HUGGING_FACE and "config.json" not in names:
        raise _problem(loaded, f"{reference.path} does not contain a model: config.json is missing")
    if type == MLFLOW and "MLmodel" not in names:
        raise _problem(loaded, f"{reference.path} does not contain an MLflow model: MLmodel is missing")
    return type


def _model(reference: ModelFolderRef, digest: str, weights: Weights) -> BaseModel:
    return BaseModel(f"folder:{digest}", "", reference.name, digest[:_COMMIT_DIGITS], weights=weights)


def _input(type: str) -> str:
    return BASE_MODEL if type == MLFLOW else FOLDER_MODEL


def _files(folder: Path) -> dict[str, ParameterFile]:
    """Return the regular files below a folder by relative path, without hidden ones. Raises OSError."""
    found: dict[str, ParameterFile] = {}
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if name.startswith(".") or not path.is_file():
                continue
            if not is_within(path, folder):
                raise OSError(0, f"{path.relative_to(folder)} is a link to a file outside the folder")
            found[path.relative_to(folder).as_posix()] = ParameterFile(path, known_digest(path), path.stat().st_size)
            if len(found) > _MOST_FILES:
                raise OSError(0, f"more than {_MOST_FILES} files")
    return found


def _problem(loaded: LoadedSpec, summary: str) -> InvalidSpecError:
    return InvalidSpecError([_finding(loaded, summary)])


def _unreadable(loaded: LoadedSpec, reference: ModelFolderRef, error: OSError) -> Diagnostic:
    return _finding(loaded, f"cannot read {reference.path}: {error.strerror}")


def _finding(loaded: LoadedSpec, summary: str) -> Diagnostic:
    detail: dict[str, Any] = {
        "detail": "A folder of weights is uploaded with the job, and its content is part of the job's digest.",
        "remedy": "Use the path of a folder with config.json and the weights, relative to the folder of the spec.",
    }
    return Diagnostic(summary, mark=loaded.mark("base_model"), path="base_model", code="weights-folder", **detail)
