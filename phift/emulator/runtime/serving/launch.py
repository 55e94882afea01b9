"""What a deployment's container runs: everything whose change requires another container."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from phift.emulator.runtime.serving.folders import find_pyfunc

__all__ = ["Launch", "rehearses", "workers_for"]

_SCORE = Path(__file__).with_name("score.py")
_PYFUNC = Path(__file__).with_name("pyfunc.py")
_REHEARSAL = Path(__file__).with_name("rehearsal.py")
_SWITCH = "PHIFT_EMULATOR_DEPLOYMENTS"
_GRACE_MS = 250  # the gateway gives up first, then the script is interrupted


@dataclass(frozen=True)
class Launch:
    """A container's contents.

    folder: holds model and code; its other paths are relative to it. model, code: asset ids as the deployment names
    them. entry_script: relative to app_root, "" for ours. workers: processes that answer, one request each at a time.
    timeout_ms: of a request. variables: the deployment's own environment variables.
    """

    label: str
    folder: str
    model: str
    model_dir: str
    code: str = ""
    app_root: str = "onlinescoring"
    entry_script: str = ""
    workers: int = 1
    timeout_ms: int = 5000
    variables: dict[str, str] = field(default_factory=dict)
    readiness: dict[str, Any] = field(default_factory=dict)
    liveness: dict[str, Any] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """The variables of the container: the deployment's own first, those that Azure sets on top."""
        root = Path(self.folder)
        own = self._own_script(root / self.model_dir)
        return {
            **self.variables,
            "AZUREML_MODEL_DIR": str(root / self.model_dir) if self.model_dir else "",
            "AZUREML_ENTRY_SCRIPT": self.entry_script or str(own),
            "AML_APP_ROOT": str(root / self.app_root),
            "AML_APP_INSIGHTS_ENABLED": "false",
            "SCORING_TIMEOUT_MS": str(self.timeout_ms + _GRACE_MS),
            "HTTP_X_MS_SERVER_VERSION": f"azmlinfsrv/{version('azureml-inference-server-http')}",
            "PHIFT_SHARED_IMPORTS": "1" if not self.entry_script and own is _SCORE else "",
            "HF_HUB_OFFLINE": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "PHIFT_THREADS": str(max(1, _cores() // self.workers)),
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def _own_script(self, model: Path) -> Path:
        """The script of a deployment that brings none."""
        if rehearses():
            return _REHEARSAL
        return _PYFUNC if self.model_dir and model.is_dir() and find_pyfunc(model) else _SCORE

    def same_container(self, other: Launch | None) -> bool:
        """Whether a container of the other launch can keep serving for this one."""
        return other is not None and replace(self, folder="") == replace(other, folder="")

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Launch:
        """What `stored` gave, also when another version of phift wrote it."""
        known = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})


def rehearses() -> bool:
    """Whether this emulator's deployments are rehearsed (see rehearsal.py). Raises ValueError for a value of the switch
    that nobody knows."""
    said = os.environ.get(_SWITCH, "")
    if said not in ("", "serve", "rehearse"):
        raise ValueError(f"{_SWITCH}={said!r}: write serve or rehearse")
    return said == "rehearse"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers_for(instances: int) -> tuple[int, str]:
    """How many processes stand for `instances`, and what the log says about it: no more than there are cores."""
    cores = _cores()
    workers = max(1, min(instances, cores))
    note = f"instance_count {instances}: {workers} worker process{'es' if workers > 1 else ''}"
    return workers, note + (f", as this machine has {cores} cores" if workers < instances else "")
