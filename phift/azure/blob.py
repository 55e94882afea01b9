"""The workspace's blob container: reading, writing, listing, leases, append blobs."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypedDict
from xml.etree import ElementTree

from phift.azure.blob_auth import DatastoreAuth, encoded
from phift.azure.transport import Http, Response, with_query
from phift.errors import AzureError, ConflictError, NotFoundError

__all__ = ["BlobStore", "Progress", "Properties"]

API = "2023-11-03"
DIGEST = "phift_digest"
"""Metadata key: the SHA-256 of the blob's content, in hex."""
CHANGED = "FileChanged"
"""Code of the error when a file is not the one of the given digest."""

_PART = 8 << 20  # bytes of a download that are held at once

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all)."""


class Properties(TypedDict):
    """What HEAD tells. lease_state: available, leased, expired, breaking, broken. type: BlockBlob, AppendBlob.

    md5: base64, "" where the service has none: it keeps the one that the writer of a block list states.
    """

    size: int
    md5: str
    etag: str
    last_modified: str
    type: str
    lease_state: str
    metadata: dict[str, str]


class BlobStore:
    """One container, from any number of threads. Names are relative to it. Raises AzureError and its kinds."""

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
        """How jobs and assets name the blob."""
        return f"azureml://datastores/{self.datastore}/paths/{name}"

    def read_only(self) -> BlobStore:
        """The same, refusing every write before it leaves."""
        return BlobStore(self._http, self._auth, self.datastore, read_only=True)

    def upload(self, path: Path, name: str, *, progress: Progress | None = None, digest: str = "") -> bool:
        """Uploads a file in parallel blocks; returns False when the blob already holds the same content.

        digest: the file's SHA-256 in hex, worked out when not given. An upload that was cut off is taken up where it
        was: blocks of 8 MiB that the service has already are not sent again. Memory: four such blocks. The file is
        digested once more as it is read. Raises OSError when it cannot be read, AzureError with the code CHANGED when
        its digest is another: no blob is written then.
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
        """Writes a whole block blob. lease: its lease id, while leased.

        if_none_match: ConflictError when it exists; after a lost answer that may be our own doing.
        """
        headers = {"x-ms-blob-type": "BlockBlob", "Content-MD5": content_md5(data), **_lease(lease), **_meta(metadata)}
        if if_none_match:
            headers["If-None-Match"] = "*"
        self.request("PUT", name, headers=headers, content=data)

    def get(self, name: str, *, offset: int = 0) -> bytes:
        """The content from byte `offset` on; empty when there is nothing beyond it. Raises NotFoundError."""
        try:
            return self.request("GET", name, headers={"x-ms-range": f"bytes={offset}-"} if offset else {}).content
        except AzureError as error:
            if error.status == 416:
                return b""
            raise

    def download(self, name: str, into: Path) -> None:
        """Writes the content to a file, part by part: it need not fit in memory. Raises NotFoundError and OSError."""
        found = self.head(name)
        if found is None:
            raise NotFoundError(f"there is no blob {name} in container {self._auth.container}", status=404)
        with into.open("wb") as out:
            for start in range(0, found["size"], _PART):
                bounds = f"bytes={start}-{start + _PART - 1}"
                headers = {"x-ms-range": bounds, "If-Match": found["etag"]}
                out.write(self.request("GET", name, headers=headers).content)

    def head(self, name: str) -> Properties | None:
        """What is known of the blob, None when there is none."""
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
        """Names that start with prefix, in order; with a delimiter also the common prefixes, ending in it."""
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
        """Deletes; False when there was nothing."""
        try:
            self.request("DELETE", name, headers=_lease(lease))
        except NotFoundError:
            return False
        return True

    def set_metadata(self, name: str, metadata: Mapping[str, str], *, lease: str | None = None) -> None:
        """Replaces the blob's metadata."""
        self.request("PUT", name, query={"comp": "metadata"}, headers={**_lease(lease), **_meta(metadata)}, content=b"")

    def append(self, name: str, data: bytes, *, position: int | None = None) -> int:
        """Adds to the end of an append blob, which is made when missing; returns its new length.

        position: where the end must be; with it a repeated call that had already worked is recognised. Raises
        ConflictError when the end is elsewhere.
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
        """Leases the blob for 15 to 60 seconds; returns the lease id. Raises ConflictError when someone holds one."""
        proposed = str(uuid.uuid4())
        headers = {
            "x-ms-lease-action": "acquire",
            "x-ms-lease-duration": str(seconds),
            "x-ms-proposed-lease-id": proposed,
        }
        answer = self._lease_request(name, headers)
        return answer.headers.get("x-ms-lease-id") or proposed

    def renew_lease(self, name: str, lease: str) -> None:
        """Starts the lease's time anew. Raises ConflictError when it is no longer ours."""
        self._lease_request(name, {"x-ms-lease-action": "renew", "x-ms-lease-id": lease})

    def release_lease(self, name: str, lease: str) -> None:
        """Gives the lease back. Raises ConflictError when it is no longer ours."""
        self._lease_request(name, {"x-ms-lease-action": "release", "x-ms-lease-id": lease})

    def break_lease(self, name: str) -> None:
        """Ends whoever's lease at once. Raises ConflictError when there is none."""
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
        """One request to a blob, or to the container for an empty name. Raises AzureError and its kinds."""
        url = with_query(f"{self._auth.url}/{encoded(name)}" if name else self._auth.url, query or {})
        if self._read_only and method not in {"GET", "HEAD"}:
            raise AzureError(f"refused to write blob {name}: this session only reads", code="ReadOnly", method=method)
        sent = {"x-ms-version": API, **(headers or {})}
        if content is not None:
            sent |= {"Content-Type": "application/octet-stream", "Content-Length": str(len(content))}
        auth = self._auth.current()
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
                if other is None or (type(other) is type(auth) and error.code == "AuthorizationPermissionMismatch"):
                    raise
                auth = other

    def _lease_request(self, name: str, headers: Mapping[str, str]) -> Response:
        # a lease lives for a minute: an answer that takes longer than this is worth less than another attempt
        return self.request("PUT", name, query={"comp": "lease"}, headers=headers, content=b"", timeout=10.0)


def content_md5(data: bytes) -> str:
    """The Content-MD5 header: it guards the way, not against attackers."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def _lease(lease: str | None) -> dict[str, str]:
    return {"x-ms-lease-id": lease} if lease else {}


def _meta(metadata: Mapping[str, str] | None) -> dict[str, str]:
    return {f"x-ms-meta-{key}": value for key, value in (metadata or {}).items()}
