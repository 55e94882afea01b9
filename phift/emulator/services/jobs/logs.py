"""A run's logs as clients read them: append blobs under `ExperimentRun/dcid.{run}/` of the artifact store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from phift.emulator.services.blob.account import ARTIFACT_CONTAINER, BlobAccount
from phift.emulator.services.jobs.record import Job

__all__ = ["EXECUTION_LOG", "STEP_LOG", "LogCopy", "RunLog", "artifact_prefix", "job_log", "log_files"]

EXECUTION_LOG = "logs/azureml/executionlogs.txt"
_SWEEP_LOG = "azureml-logs/hyperdrive.txt"
_COMMAND_LOG = "system_logs/lifecycler/lifecycler.txt"
STEP_LOG = "user_logs/std_log.txt"
_LOG_FOLDERS = ("logs/", "user_logs/", "system_logs/", "azureml-logs/")
"""Everything in them is shown as a log (field reports of 2022)."""
_CHUNK = 1 << 20
_CHUNKS_A_CALL = 8


def artifact_prefix(run_id: str) -> str:
    """The folder of a run's artifacts in the artifact store, with its slash."""
    return f"ExperimentRun/dcid.{run_id}/"


def log_files(account: BlobAccount, run_id: str) -> dict[str, str]:
    """The run's logs by name, each with a signed URL to read it."""
    prefix = artifact_prefix(run_id)
    return {
        blob.name.removeprefix(prefix): account.sas_url(ARTIFACT_CONTAINER, blob.name)
        for blob in account.list(ARTIFACT_CONTAINER, prefix)
        if blob.name.endswith(".txt") or blob.name.removeprefix(prefix).startswith(_LOG_FOLDERS)
    }


class RunLog:
    """One log of one run; only ever appended to, as `jobs.stream` prints what is beyond the lines it has printed."""

    def __init__(self, account: BlobAccount, run_id: str, name: str) -> None:
        self._account = account
        self._blob = artifact_prefix(run_id) + name
        if not self._account.exists(ARTIFACT_CONTAINER, self._blob):
            self.append(b"")

    def append(self, data: bytes) -> None:
        self._account.append(ARTIFACT_CONTAINER, self._blob, data)

    def say(self, text: str) -> None:
        """One line, with the time of day as the service's execution log writes it."""
        self.append(f"[{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}] {text}\n".encode())


def job_log(account: BlobAccount, job: Job) -> RunLog:
    """The log in which the service itself speaks of a job; clients stream that of pipelines and sweeps."""
    names = {"Command": _COMMAND_LOG, "Sweep": _SWEEP_LOG}
    return RunLog(account, job.name, names.get(job.job_type, EXECUTION_LOG))


class LogCopy:
    """Copies what grows in a local file to a run's log."""

    def __init__(self, source: Path, target: RunLog) -> None:
        self._source = source
        self._target = target
        self._offset = 0

    def copy(self) -> bool:
        """Copy what is new, whole lines or not, up to a few MiB; returns whether there may be more."""
        try:
            with self._source.open("rb") as stream:
                stream.seek(self._offset)
                for _ in range(_CHUNKS_A_CALL):
                    data = stream.read(_CHUNK)
                    if not data:
                        return False
                    self._target.append(data)
                    self._offset += len(data)
        except FileNotFoundError:
            return False  # the step has not written yet
        return True
