"""Authorisation of blob requests: the datastore's SAS or account key, or the user's own token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, urlsplit

from phift.azure.rest import Rest
from phift.errors import AzureError

__all__ = ["AadAuth", "BlobAuth", "DatastoreAuth", "SasAuth", "SharedKeyAuth", "shared_key_signature"]

STORAGE_SCOPE = "https://storage.azure.com/.default"
DATASTORE_API = "2024-10-01"
SAS_LIFE = 3000
"""Seconds to use a SAS; it is requested for one hour."""

_REFUSED_KEYS = {"KeyBasedAuthenticationNotPermitted"}
_REFUSED_SAS = {"AuthenticationFailed", "AuthorizationFailure", "AuthorizationPermissionMismatch"}


class BlobAuth(Protocol):
    """One way to authorise a request. scope: of the bearer token, empty if none is needed."""

    @property
    def scope(self) -> str: ...

    def sign(self, method: str, url: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Return the URL and the additional headers to send."""


@dataclass(frozen=True)
class AadAuth:
    """The user's token for storage."""

    scope: str = STORAGE_SCOPE

    def sign(self, method: str, url: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        return url, {}


class SasAuth:
    """A shared access signature, appended to each query."""

    scope = ""

    def __init__(self, token: str) -> None:
        self._token = token.lstrip("?")

    def __repr__(self) -> str:
        return "SasAuth(***)"

    def sign(self, method: str, url: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        return f"{url}{'&' if '?' in url else '?'}{self._token}", {}


class SharedKeyAuth:
    """An account key, which signs each request."""

    scope = ""

    def __init__(self, account: str, key: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._account = account
        self._key = key
        self._now = now

    def __repr__(self) -> str:
        return f"SharedKeyAuth({self._account}, ***)"

    def sign(self, method: str, url: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        date = {"x-ms-date": format_datetime(self._now().astimezone(UTC), usegmt=True)}
        signature = shared_key_signature(self._account, self._key, method, url, {**headers, **date})
        return url, {**date, "Authorization": f"SharedKey {self._account}:{signature}"}


_SIGNED = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)


def shared_key_signature(account: str, key: str, method: str, url: str, headers: Mapping[str, str]) -> str:
    """Return the signature of a request to blob storage (Azure docs, "Authorize with Shared Key")."""
    lower = {name.lower(): value for name, value in headers.items()}
    if lower.get("content-length") == "0":
        lower["content-length"] = ""
    parts = urlsplit(url)
    canonical = "".join(f"{name}:{lower[name]}\n" for name in sorted(lower) if name.startswith("x-ms-"))
    resource = f"/{account}{parts.path}"
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        values.setdefault(name.lower(), []).append(value)
    resource += "".join(f"\n{name}:{','.join(sorted(values[name]))}" for name in sorted(values))
    text = "\n".join([method, *(lower.get(name, "") for name in _SIGNED)]) + "\n" + canonical + resource
    digest = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


class DatastoreAuth:
    """The authorisation of a datastore: its SAS or key, fetched on first use and before it expires, else the token.

    arm: Resource Manager. path: of the datastore. properties: of its document. The user's token is used if the
    datastore has no credentials, its secrets cannot be listed, or the account does not accept keys.
    """

    def __init__(
        self, arm: Rest, path: str, properties: Mapping[str, Any], now: Callable[[], float] = time.monotonic
    ) -> None:
        self.account = str(properties["accountName"])
        self.container = str(properties["containerName"])
        self._arm = arm
        self._path = path
        self._kind = str((properties.get("credentials") or {}).get("credentialsType") or "None")
        self._now = now
        self._auth: BlobAuth | None = None
        self._until = 0.0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"DatastoreAuth({self.account}/{self.container})"

    @property
    def url(self) -> str:
        """The container's URL."""
        return f"https://{self.account}.blob.core.windows.net/{self.container}"

    def current(self) -> BlobAuth:
        """Return the authorisation to use now."""
        with self._lock:
            if self._auth is None or self._now() >= self._until:
                self._auth, life = self._ask()
                self._until = self._now() + life
            return self._auth

    def instead_of(self, refused: BlobAuth, error: AzureError) -> BlobAuth | None:
        """Return the authorisation to try after `refused` failed with `error`; None if there is no other."""
        if error.status != 403 or isinstance(refused, AadAuth):
            return None
        with self._lock:
            if self._auth is not refused:
                return self._auth
            if error.code in _REFUSED_KEYS:
                self._auth, self._until = AadAuth(), float("inf")
                return self._auth
            if isinstance(refused, SasAuth) and error.code in _REFUSED_SAS:
                self._auth, life = self._ask()
                self._until = self._now() + life
                return self._auth
        return None

    def _ask(self) -> tuple[BlobAuth, float]:
        forever = float("inf")
        if self._kind == "None":
            return AadAuth(), forever
        try:
            secrets = self._arm.post(
                f"{self._path}/listSecrets", DATASTORE_API, {"expirableSecret": True, "expireAfterHours": 1}
            ).body
        except AzureError as error:
            if error.status in {400, 403, 404}:
                return AadAuth(), forever
            raise
        if secrets.get("secretsType") == "Sas":
            return SasAuth(str(secrets["sasToken"])), SAS_LIFE
        if secrets.get("secretsType") == "AccountKey":
            return SharedKeyAuth(self.account, str(secrets["key"])), forever
        return AadAuth(), forever


def encoded(name: str) -> str:
    """Encode a blob's name for a URL."""
    return quote(name, safe="/~-_.!()*'$,;=:@")
