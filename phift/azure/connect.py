"""Find the workspace and open a session with it. The only place that creates connections."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from phift.azure.session import Azure
from phift.azure.transport import Http
from phift.clock import Clock
from phift.errors import UsageError
from phift.files import SPEC_BYTES, read_regular
from phift.workspace import WorkspaceId

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

__all__ = ["LocalConnection", "connect", "find_workspace"]


class LocalConnection(Protocol):
    """The connection parameters of the emulator."""

    @property
    def proxy_url(self) -> str: ...
    @property
    def ca_file(self) -> Path | str: ...
    @property
    def subscription_id(self) -> str: ...
    @property
    def resource_group(self) -> str: ...
    @property
    def workspace_name(self) -> str: ...
    @property
    def tenant_id(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def client_secret(self) -> str: ...


def connect(
    workspace: WorkspaceId | None,
    *,
    local: LocalConnection | None = None,
    interactive: bool = False,
    credential: TokenCredential | None = None,
    environ: Mapping[str, str] = os.environ,
    cwd: Path | None = None,
    clock: Clock | None = None,
) -> Azure:
    """Open a session with a workspace; nothing is sent before its first use.

    workspace: if None, taken from the environment, then from a config.json. local: the emulator to use instead of the
    cloud; its workspace takes precedence. interactive: allow sign-in in a browser. credential: for the cloud, instead
    of those that azure.identity finds. clock: for the pauses between retries. Raises UsageError if no workspace is
    configured.
    """
    from phift.azure.credentials import CachedCredential, LocalCredential
    from phift.azure.retry import Retry
    from phift.clock import SystemClock

    retry = Retry(clock=clock or SystemClock())
    if local is not None:
        retry = replace(retry, attempts=4, cap=2.0)  # a stopped emulator does not restart on its own
        http = Http(None, local, retry=retry)
        identity = CachedCredential(LocalCredential(local, http))
        here = WorkspaceId(local.subscription_id, local.resource_group, local.workspace_name)
        return Azure(here, http.authorized(identity), identity)
    found = workspace or find_workspace(environ, cwd or Path.cwd())
    cached = CachedCredential(credential or _Lazy(interactive))
    return Azure(found, Http(cached, retry=retry), cached)


def find_workspace(environ: Mapping[str, str], cwd: Path) -> WorkspaceId:
    """Return the workspace of the AZURE_* or AZUREML_* variables, else of the config.json that MLClient.from_config
    finds.

    Raises UsageError if there is none, or if it is incomplete.
    """
    names = {part: _first(environ, variables) for part, variables in _VARIABLES.items()}
    if all(names.values()):
        return WorkspaceId(**names)
    path = _config_file(cwd)
    if path is None:
        missing = [_VARIABLES[part][0] for part, value in names.items() if not value]
        raise UsageError(
            "no workspace configured",
            detail=f"The target has no workspace, {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set, "
            f"and no config.json was found in {cwd}, in a folder .azureml, or in a parent folder.",
            remedy="Set targets.NAME.workspace in the spec, set the variables, "
            "or download config.json from the workspace's page in the portal.",
        )
    return _from_config(path)


class _Lazy:
    """Create the cloud credential when the first token is needed: azure.identity is slow to import."""

    def __init__(self, interactive: bool) -> None:
        self._interactive = interactive
        self._credential: TokenCredential | None = None

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        from phift.azure.credentials import cloud_credential

        if self._credential is None:
            self._credential = cloud_credential(interactive=self._interactive)
        return self._credential.get_token(*scopes, **options)


_VARIABLES = {
    "subscription_id": ("AZURE_SUBSCRIPTION_ID", "AZUREML_ARM_SUBSCRIPTION", "AZUREML_SUBSCRIPTION_ID"),
    "resource_group": ("AZURE_RESOURCE_GROUP", "AZUREML_ARM_RESOURCEGROUP", "AZUREML_RESOURCE_GROUP"),
    "name": ("AZURE_WORKSPACE_NAME", "AZUREML_ARM_WORKSPACE_NAME", "AZUREML_WORKSPACE_NAME"),
}


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")


def _config_file(start: Path) -> Path | None:
    """Search like the SDK: each location in the current folder and 20 levels up, locations in order of priority."""
    folders = [start.resolve(), *start.resolve().parents][:20]
    for below in (".azureml", "aml_config", ""):
        for name in ("config.json", "project.json"):
            for folder in folders:
                if (path := folder / below / name).is_file():
                    return path
    return None


def _from_config(path: Path) -> WorkspaceId:
    try:
        config = json.loads(read_regular(path, SPEC_BYTES).decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is not valid JSON", detail=str(error), remedy=_CONFIG_REMEDY) from None
    except RecursionError:
        raise UsageError(f"{path} is not valid JSON: nested too deeply", remedy=_CONFIG_REMEDY) from None
    if not isinstance(config, dict):
        raise UsageError(f"{path} does not contain a JSON object", remedy=_CONFIG_REMEDY)
    if scope := config.get("Scope"):
        pieces = str(scope).split("/")
        if len(pieces) >= 9:
            return WorkspaceId(pieces[2], pieces[4], pieces[8])
    keys = ("subscription_id", "resource_group", "workspace_name")
    missing = [key for key in keys if not (config.get(key) and isinstance(config[key], str))]
    if missing:
        raise UsageError(f"{path} is incomplete: {', '.join(missing)} missing", remedy=_CONFIG_REMEDY)
    return WorkspaceId(config["subscription_id"], config["resource_group"], config["workspace_name"])


_CONFIG_REMEDY = "Required keys, as in the portal's config.json: subscription_id, resource_group, workspace_name."
