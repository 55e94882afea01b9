"""References to resources in Azure ML, parsed to values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from phift.lazy import lazy_pattern
from phift.workspace import WorkspaceId

__all__ = [
    "AssetRef",
    "ComputeRef",
    "DatastoreRef",
    "EnvironmentRef",
    "HubModelRef",
    "ModelFolderRef",
    "SecretRef",
    "base_model_reference",
    "data_reference",
]

_REGISTRY = lazy_pattern(
    r"azureml://registries/(?P<registry>[^/]+)/(?P<kind>[a-z]+)/(?P<name>[^/]+)/"
    r"(?:versions/(?P<version>[^/]+)|labels/(?P<label>[^/]+))"
)
_WORKSPACE = r"azureml:(?P<name>[^/:@]+)(?::(?P<version>[^/:@]+)|@(?P<label>[^/:@]+))"
_DATASTORE = (
    r"azureml://(?:subscriptions/(?P<subscription>[^/]+)/resource[gG]roups/(?P<group>[^/]+)"
    r"(?:/providers/Microsoft\.MachineLearningServices)?/workspaces/(?P<workspace>[^/]+)/)?"
    r"datastores/(?P<store>[A-Za-z0-9_-]+)/paths/(?P<path>[^?#]*)"
)
_CURATED = r"AzureML-[A-Za-z0-9._-]+"
_ENVIRONMENT_ID = (
    r"(?:azureml:)?/subscriptions/(?P<subscription>[^/]+)/resource[gG]roups/(?P<group>[^/]+)/providers/"
    r"Microsoft\.MachineLearningServices/workspaces/(?P<workspace>[^/]+)/environments/(?P<name>[^/]+)/"
    r"versions/(?P<version>[^/]+)"
)
_SECRET_URL = r"https://[^/\s]+/secrets/[^/\s]+(/[^/\s]+)?/?"
_KEYVAULT = r"\$\{\{\s*keyvault:(?P<url>[^}$]+)\}\}"  # no $, so that a search takes one look at a text
_HUB_ID = r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}"
_ASSET_KEYS = ("registry", "name", "version", "label")


class AssetRef(NamedTuple):
    """A versioned asset: of a registry, or, with registry None, of the workspace. One of version and label is set.

    kind: models, components, ... if the reference contains it (as registry ids do), otherwise empty.
    """

    registry: str | None
    name: str
    version: str | None = None
    label: str | None = None
    kind: str = ""

    @classmethod
    def parse(cls, value: str | Mapping[str, Any]) -> AssetRef:
        """Parse `azureml://registries/R/models/N/versions/V` (or `labels/L`), `azureml:N:V`, `azureml:N@L`, or
        `{registry, name, version | label}`. Raises ValueError with a readable message."""
        if isinstance(value, str):
            if match := _REGISTRY.fullmatch(value) or re.fullmatch(_WORKSPACE, value):
                found = match.groupdict()
                registry, kind = found.get("registry"), found.get("kind") or ""
                return cls(registry, found["name"], found["version"], found["label"], kind)
            raise ValueError(f"{value!r} is not a reference to an asset")
        for key, part in value.items():
            if key not in _ASSET_KEYS:
                raise ValueError(f"unknown key {key!r}; a reference has {', '.join(_ASSET_KEYS)}")
            if not isinstance(part, str):
                raise ValueError(f'{key} must be text, got {part!r}; quote it: {key}: "{part}"')
        if not value.get("name"):
            raise ValueError("a reference requires a name")
        if bool(value.get("version")) == bool(value.get("label")):
            raise ValueError("a reference requires either a version or a label")
        return cls(value.get("registry"), value["name"], value.get("version"), value.get("label"))

    @property
    def floats(self) -> bool:
        """Whether the reference is not pinned: it has a label instead of a version."""
        return self.version is None

    def pinned(self, version: str) -> AssetRef:
        """Return a reference to a version of the same asset."""
        return AssetRef(self.registry, self.name, version, None, self.kind)

    def of_kind(self, kind: str) -> AssetRef:
        """Return the reference with a kind. Raises ValueError if it has another kind."""
        if self.kind and self.kind != kind:
            raise ValueError(f"{self} refers to {self.kind}; this field requires {kind}")
        return AssetRef(self.registry, self.name, self.version, self.label, kind)

    def __str__(self) -> str:
        if self.registry is None:
            return f"azureml:{self.name}:{self.version}" if self.version else f"azureml:{self.name}@{self.label}"
        end = f"versions/{self.version}" if self.version else f"labels/{self.label}"
        return f"azureml://registries/{self.registry}/{self.kind}/{self.name}/{end}"


class HubModelRef(NamedTuple):
    """A model of the Hugging Face hub, which the component downloads itself. id: `org/name`."""

    id: str

    @property
    def name(self) -> str:
        return self.id.rpartition("/")[2]

    def __str__(self) -> str:
        return f"huggingface:{self.id}"


class ModelFolderRef(NamedTuple):
    """A local folder of weights. path: relative to the spec. type: custom_model (a Hugging Face folder), mlflow_model,
    or "" to find out."""

    path: str
    type: str = ""

    @property
    def name(self) -> str:
        return re.split(r"[/\\]", self.path.rstrip("/\\"))[-1] or self.path

    def __str__(self) -> str:
        return self.path


def base_model_reference(value: str | Mapping[str, Any]) -> AssetRef | HubModelRef | ModelFolderRef:
    """Parse a registered model, `{huggingface_id: ORG/NAME}` or `{path: FOLDER}`; also `{path: azureml:...}`.

    Raises ValueError with a readable message.
    """
    if isinstance(value, str) or not {"huggingface_id", "path"} & set(value):
        return _registered_model(value)
    if "huggingface_id" in value:
        id = value["huggingface_id"]
        if len(value) > 1:
            raise ValueError("huggingface_id cannot be combined with other keys")
        if not isinstance(id, str) or not re.fullmatch(_HUB_ID, id):
            raise ValueError(f"{id!r} is not the id of a model on the hub, such as microsoft/Phi-4")
        return HubModelRef(id)
    if unknown := sorted(set(value) - {"path", "type"}):
        raise ValueError(f"unknown key {unknown[0]!r}; a folder of weights has path and type")
    path, type = value["path"], str(value.get("type", "")).lower()
    if not isinstance(path, str) or not path:
        raise ValueError("path must be the path of a folder")
    if type not in ("", "custom_model", "mlflow_model"):
        raise ValueError(f"unknown type {type!r}; known are custom_model and mlflow_model")
    if path.lower().startswith("azureml:"):
        return _registered_model(path)
    if "://" in path:
        raise ValueError(f"{path!r} is an address; weights are a local folder, or a registered model")
    return ModelFolderRef(path, type)


def _registered_model(value: str | Mapping[str, Any]) -> AssetRef:
    found = AssetRef.parse(value).of_kind("models")
    if found.label not in (None, "latest"):
        raise ValueError(f"unknown label {found.label!r}: models have only the label latest")
    return found


class DatastoreRef(NamedTuple):
    """Files in a datastore. path: in the datastore; a folder ends in a slash.

    workspace: None for that of the target.
    """

    store: str
    path: str
    workspace: WorkspaceId | None = None

    @classmethod
    def parse(cls, value: str) -> DatastoreRef:
        """Parse `azureml://datastores/STORE/paths/PATH`, or the long form with a workspace.

        Raises ValueError with a readable message.
        """
        match = re.fullmatch(_DATASTORE, value)
        if match is None:
            raise ValueError(f"{value.partition('?')[0]!r} is not a path in a datastore")
        path = match["path"].lstrip("/")
        if any(part in (".", "..") for part in path.split("/")):
            raise ValueError(f"{value!r} leaves its folder")
        named = match["workspace"]
        workspace = WorkspaceId(match["subscription"], match["group"], named) if named else None
        return cls(match["store"], path, workspace)

    def __str__(self) -> str:
        return f"azureml://datastores/{self.store}/paths/{self.path}"


class ComputeRef(NamedTuple):
    """A compute that phift does not own: a cluster by name (read, checked, never written), or serverless by VM size."""

    name: str = ""
    serverless: str = ""

    @classmethod
    def parse(cls, value: str) -> ComputeRef:
        """Parse `azureml:NAME` or `serverless:SIZE`. Raises ValueError with a readable message."""
        scheme, _, rest = value.partition(":")
        if rest and not re.search(r"[\s:/]", rest):
            if scheme == "azureml" and rest.lower() != "serverless":
                return cls(name=rest)
            if scheme == "serverless":
                return cls(serverless=rest)
        raise ValueError(f"{value!r} is not a reference to a compute")

    def __str__(self) -> str:
        return f"azureml:{self.name}" if self.name else f"serverless:{self.serverless}"


class EnvironmentRef(NamedTuple):
    """An environment of the workspace, of a registry, or a curated one. written: as in the spec.

    workspace: of an ARM id; None for that of the target.
    """

    written: str
    asset: AssetRef
    workspace: WorkspaceId | None = None

    @classmethod
    def parse(cls, value: str) -> EnvironmentRef:
        """Parse `azureml:N:V`, `azureml:N@latest`, an id in a registry, an ARM id, or the name of a curated environment
        (`AzureML-...`: the newest version). Raises ValueError with a readable message."""
        if match := re.fullmatch(_ENVIRONMENT_ID, value):
            workspace = WorkspaceId(match["subscription"], match["group"], match["workspace"])
            return cls(value, AssetRef(None, match["name"], match["version"], None, "environments"), workspace)
        if re.fullmatch(_CURATED, value):
            return cls(value, AssetRef(None, value, None, "latest", "environments"))
        asset = AssetRef.parse(value).of_kind("environments")
        if asset.label not in (None, "latest"):
            raise ValueError(f"unknown label {asset.label!r}: environments have only the label latest")
        return cls(value, asset)

    def __str__(self) -> str:
        return self.written


class SecretRef(NamedTuple):
    """The location of a secret, never its value. source: env (name of a variable) or keyvault (URL of a secret)."""

    source: str
    name: str

    @classmethod
    def parse(cls, value: str | Mapping[str, Any]) -> SecretRef:
        """Parse `{secret: env:NAME}` or `${{keyvault:URL}}`. Raises ValueError with a readable message."""
        if isinstance(value, str) and (match := re.fullmatch(_KEYVAULT, value)) and match["url"].strip():
            if not re.fullmatch(_SECRET_URL, url := match["url"].strip()):
                raise ValueError("the URL in ${{keyvault:URL}} must be https://VAULT.vault.azure.net/secrets/NAME")
            return cls("keyvault", url)
        if isinstance(value, Mapping) and set(value) == {"secret"} and isinstance(value["secret"], str):
            source, _, name = value["secret"].partition(":")
            if source == "env" and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                return cls("env", name)
        raise ValueError("a secret must be {secret: env:NAME} or ${{keyvault:URL}}")

    @staticmethod
    def is_written(value: Any) -> bool:
        """Return whether a value is meant as a secret reference."""
        if isinstance(value, str):
            return "${{" in value and re.search(_KEYVAULT, value) is not None
        return isinstance(value, Mapping) and "secret" in value and len(value) == 1

    def __str__(self) -> str:
        return f"{self.source}:{self.name}"


def data_reference(value: str | Mapping[str, Any]) -> AssetRef | DatastoreRef:
    """Parse a reference to existing data: an asset of the workspace, or a path in a datastore.

    Raises ValueError with a readable message.
    """
    if isinstance(value, str) and value.lower().startswith("azureml://") and "/registries/" not in value:
        return DatastoreRef.parse(value)
    found = AssetRef.parse(value).of_kind("data")
    if found.registry is not None:
        raise ValueError("data assets of a registry are not supported; register the data in the workspace")
    if found.label not in (None, "latest"):
        raise ValueError(f"unknown label {found.label!r}: data has only the label latest")
    return found
