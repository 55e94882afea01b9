"""Connect to the workspace of a loaded spec: the emulator for target `local`, else the cloud."""

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
    from phift.workspace import WorkspaceId

__all__ = ["Sessions", "connector", "ensure_emulator", "open_workspace", "require_emulator"]

_LOCAL_EXTRA = ("cryptography", "starlette", "uvicorn", "httptools", "torch", "transformers", "peft", "mlflow")
"""Modules that the emulator and its jobs import; their presence is checked without importing them."""


def connector(*, interactive: bool, tell: Callable[[str], None]) -> Callable[[LoadedSpec], Azure]:
    """Return a function that connects, for phases. interactive: allow sign-in in a browser. tell: receives progress."""

    def connect(loaded: LoadedSpec) -> Azure:
        if loaded.target.local:
            return _open(ensure_emulator(tell))
        return _open(loaded, interactive=interactive)

    return connect


def open_workspace(
    workspace: WorkspaceId | None,
    *,
    local: bool = False,
    interactive: bool = False,
    credential: TokenCredential | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Azure:
    """Open a session without a spec. workspace: None for that of the environment or of config.json. local: the emulator
    instead, started if necessary. interactive, tell: see `connector`. credential: see `Sessions`.

    Raises UsageError without a workspace, and EmulatorError.
    """
    from phift.azure.connect import connect

    if local:
        return connect(None, local=ensure_emulator(tell).alone())
    return connect(workspace, interactive=interactive, credential=credential)


class Sessions:
    """A connector for programs: no interactive sign-in, and one session per workspace; thread-safe.

    credential: instead of those that azure.identity finds. tell: receives progress.
    """

    def __init__(self, credential: TokenCredential | None, tell: Callable[[str], None]) -> None:
        self._credential = credential
        self._tell = tell
        self._lock = threading.Lock()
        self._open: dict[Hashable, Azure] = {}

    def __call__(self, loaded: LoadedSpec) -> Azure:
        """Return a session with the workspace of the spec's target. Raises EmulatorError, and UsageError without one.

        If the emulator has stopped, restarts it and opens a new session.
        """
        with self._lock:
            local = ensure_emulator(self._tell) if loaded.target.local else None
            key = local or loaded.target.workspace
            if key not in self._open:
                self._open[key] = _open(local or loaded, credential=self._credential)
            return self._open[key]

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            sessions, self._open = list(self._open.values()), {}
        for session in sessions:
            session.close()


def _open(
    where: Connection | LoadedSpec, *, interactive: bool = False, credential: TokenCredential | None = None
) -> Azure:
    from phift.azure.connect import connect
    from phift.spec import LoadedSpec

    if not isinstance(where, LoadedSpec):
        return connect(None, local=where.alone())
    return connect(where.target.workspace, interactive=interactive, credential=credential)


def ensure_emulator(
    tell: Callable[[str], None], *, port: int | None = None, idle_seconds: float | None = None
) -> Connection:
    """Return the running emulator of PHIFT_HOME or the project, started if necessary. Raises EmulatorError."""
    from phift.emulator.host import lifecycle
    from phift.emulator.host.home import Home

    found = lifecycle.find()
    if found is not None:
        return found
    require_emulator()
    tell(f"Starting the emulator in {Home.locate()}")
    return lifecycle.ensure(port=port, idle_seconds=idle_seconds)


def require_emulator() -> None:
    """Raise EmulatorError if the emulator is not installed."""
    missing = [name for name in _LOCAL_EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise EmulatorError(
            "the emulator is not installed",
            detail=f"Missing: {', '.join(missing)}.",
            remedy="Run `pip install 'phift[local]'`, or use a cloud target: --target NAME",
        )
