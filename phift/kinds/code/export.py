"""A code version in the words of `az`: `az ml` has no command for code."""

from __future__ import annotations

from phift.errors import UsageError
from phift.kinds.code.parts import CodeParts
from phift.kinds.code.wire import CodeWire
from phift.kinds.exporting import (
    Exported,
    Exporting,
    arm_uri,
    copied_folder,
    file_name,
    put_by_rest,
    require_no_secrets,
    words,
)
from phift.kinds.shared.versions import version_labels
from phift.state.desired import Desired

__all__ = ["export"]

_FOLDER = "code"


def export(exporting: Exporting, desired: Desired[CodeParts]) -> Exported:
    """Return the files and commands of a code version: they upload the folder, and write the version.

    Raises UsageError if the folder is not available.
    """
    context, folder, wire = exporting.context, desired.parts.folder, CodeWire()
    if folder is None:
        raise UsageError(f"the folder of {desired.address} is not available")
    require_no_secrets(desired)
    exporting.versions[desired.address] = f"{desired.name}:{desired.digest}"
    path = f"{context.azure.workspace.arm_id}/codes/{desired.name}/versions/{desired.digest}"
    tags, bag = version_labels(context, desired, path, None)
    prefix = wire.prefix(folder)
    file = file_name(desired, "json")
    account, _, container = context.azure.blobs.place.partition("/")
    upload = words(
        *("az", "storage", "blob", "upload-batch", "--account-name", account, "--destination", container),
        *("--destination-path", prefix, "--source", _FOLDER, "--auth-mode", "login", "--overwrite", "--output", "none"),
    )
    uri = arm_uri(context, path, wire.api_version)
    return Exported(
        (
            f"The code of the deployment, as {desired.name}:{desired.digest}. `az ml` has no command for code: this",
            "uploads the files, for which you need the role Storage Blob Data Contributor, and writes the document.",
        ),
        (f"written {uri} || {{\n    {upload}\n    {put_by_rest(uri, file)}\n}}",),
        {file: wire.body(context, desired, context.azure.blobs.url(prefix), tags, bag)},
        copied_folder(folder, _FOLDER),
    )
