"""From a loaded spec to a session with its workspace: the embedded Azure ML for target `local`, else the cloud."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from phift.errors import EmulatorError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from phift.azure.session import Azure
    from phift.emulator.host.lifecycle import Connection
    from phift.spec import LoadedSpec

__all__ = ["Sessions", "connector", "ensure_emulator"]

_LOCAL_EXTRA = ("cryptography", "starlette", "uvicorn", "httptools", "torch", "transformers", "peft", "mlflow")
"""What the emulator and its jobs import; looked for without importing."""


def connector(*, interactive: bool, tell: Callable[[str], None]) -> Callable[[LoadedSpec], Azure]:
    """A function that connects, for phases. interactive: a person may sign in in a browser. tell: takes progress."""

    def connect(loaded: LoadedSpec) -> Azure:
        if loaded.target.local:
            return _open(ensure_emulator(tell))
        return _open(loaded, interactive=interactive)

    return connect


class Sessions:
    """A connector for programs: no sign-in that asks a person, and one session a workspace, from any thread.

    credential: in place of those that azure.identity finds. tell: takes progress.
    """

    def __init__(self, credential: TokenCredential | None, tell: Callable[[str], None]) -> None:
        self._credential = credential
        self._tell = tell
        self._lock = threading.Lock()
        self._open: dict[Hashable, Azure] = {}

    def __call__(self, loaded: LoadedSpec) -> Azure:
        """A session with the workspace of the spec's target. Raises EmulatorError, and UsageError where none is named.

        An embedded Azure ML that ended is started again, which makes another session.
        """
        with self._lock:
            local = ensure_emulator(self._tell) if loaded.target.local else None
            key = local or loaded.target.workspace
            if key not in self._open:
                self._open[key] = _open(local or loaded, credential=self._credential)
            return self._open[key]

    def close(self) -> None:
        """Closes the connections; the next call opens others."""
        with self._lock:
            sessions, self._open = list(self._open.values()), {}
        for session in sessions:
            session.close()


def _open(
    where: Connection | LoadedSpec, *, interactive: bool = False, credential: TokenCredential | None = None
) -> Azure:
    from phift.azure.connect import WorkspaceId, connect
    from phift.spec import LoadedSpec

    if not isinstance(where, LoadedSpec):
        return connect(None, local=where.alone())
    named = where.target.workspace
    workspace = WorkspaceId(named.subscription_id, named.resource_group, named.name) if named else None
    return connect(workspace, interactive=interactive, credential=credential)


def ensure_emulator(
    tell: Callable[[str], None], *, port: int | None = None, idle_seconds: float | None = None
) -> Connection:
    """The running emulator of PHIFT_HOME or the project, started where there is none. Raises EmulatorError."""
    from phift.emulator.host import lifecycle
    from phift.emulator.host.home import Home

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
