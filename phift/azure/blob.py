"""The workspace's blob container: reading, writing, listing, leases, append blobs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypedDict
from xml.etree import ElementTree

from phift.azure.blob_auth import DatastoreAuth, encoded
from phift.azure.blob_content import content_md5
from phift.azure.transport import Http, Response, with_query
from phift.errors import AzureError, ConflictError, NotFoundError

__all__ = ["BlobStore", "Progress", "Properties"]

API = "2023-11-03"
_PART = 8 << 20  # bytes of a download held in memory

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in total)."""


class Properties(TypedDict):
    """The result of HEAD. lease_state: available, leased, expired, breaking, broken. type: BlockBlob, AppendBlob.

    md5: base64, "" if the service has none: it stores the value that the writer of a block list provides.
    """

    size: int
    md5: str
    etag: str
    last_modified: str
    type: str
    lease_state: str
    metadata: dict[str, str]


class BlobStore:
    """One container; thread-safe. Names are relative to it. Raises AzureError and its subclasses."""

    def __init__(self, http: Http, auth: DatastoreAuth, datastore: str, *, read_only: bool = False) -> None:
        self.datastore = datastore
        self._http = http
        self._auth = auth
        self._read_only = read_only

    def __repr__(self) -> str:
        return f"BlobStore({self._auth.account}/{self._auth.container})"

    @property
    def place(self) -> str:
        """ACCOUNT/CONTAINER."""
        return f"{self._auth.account}/{self._auth.container}"

    def uri(self, name: str) -> str:
        """Return the URI of the blob in jobs and assets."""
        return f"azureml://datastores/{self.datastore}/paths/{name}"

    def url(self, name: str) -> str:
        """Return the URL of a blob or a folder, without credentials."""
        return f"{self._auth.url}/{encoded(name)}"

    def read_only(self) -> BlobStore:
        """Return the same store, rejecting every write before it is sent."""
        return BlobStore(self._http, self._auth, self.datastore, read_only=True)

    def upload(self, path: Path, name: str, *, progress: Progress | None = None, digest: str = "") -> bool:
        """Upload a file in parallel blocks; return False if the blob already has the same content.

        digest: the file's SHA-256 in hex, computed if not given. An interrupted upload resumes: blocks of 8 MiB that
        the service already has are not sent again. Memory: four such blocks. The file is digested again while it is
        read. Raises OSError if it cannot be read, and AzureError with the code CHANGED, without writing the blob, if
        its digest differs.
        """
        from phift.azure.blob_upload import upload

        return upload(self, path, name, progress=progress, digest=digest)

    def put(
        self,
        name: str,
        data: bytes,
        *,
        if_none_match: bool = False,
        lease: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Write a whole block blob. lease: its lease id, if leased.

        if_none_match: raise ConflictError if it exists; after a lost response, our own request may have created it.
        """
        headers = {"x-ms-blob-type": "BlockBlob", "Content-MD5": content_md5(data), **_lease(lease), **_meta(metadata)}
        if if_none_match:
            headers["If-None-Match"] = "*"
        self.request("PUT", name, headers=headers, content=data)

    def get(self, name: str, *, offset: int = 0) -> bytes:
        """Return the content from byte `offset` on; empty if there is none. Raises NotFoundError."""
        try:
            return self.request("GET", name, headers={"x-ms-range": f"bytes={offset}-"} if offset else {}).content
        except AzureError as error:
            if error.status == 416:
                return b""
            raise

    def download(self, name: str, into: Path) -> None:
        """Write the content to a file in parts, so that it need not fit in memory. Raises NotFoundError and OSError."""
        found = self.head(name)
        if found is None:
            raise NotFoundError(f"blob {name} not found in container {self._auth.container}", status=404)
        with into.open("wb") as out:
            for start in range(0, found["size"], _PART):
                bounds = f"bytes={start}-{start + _PART - 1}"
                headers = {"x-ms-range": bounds, "If-Match": found["etag"]}
                out.write(self.request("GET", name, headers=headers).content)

    def head(self, name: str) -> Properties | None:
        """Return the blob's properties, or None if it does not exist."""
        try:
            headers = self.request("HEAD", name).headers
        except NotFoundError:
            return None
        return Properties(
            size=int(headers.get("Content-Length") or 0),
            md5=headers.get("Content-MD5", ""),
            etag=headers.get("ETag", ""),
            last_modified=headers.get("Last-Modified", ""),
            type=headers.get("x-ms-blob-type", ""),
            lease_state=headers.get("x-ms-lease-state", "available"),
            metadata={k.lower()[10:]: v for k, v in headers.items() if k.lower().startswith("x-ms-meta-")},
        )

    def list(self, prefix: str, delimiter: str = "") -> Iterator[str]:
        """Yield names that start with the prefix, in order; with a delimiter also the common prefixes, ending in it."""
        marker = ""
        while True:
            query = {"restype": "container", "comp": "list", "prefix": prefix}
            query |= {k: v for k, v in (("delimiter", delimiter), ("marker", marker)) if v}
            root = ElementTree.fromstring(self.request("GET", "", query=query).content)
            entries = root.find("Blobs")
            for entry in entries if entries is not None else ():
                if entry.tag in {"Blob", "BlobPrefix"}:
                    yield entry.findtext("Name", "")
            marker = root.findtext("NextMarker") or ""
            if not marker:
                return

    def delete(self, name: str, *, lease: str | None = None) -> bool:
        """Delete the blob; return False if it does not exist."""
        try:
            self.request("DELETE", name, headers=_lease(lease))
        except NotFoundError:
            return False
        return True

    def set_metadata(self, name: str, metadata: Mapping[str, str], *, lease: str | None = None) -> None:
        """Replace the blob's metadata."""
        self.request("PUT", name, query={"comp": "metadata"}, headers={**_lease(lease), **_meta(metadata)}, content=b"")

    def append(self, name: str, data: bytes, *, position: int | None = None) -> int:
        """Append to an append blob, created if missing; return its new length.

        position: the expected length, which makes the call idempotent. Raises ConflictError if the length differs.
        """
        headers = {"Content-MD5": content_md5(data)}
        if position is not None:
            headers["x-ms-blob-condition-appendpos"] = str(position)
        try:
            return self._append(name, data, headers, position)
        except NotFoundError:
            self._create_append(name)
            return self._append(name, data, headers, position)

    def _append(self, name: str, data: bytes, headers: Mapping[str, str], position: int | None) -> int:
        try:
            answer = self.request(
                "PUT",
                name,
                query={"comp": "appendblock"},
                headers=headers,
                content=data,
                repeatable=position is not None,
            )
        except ConflictError as error:
            if position is None or error.code != "AppendPositionConditionNotMet":
                raise
            if self.get(name, offset=position) == data:
                return position + len(data)
            raise
        return int(answer.headers.get("x-ms-blob-append-offset") or position or 0) + len(data)

    def _create_append(self, name: str) -> None:
        try:
            headers = {"x-ms-blob-type": "AppendBlob", "If-None-Match": "*"}
            self.request("PUT", name, headers=headers, content=b"", repeatable=True)
        except ConflictError as error:
            if error.code not in {"BlobAlreadyExists", "ConditionNotMet"}:
                raise

    def acquire_lease(self, name: str, seconds: int) -> str:
        """Lease the blob for 15 to 60 seconds; return the lease id. Raises ConflictError if it is already leased."""
        proposed = str(uuid.uuid4())
        headers = {
            "x-ms-lease-action": "acquire",
            "x-ms-lease-duration": str(seconds),
            "x-ms-proposed-lease-id": proposed,
        }
        answer = self._lease_request(name, headers)
        return answer.headers.get("x-ms-lease-id") or proposed

    def renew_lease(self, name: str, lease: str) -> None:
        """Renew the lease. Raises ConflictError if it is no longer ours."""
        self._lease_request(name, {"x-ms-lease-action": "renew", "x-ms-lease-id": lease})

    def release_lease(self, name: str, lease: str) -> None:
        """Release the lease. Raises ConflictError if it is no longer ours."""
        self._lease_request(name, {"x-ms-lease-action": "release", "x-ms-lease-id": lease})

    def break_lease(self, name: str) -> None:
        """Break the lease at once, whoever holds it. Raises ConflictError if there is none."""
        self._lease_request(name, {"x-ms-lease-action": "break", "x-ms-lease-break-period": "0"})

    def request(
        self,
        method: str,
        name: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        repeatable: bool = True,
        timeout: float = 120.0,
    ) -> Response:
        """Send one request to a blob, or to the container for an empty name. Raises AzureError and its subclasses."""
        url = with_query(f"{self._auth.url}/{encoded(name)}" if name else self._auth.url, query or {})
        if self._read_only and method not in {"GET", "HEAD"}:
            raise AzureError(f"cannot write blob {name}: this session is read-only", code="ReadOnly", method=method)
        sent = {"x-ms-version": API, **(headers or {})}
        if content is not None:
            sent |= {"Content-Type": "application/octet-stream", "Content-Length": str(len(content))}
        auth = self._auth.current()
        renewed = False
        while True:
            try:
                return self._http.send(
                    method,
                    url,
                    scope=auth.scope,
                    headers=sent,
                    content=content,
                    sign=auth.sign,
                    repeatable=repeatable,
                    timeout=timeout,
                )
            except AzureError as error:
                other = self._auth.instead_of(auth, error)
                same = type(other) is type(auth)
                # A new signature of the same kind helps once: a firewall rejects each of them with the same error.
                if other is None or (same and (renewed or error.code == "AuthorizationPermissionMismatch")):
                    raise
                auth, renewed = other, renewed or same

    def _lease_request(self, name: str, headers: Mapping[str, str]) -> Response:
        # A lease lasts a minute: if a response takes longer than this, another attempt is better.
        return self.request("PUT", name, query={"comp": "lease"}, headers=headers, content=b"", timeout=10.0)


def _lease(lease: str | None) -> dict[str, str]:
    return {"x-ms-lease-id": lease} if lease else {}


def _meta(metadata: Mapping[str, str] | None) -> dict[str, str]:
    return {f"x-ms-meta-{key}": value for key, value in (metadata or {}).items()}
