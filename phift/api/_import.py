"""Write a spec of what exists in a workspace. Nothing here writes to the workspace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from phift.workspace import WorkspaceId

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from phift.azure.session import Azure
    from phift.phases.imported_spec import ImportedSpec

__all__ = ["import_endpoint", "import_job"]


def import_endpoint(
    endpoint: str,
    *,
    path: str | Path | None = None,
    deployment: str | None = None,
    name: str | None = None,
    target: str = "azure",
    workspace: WorkspaceId | None = None,
    credential: TokenCredential | None = None,
) -> ImportedSpec:
    """Return a spec of a managed online endpoint that no stack owns. Its first apply takes ownership, and no more.

    path: a new file for the spec, with its pins in phift.lock next to it; None: write nothing. deployment: default is
    the one with most traffic. name: of the stack; default is derived from the endpoint. target: its name in the spec;
    local is the emulator. workspace: default is that of the environment or of config.json. credential: see `open_spec`.

    Raises RefusedError (exit code 4) for an endpoint that cannot be imported, UsageError (1) for one that does not
    exist and for a path that is taken, AzureError (1), EmulatorError (1).
    """
    from phift import phases

    with _opened(workspace, target, credential) as azure:
        found = phases.import_endpoint(azure, endpoint, deployment=deployment, name=name, target=target)
    return _written(path, found)


def import_job(
    job: str,
    *,
    path: str | Path | None = None,
    name: str | None = None,
    target: str = "azure",
    workspace: WorkspaceId | None = None,
    credential: TokenCredential | None = None,
) -> ImportedSpec:
    """Return a draft of a spec, from the data, base model and parameters of a fine-tuning job. Applying it trains.

    name: default is derived from the base model. Takes the other arguments of `import_endpoint`, and raises the same
    errors.
    """
    from phift import phases

    with _opened(workspace, target, credential) as azure:
        found = phases.import_job(azure, job, name=name, target=target)
    return _written(path, found)


@contextmanager
def _opened(workspace: WorkspaceId | None, target: str, credential: TokenCredential | None) -> Iterator[Azure]:
    from phift import phases
    from phift.azure.sessions import open_workspace

    azure = open_workspace(workspace, local=target == phases.LOCAL, credential=credential)
    try:
        yield azure
    finally:
        azure.close()


def _written(path: str | Path | None, found: ImportedSpec) -> ImportedSpec:
    from phift import phases

    if path is not None:
        phases.write_imported(Path(path), found)
    return found
