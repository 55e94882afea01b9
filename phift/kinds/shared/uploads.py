"""Upload local files to the blob store of the workspace, under a folder named by their content."""

from __future__ import annotations

from phift.errors import AzureError
from phift.folders import Folder
from phift.kinds.context import Context
from phift.kinds.progress import Progress

__all__ = ["seconds_for", "upload_folder"]

_HOUR = 3600.0
_RATE = 1e6
"""Assumed minimum bandwidth in bytes per second."""


def seconds_for(folder: Folder | None) -> float:
    """Return the timeout of an upload in seconds: an hour, plus a second for each MB."""
    return _HOUR + (folder.size / _RATE if folder else 0.0)


def upload_folder(context: Context, folder: Folder, prefix: str) -> None:
    """Upload the files below a prefix; those that are there with the same content are skipped.

    Raises AzureError, also for a file that changed since it was digested or cannot be read.
    """
    sent = 0
    for file in folder.files:

        def report(done: int, total: int, before: int = sent) -> None:
            context.report(Progress("Uploading", current=before + done, total=folder.size, unit="bytes"))

        try:
            context.azure.blobs.upload(file.path, f"{prefix}/{file.name}", progress=report, digest=file.sha256)
        except OSError as error:
            raise AzureError(f"cannot read {file.path}: {error.strerror or error}") from error
        sent += file.size
