"""A session with one workspace: its REST clients, registries and blob store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from phift.azure.attendance import Attendant
from phift.azure.credentials import CachedCredential
from phift.azure.rest import ARM, ARM_SCOPE, ML_SCOPE, Rest
from phift.azure.transport import Http, Response, Streamed
from phift.errors import AzureError, NotFoundError
from phift.once import Once
from phift.workspace import WorkspaceId

if TYPE_CHECKING:
    from phift.azure.blob import BlobStore

__all__ = ["Azure"]

WORKSPACE_API = "2024-10-01"
DATASTORE = "workspaceblobstore"
_SCORING_PATIENCE = 190.0
"""Seconds; a request to a managed endpoint takes at most 180."""
_DISCOVERY = "https://eastus.api.azureml.ms"
"""The URL for discovering registries of any region (the SDK's URL for the public cloud)."""
_STREAMED = "text/event-stream, application/json;q=0.9, */*;q=0.8"


def _scoring(body: Any, credential: str, headers: Mapping[str, str] | None) -> tuple[dict[str, str], bytes]:
    """Return the headers and the content of a scoring request."""
    sent = {"Content-Type": "application/json", "Authorization": f"Bearer {credential}", **(headers or {})}
    return sent, json.dumps(body, ensure_ascii=False).encode()


class Azure:
    """One workspace; thread-safe. Everything beyond Resource Manager is discovered on first use."""

    def __init__(
        self,
        workspace: WorkspaceId,
        http: Http,
        credential: CachedCredential,
        *,
        read_only: bool = False,
        shared: Once | None = None,
        attendant: Attendant | None = None,
    ) -> None:
        self.workspace = workspace
        self.local = http.local
        self._http = http
        self._attendant = attendant
        self._credential = credential
        self._read_only = read_only
        self._discovered = shared or Once()
        self.arm = self._rest(ARM)

    def __repr__(self) -> str:
        return f"Azure({self.workspace.label}{', local' if self.local else ''})"

    @property
    def data_plane(self) -> Rest:
        """Run history and MLflow; paths such as `history/v1.0{arm_id}/runs/{job}`."""
        return self._rest(self._discovered.get("data plane", self._find_data_plane))

    def registry(self, name: str) -> Rest:
        """Return the client of registry `name`; paths such as `models/N/versions/V`. Raises NotFoundError."""
        return self._rest(self._discovered.get(f"registry {name}", lambda: self._find_registry(name)))

    def document(self) -> dict[str, Any]:
        """The workspace's document, read once."""
        return self._discovered.get("workspace", self._read_workspace)

    @property
    def location(self) -> str:
        """The region, such as "eastus"."""
        return str(self.document()["location"])

    @property
    def blobs(self) -> BlobStore:
        """The container of the datastore `workspaceblobstore`, which every workspace has."""
        return self.store(DATASTORE)

    def store(self, name: str) -> BlobStore:
        """Return the container of a blob datastore. Raises NotFoundError if it does not exist."""
        store = self._discovered.get(f"blobs {name}", lambda: self._open_blobs(name))
        return store.read_only() if self._read_only else store

    def datastore(self, name: str) -> dict[str, Any]:
        """Return the properties of a datastore, read once. Raises NotFoundError."""

        def find() -> dict[str, Any]:
            properties: dict[str, Any] = self.arm.get(f"{self.workspace.arm_id}/datastores/{name}", WORKSPACE_API)[
                "properties"
            ]
            return properties

        return self._discovered.get(f"datastore {name}", find)

    def now(self) -> datetime:
        """Return the current time of the service, in UTC; before its first answer that of this machine."""
        return self._http.service_clock.now()

    def ml_token(self) -> str:
        """Return the token to submit a pipeline job with, in the header `x-azureml-token`."""
        return self._credential.get_token(ML_SCOPE).token

    def fetch(self, url: str, *, offset: int = 0) -> bytes:
        """Return the content of a signed URL, such as a job's log, from byte `offset` on.

        Empty if there is none (yet). Sends no token.
        """
        headers = {"x-ms-range": f"bytes={offset}-"} if offset else {}
        try:
            return self._http.send("GET", url, headers=headers).content
        except NotFoundError:
            return b""
        except AzureError as error:
            if error.status == 416:
                return b""
            raise

    def fetch_public(self, url: str, *, timeout: float) -> bytes:
        """Return the content of a public address. Sends no token, and tries once.

        timeout: seconds to connect, and seconds without a byte. Raises AzureError.
        """
        return self._http.impatient(timeout).send("GET", url, timeout=timeout).content

    def score(
        self,
        uri: str,
        body: Any,
        *,
        credential: str,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Send a request to an endpoint and return its answer. timeout: seconds without a byte.

        credential: the endpoint's key or token. Never retried, as a request may have side effects. Raises AzureError.
        """
        sent, content = _scoring(body, credential, headers)
        wait = _SCORING_PATIENCE if timeout is None else timeout
        return self._http.send("POST", uri, headers=sent, content=content, repeatable=False, timeout=wait)

    def score_streamed(
        self, uri: str, body: Any, *, credential: str, headers: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Streamed]:
        """Send a request to an endpoint and return its answer as a context, as soon as it starts.

        Asks for an event stream if the deployment can send one. Otherwise as `score`.
        """
        sent, content = _scoring(body, credential, {"Accept": _STREAMED, **(headers or {})})
        return self._http.streamed("POST", uri, headers=sent, content=content, timeout=_SCORING_PATIENCE)

    def read_only(self) -> Azure:
        """Return the same session, rejecting every write before it is sent."""
        return Azure(self.workspace, self._http, self._credential, read_only=True, shared=self._discovered)

    def attended(self, attendant: Attendant) -> Azure:
        """Return the same session, with an attendant that waits between attempts of its REST requests."""
        return Azure(
            self.workspace,
            self._http,
            self._credential,
            read_only=self._read_only,
            shared=self._discovered,
            attendant=attendant,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _rest(self, base: str) -> Rest:
        return Rest(self._http, base, ARM_SCOPE, read_only=self._read_only, attendant=self._attendant)

    def _read_workspace(self) -> dict[str, Any]:
        try:
            return self.arm.get(self.workspace.arm_id, WORKSPACE_API)
        except NotFoundError as error:
            error.remedy = (
                f"Check the workspace {self.workspace.label} in subscription {self.workspace.subscription_id}."
            )
            raise

    def _find_data_plane(self) -> str:
        properties = self.document()["properties"]
        url = str(properties.get("discoveryUrl") or f"https://{self.location}.api.azureml.ms/discovery")
        services = Rest(self._http, url, "").get(url, "")
        return str(services.get("api") or f"https://{self.location}.api.azureml.ms")

    def _find_registry(self, name: str) -> str:
        found = self._rest(_DISCOVERY).get(f"registrymanagement/v1.0/registries/{name}/discovery", "v1.0")
        root = str(found["primaryRegionResourceProviderUri"]).rstrip("/")
        return (
            f"{root}/mferp/managementfrontend/subscriptions/{found['subscriptionId']}"
            f"/resourceGroups/{found['resourceGroup']}/providers/Microsoft.MachineLearningServices"
            f"/registries/{found['registryName']}"
        )

    def _open_blobs(self, name: str) -> BlobStore:
        from phift.azure.blob import BlobStore
        from phift.azure.blob_auth import DatastoreAuth

        path = f"{self.workspace.arm_id}/datastores/{name}"
        properties = self.datastore(name)
        if "filesystem" in properties:  # Data Lake Storage: the same blobs under a different name
            properties = {**properties, "containerName": properties["filesystem"]}
        auth = DatastoreAuth(Rest(self._http, ARM, ARM_SCOPE), path, properties)
        return BlobStore(self._http, auth, name)
