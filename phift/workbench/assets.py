"""The assets of a deployment: local files to upload, and the versions of an environment and of a model to serve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from phift.azure.facts import RemoteFacts
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError
from phift.files import is_within, repository_of
from phift.folders import Folder, FolderError, read_folder
from phift.lock import PinnedAsset, StackLock
from phift.spec import AssetRef, EnvironmentBlock, EnvironmentRef, LoadedSpec, ModelBlock
from phift.workbench.newer import Newer
from phift.workbench.sessions import Shared

__all__ = ["Pinned", "local_folders", "not_found", "outside_folders", "pinned_environment", "pinned_served"]

_CURATED = "azureml-"
_REGISTRY = "azureml"
"""The registry that publishes the curated environments."""
_REMOTE = ("azureml:", "runs:/", "http:", "https:", "wasb", "abfs")


@dataclass(frozen=True)
class Pinned:
    """A resolved reference. pin: to write to the lock file, if the reference has a label."""

    asset: AssetRef | None = None
    pin: PinnedAsset | None = None
    newer: Newer | None = None
    missing: Diagnostic | None = None


def local_folders(loaded: LoadedSpec, shared: Shared) -> Mapping[str, Folder]:
    """Read and digest the files that an apply uploads, by their path in the spec.

    Raises InvalidSpecError with the problems of all of them; a command that does not create anything goes without.
    """
    found, problems = {}, []
    for place, written, single in _paths(loaded):
        path = loaded.path.parent / written
        try:
            bounds = repository_of(loaded.path.parent)
            found[place] = read_folder(
                path, bounds=bounds, root=shared.data_root, ignore=place != "deployment.environment.build.path",
                single=single,
            )  # fmt: skip
        except FolderError as error:
            problems.append(replace(error.finding, path=place, mark=loaded.mark(place)))
    if problems and not shared.looking:
        raise InvalidSpecError(problems)
    return found


def outside_folders(loaded: LoadedSpec, shared: Shared) -> Iterator[str]:
    """Yield a note for each of these files outside the repository, which a review of the repository does not show."""
    if shared.looking:
        return
    home = repository_of(loaded.path.parent)
    for place, written, _ in _paths(loaded):
        if not is_within(loaded.path.parent / written, home):
            yield f"{place} is outside the repository: {loaded.path.parent / written}"


def _paths(loaded: LoadedSpec) -> Iterator[tuple[str, str, bool]]:
    """Yield path in the spec, local path, and whether it may be one file."""
    place, model = loaded.spec.served or ("", None)
    if isinstance(model, ModelBlock) and model.path is not None and not model.path.startswith(_REMOTE):
        yield f"{place}.path", model.path, True
    deployment = loaded.spec.deployment
    if deployment is None:
        return
    if deployment.code_configuration is not None and deployment.code_configuration.asset is None:
        yield "deployment.code_configuration.code", deployment.code_configuration.code, False
    environment = deployment.environment
    if isinstance(environment, EnvironmentBlock):
        if isinstance(environment.conda_file, str):
            yield "deployment.environment.conda_file", environment.conda_file, True
        if environment.build is not None:
            yield "deployment.environment.build.path", environment.build.path, False


def pinned_environment(
    loaded: LoadedSpec, pinned: StackLock, remote: RemoteFacts, shared: Shared, arm_id: str
) -> Pinned:
    """Return the version of the environment that the deployment refers to. arm_id: of the workspace."""
    reference = loaded.spec.deployment.environment if loaded.spec.deployment else None
    if not isinstance(reference, EnvironmentRef):
        return Pinned()
    asset, requested, place = reference.asset, str(reference), "deployment.environment"
    if reference.workspace is not None and reference.workspace.arm_id.lower() != arm_id.lower():
        summary = f"environment {asset.name}:{asset.version} belongs to workspace {reference.workspace.name}"
        remedy = "Register it in this workspace, or share it through a registry."
        return Pinned(missing=Diagnostic(summary, remedy=remedy, path=place, code="environment-missing"))
    pin = pinned.environment_for(requested) if asset.floats else None
    registry, newest = asset.registry or "", None
    if asset.floats:
        newest = remote.newest("environments", registry, asset.name)
        if newest is None and not registry and asset.name.lower().startswith(_CURATED):
            registry, newest = _REGISTRY, remote.newest("environments", _REGISTRY, asset.name)
    version = asset.version or (pin.version if pin else newest)
    if shared.looking and version is None:
        return Pinned()
    if version is None or not (shared.looking or version == newest or _exists(remote, registry, asset.name, version)):
        return Pinned(missing=not_found("environment", asset, version, place))
    found = asset.pinned(version)._replace(registry=registry or None)
    return _pinned(found, requested, newest) if asset.floats else Pinned(found)


def pinned_served(loaded: LoadedSpec, pinned: StackLock, remote: RemoteFacts, shared: Shared) -> Pinned:
    """Return the version of the model that a spec without training serves. A version in the spec is not looked up."""
    place, asset = loaded.spec.served or ("", None)
    if not isinstance(asset, AssetRef):
        return Pinned()
    if not asset.floats:
        return Pinned(asset)
    if asset.label != "latest":
        summary = f"unknown label {asset.label!r} of model {asset.name}: models have only the label latest"
        remedy = f"Write azureml:{asset.name}@latest, or a version."
        return Pinned(missing=Diagnostic(summary, remedy=remedy, path=place, code="model-floats"))
    pin = pinned.served_for(str(asset))
    newest = remote.newest("models", asset.registry or "", asset.name)
    version = pin.version if pin else newest
    if version is None:
        return Pinned() if shared.looking else Pinned(missing=not_found("model", asset, None, place))
    return _pinned(asset.pinned(version), str(asset), newest)


def _pinned(asset: AssetRef, requested: str, newest: str | None) -> Pinned:
    version = str(asset.version)
    newer = Newer(asset.name, version, newest) if newest not in (None, version) else None
    return Pinned(asset, PinnedAsset(requested=requested, version=version), newer)


def _exists(remote: RemoteFacts, registry: str, name: str, version: str) -> bool:
    if remote.environment(registry, name, version):
        return True
    # A workspace shows the curated environments of the registry, but an account may lack the permission to list them.
    return not registry and name.lower().startswith(_CURATED) and remote.environment(_REGISTRY, name, version)


def not_found(what: str, asset: AssetRef, version: str | None, place: str, command: str = "") -> Diagnostic:
    """Return that a reference names nothing. what: the kind of asset. place: in the spec. command: that of `az ml`."""
    where = f"registry {asset.registry}" if asset.registry else "the workspace"
    named = f"{asset.name}:{version}" if version else asset.name
    lists = f"To list what exists, run `az ml {command or what} list`."
    pinned = "If phift.lock pins a deleted version, run `phift lock --upgrade`." if version and asset.floats else ""
    return Diagnostic(
        f"{what} {named} not found in {where}",
        remedy=" ".join(filter(None, [lists, pinned])),
        path=place,
        code=f"{what.replace(' ', '-')}-missing",
    )
