"""Check the local files of a spec that an apply uploads, besides data: code, environment, model, weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from phift.compile.draft import Draft
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError
from phift.kinds.code.compile import code
from phift.kinds.deployment.compile import deployment
from phift.kinds.endpoint.compile import endpoint
from phift.kinds.environment.compile import environment
from phift.kinds.model.compile import MODEL, models
from phift.spec import LoadedSpec, ModelFolderRef
from phift.state.exports import ModelExport
from phift.state.facts import Facts
from phift.workbench.assets import local_folders
from phift.workbench.own_models import folder_problem
from phift.workbench.sessions import Shared

if TYPE_CHECKING:
    from phift.lock import StackLock

__all__ = ["file_findings"]


def file_findings(loaded: LoadedSpec, pins: StackLock | None, data_root: Path | None = None) -> Iterator[Diagnostic]:
    """Yield the errors that a plan finds in local files and folders.

    pins: of the stack in the lock file; None without one. data_root: the folder that must contain local files.
    """
    base = loaded.spec.base_model
    if isinstance(base, ModelFolderRef):
        pinned = pins.model_for(str(base)) if pins else None
        if problem := folder_problem(loaded, base, pinned, data_root):
            yield problem
    try:
        folders = local_folders(loaded, Shared(data_root=data_root))
    except InvalidSpecError as error:
        yield from error.diagnostics
        return
    draft = Draft(loaded, Facts("", "", folders=folders))
    code(draft)
    environment(draft)
    if loaded.spec.served is not None:
        models(draft)
    elif loaded.spec.finetune is not None:
        draft.export(ModelExport(MODEL, loaded.spec.name, ""))
    if draft.first(ModelExport) is not None:
        endpoint(draft)
        deployment(draft)
    yield from draft.findings
