"""One request to the blob service: what its operations read from it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from phift.emulator.core.errors import ServiceError
from phift.emulator.services.blob.account import BlobAccount
from phift.emulator.services.blob.authorization import authorize
from phift.emulator.services.blob.body import Body, number_header
from phift.emulator.services.blob.conditions import Conditions
from phift.emulator.services.blob.engine import BlobStore
from phift.emulator.services.blob.names import check_metadata_name
from phift.emulator.services.blob.sas import Need
from phift.emulator.services.blob.xml import property_headers
from phift.emulator.services.emulator import Call

__all__ = ["Exchange", "invalid_query", "missing_header"]

_MAX_METADATA_BYTES = 8 * 1024


class Exchange:
    """container, blob: the names in the URL, "" for none. now: seconds since 1970."""

    def __init__(self, call: Call, account: BlobAccount, now: float) -> None:
        self._call = call
        self.account = account
        self.request: Request = call.request
        self.body = Body(call.request)
        self.container = call.params.get("container", "")
        self.blob = call.params.get("blob", "")
        self.now = now
        self._query = {name.lower(): value for name, value in call.request.query_params.multi_items()}

    @property
    def store(self) -> BlobStore:
        return self.account.store

    def header(self, name: str) -> str:
        return self.request.headers.get(name, "")

    def number(self, name: str) -> int | None:
        """A header holding a whole number; raises 400 when it holds something else."""
        return number_header(self.request.headers, name)

    def query(self, name: str) -> str:
        return self._query.get(name, "")

    @property
    def conditions(self) -> Conditions:
        return Conditions.of(self.request.headers)

    @property
    def lease_id(self) -> str:
        return self.header("x-ms-lease-id").lower()

    @property
    def metadata(self) -> dict[str, str]:
        """x-ms-meta-* headers. HTTP servers fold names to lower case, so the case a client chose is lost here."""
        prefix = "x-ms-meta-"
        found = {k[len(prefix) :]: v for k, v in self.request.headers.items() if k.startswith(prefix)}
        for name in found:
            check_metadata_name(name)
        if sum(len(name) + len(value) for name, value in found.items()) > _MAX_METADATA_BYTES:
            raise ServiceError(
                400, "MetadataTooLarge", "The metadata specified exceeds the maximum permissible limit (8KB)."
            )
        return found

    def content_headers(self, *, plain: bool) -> dict[str, str]:
        """The x-ms-blob-* content headers; `plain` ones (Content-Type, ...) stand in where those are missing."""
        found = {}
        for name in property_headers:
            value = self.header(f"x-ms-blob-{name}")
            if not value and plain and name != "content-md5":
                value = self.header(name)
            if value:
                found[name] = value
        return found

    def check_account(self) -> None:
        """Raises 404 for a storage account other than the workspace's."""
        asked = self._call.hostname.split(".")[0]
        if asked != self.account.name.lower():
            raise ServiceError(
                404,
                "ResourceNotFound",
                f"There is no storage account {asked} here.",  # whose name is not told to one who has no token yet
            )

    def authorize(self, resource: str, permissions: str) -> None:
        """Raises 401, 403 or 409 unless the caller holds one of the permissions on the service, container or object."""
        need = Need(resource, permissions)
        authorize(self._call.emulator, self.account, self.request, self.container, self.blob, need)

    def answer(self, status: int, headers: dict[str, str] | None = None) -> Response:
        """An answer without a body."""
        return Response(status_code=status, headers={**(headers or {}), "Content-Length": "0"})

    def xml(self, body: bytes, headers: dict[str, str] | None = None) -> Response:
        return Response(body, media_type="application/xml", headers=headers)


def invalid_query(name: str, value: str) -> ServiceError:
    """A query parameter whose value the service cannot make sense of."""
    return ServiceError(
        400,
        "InvalidQueryParameterValue",
        "Value for one of the query parameters specified in the request URI is invalid.",
        parameters={"QueryParameterName": name, "QueryParameterValue": value},
    )


def missing_header(name: str) -> ServiceError:
    """A header that the operation cannot do without."""
    return ServiceError(
        400,
        "MissingRequiredHeader",
        "An HTTP header that's mandatory for this request is not specified.",
        parameters={"HeaderName": name},
    )
