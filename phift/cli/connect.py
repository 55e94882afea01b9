"""From a loaded spec to a session with its workspace: the embedded Azure ML for target `local`, else the cloud."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING

from phift.errors import EmulatorError

if TYPE_CHECKING:
    from phift.azure.session import Azure
    from phift.emulator.lifecycle import Connection
    from phift.phases import Connector
    from phift.spec import LoadedSpec

__all__ = ["connector", "ensure_emulator"]

_LOCAL_EXTRA = ("cryptography", "starlette", "uvicorn", "httptools", "torch", "transformers", "peft", "mlflow")
"""What the emulator and its jobs import; looked for without importing."""


def connector(*, interactive: bool, tell: Callable[[str], None]) -> Connector:
    """A function that connects, for phases. interactive: a person may sign in in a browser. tell: takes progress."""

    def connect(loaded: LoadedSpec) -> Azure:
        from phift.azure.connect import WorkspaceId
        from phift.azure.connect import connect as azure

        if loaded.target.local:
            return azure(None, local=ensure_emulator(tell))
        named = loaded.target.workspace
        workspace = WorkspaceId(named.subscription_id, named.resource_group, named.name) if named else None
        return azure(workspace, interactive=interactive)

    return connect


def ensure_emulator(
    tell: Callable[[str], None], *, port: int | None = None, idle_seconds: float | None = None
) -> Connection:
    """The running emulator of PHIFT_HOME or the project, started where there is none. Raises EmulatorError."""
    from phift.emulator import lifecycle
    from phift.emulator.home import Home

    found = lifecycle.find()
    if found is not None:
        return found
    missing = [name for name in _LOCAL_EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise EmulatorError(
            "the embedded Azure ML is not installed",
            detail=f"Missing: {', '.join(missing)}.",
            remedy="pip install 'phift[local]', or choose a target in the cloud: --target NAME",
        )
    tell(f"Starting the embedded Azure ML in {Home.locate()}")
    return lifecycle.ensure(port=port, idle_seconds=idle_seconds)
