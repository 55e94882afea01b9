"""What a kind contributes to `phift export`: files of `az ml`, and the commands that create its resource with them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phift.address import Address
from phift.concealing import AREAS, is_secret
from phift.errors import UsageError
from phift.folders import Folder
from phift.kinds.context import Context
from phift.state.desired import Desired
from phift.state.live import Observation

__all__ = [
    "Created",
    "Exported",
    "Exporting",
    "arm_uri",
    "copied_folder",
    "created",
    "existing_or",
    "file_name",
    "ml_document",
    "put_by_rest",
    "require_no_block",
    "require_no_secrets",
    "schema_line",
    "version",
    "words",
]

_SCHEMAS = "https://azuremlschemas.azureedge.net/latest"


@dataclass(frozen=True)
class Exported:
    """A resource in the words of `az ml`.

    title: what the commands do, for a comment of the script; one line each. commands: of POSIX sh, which run in the
    folder of the script. documents: content of YAML and JSON files by name. copies: local files by name in the folder.
    secrets: the use of each environment variable that the commands read. note: a sentence for the README.
    """

    title: tuple[str, ...]
    commands: tuple[str, ...] = ()
    documents: Mapping[str, Any] = field(default_factory=dict)
    copies: Mapping[str, Path] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Exporting:
    """An export in progress. context: for reads. observed: the live objects by address. versions: of the assets
    exported so far, as NAME:VERSION by address."""

    context: Context
    observed: Mapping[Address, Observation]
    versions: dict[Address, str] = field(default_factory=dict)

    def reference(self, address: Address) -> str:
        """Return `azureml:NAME:VERSION` of an asset exported before."""
        return f"azureml:{self.versions[address]}"

    def arm_id(self, collection: str, address: Address) -> str:
        """Return the ARM id of an asset exported before. collection: of the workspace, in paths."""
        name, _, version = self.versions[address].rpartition(":")
        return f"{self.context.azure.workspace.arm_id}/{collection}/{name}/versions/{version}"


@dataclass(frozen=True)
class Created:
    """How to create an object. noun: the group of `az ml`, such as `online-endpoint`. select: the options that identify
    the object. schema, load: the JSON schema of its YAML, and the function of azure-ai-ml that reads it. path,
    api_version: of its ARM document. secrets: by option of `--set`, the environment variable that contains the value.
    """

    noun: str
    select: tuple[str, ...]
    schema: str
    load: str
    path: str
    api_version: str
    secrets: Mapping[str, str] = field(default_factory=dict)


def created(
    exporting: Exporting,
    desired: Desired[Any],
    how: Created,
    title: tuple[str, ...],
    entity: Any,
    body: Mapping[str, Any],
) -> Exported:
    """Return the files and commands of an object whose entity azure-ai-ml knows. body: what phift would send.

    If `az ml` YAML does not express all of the body, as for an `azure:` block, the commands write the body itself.
    Raises UsageError for such a body with a secret.
    """
    from phift.azure import entities

    require_no_secrets(desired)
    azure, document = exporting.context.azure, ml_document(how.schema, entity)
    show = words(how.noun, "show", *how.select)
    if entities.body(entities.loaded(document, how.load), azure.location, azure.workspace.arm_id) == body:
        file = file_name(desired)
        create = words("ml", how.noun, "create", "--file", file, "--output", "none")
        sets = [f' --set {option}="${name}"' for option, name in how.secrets.items()]
        uses = {name: f"{desired.address}: {option}" for option, name in how.secrets.items()}
        return Exported(title, (existing_or(show, create + "".join(sets)),), {file: document}, secrets=uses)
    if how.secrets:
        raise UsageError(
            f"{desired.address} cannot be exported: it has an `azure:` block and a secret",
            detail="`az ml` YAML has no place for the block, and the document of Resource Manager none for the secret.",
            remedy="Use ${{keyvault:...}} instead of the secret, or remove the block.",
        )
    file = file_name(desired, "json")
    uri = arm_uri(exporting.context, how.path, how.api_version)
    put = f"{{\n    {put_by_rest(uri, file)}\n    provisioned {uri}\n}}"
    return Exported((*title, _BY_REST), (f"exists {show} || {put}",), {file: body})


_BY_REST = "`az ml` YAML does not express all of it: this writes the document of Azure Resource Manager."


def version(
    exporting: Exporting,
    desired: Desired[Any],
    how: Created,
    title: tuple[str, ...],
    entity: Any,
    copies: Mapping[str, Path],
    local: Mapping[str, Any],
) -> Exported:
    """Return the files and commands of a version of an asset. copies: local files that `az ml` uploads with it. local:
    the fields of the YAML with their paths, which the SDK makes absolute.

    Raises UsageError for an `azure:` block of an asset with local files: their place in Azure is not known.
    """
    from phift.kinds.shared.wire import body_of

    exporting.versions[desired.address] = f"{entity.name}:{entity.version}"
    if not copies:
        return created(exporting, desired, how, title, entity, body_of(exporting.context, desired, entity))
    require_no_secrets(desired)
    require_no_block(desired)
    file = file_name(desired)
    create = words("ml", how.noun, "create", "--file", file, "--output", "none")
    show = words(how.noun, "show", *how.select)
    document = {**ml_document(how.schema, entity), **local}
    return Exported(title, (existing_or(show, create),), {file: document}, copies)


def require_no_block(desired: Desired[Any]) -> None:
    """Raise UsageError for an `azure:` block."""
    if desired.azure:
        raise UsageError(
            f"{desired.address} cannot be exported: `az ml` YAML has no place for its `azure:` block",
            remedy="Remove the block from the spec.",
        )


def copied_folder(folder: Folder, place: str) -> dict[str, Path]:
    """Return the files of a folder by their names below `place`, which is the folder itself."""
    return {f"{place}/{file.name}": file.path for file in folder.files}


def file_name(desired: Desired[Any], suffix: str = "yml") -> str:
    """Return the name of the file of a resource, such as `data-train.yml`."""
    return f"{desired.address.kind}-{desired.address.name}.{suffix}"


def words(*parts: str) -> str:
    """Return a command of the script, quoted for POSIX sh."""
    return shlex.join(parts)


def existing_or(show: str, create: str) -> str:
    """Return a command that creates an object unless it exists. show: the command that shows it."""
    return f"exists {show} ||\n    {create}"


def ml_document(schema: str, entity: Any) -> dict[str, Any]:
    """Return the YAML of an entity of azure-ai-ml, with the schema line that `az ml` writes."""
    from phift.azure import entities

    return {**schema_line(schema), **entities.document(entity)}


def schema_line(schema: str) -> dict[str, str]:
    """Return the first line of the YAML, as `az ml` writes it."""
    return {"$schema": f"{_SCHEMAS}/{schema}.schema.json"}


def arm_uri(context: Context, path: str, api_version: str) -> str:
    """Return the URI of an ARM path, in double quotes: the script defines GROUP as that of the resource group."""
    workspace = context.azure.workspace
    group = f"/subscriptions/{workspace.subscription_id}/resourceGroups/{workspace.resource_group}"
    rest = re.sub(r'(["$`\\])', r"\\\1", path.removeprefix(group))
    return f'"$GROUP{rest}?api-version={api_version}"'


def put_by_rest(uri: str, file: str) -> str:
    """Return the command that writes a document. uri: see arm_uri."""
    return f"az rest --method put --uri {uri} --body @{file} --output none"


def require_no_secrets(desired: Desired[Any]) -> None:
    """Raise UsageError if the resource contains a secret in plain text."""
    areas = {name: desired.properties.get(name) for name in AREAS if name != "azure"}
    found = _secrets({**areas, "azure": desired.azure})
    if found:
        raise UsageError(
            f"{desired.address}: {found[0]} is a secret in plain text, which an export would write to a file",
            remedy="Write {secret: env:NAME} in deployment.environment_variables; remove it elsewhere.",
        )


def _secrets(value: Any, path: str = "") -> list[str]:
    if isinstance(value, Mapping):
        return [one for name, below in value.items() for one in _secrets(below, f"{path}.{name}" if path else name)]
    if isinstance(value, list | tuple):
        return [one for number, below in enumerate(value) for one in _secrets(below, f"{path}[{number}]")]
    return [path] if isinstance(value, str) and is_secret(path.rpartition(".")[2], value) else []
