"""Credentials: the user's own Azure credential, or the fixed one of the emulator. Tokens are cached."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast
from urllib.parse import urlencode

from phift.azure.errors import redact
from phift.errors import AuthenticationError, AzureError
from phift.lazy import lazy_pattern

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

    from phift.azure.transport import Http

__all__ = ["CachedCredential", "LocalCredential", "cloud_credential"]

REFRESH_BEFORE = 300
"""Seconds before expiry at which a token is replaced."""

_REMEDY = (
    "Sign in with `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or a federated token).\n"
    "To work without Azure, use --target local."
)


class CachedCredential:
    """A credential that caches tokens for all threads: one request per scope until shortly before expiry.

    Raises AuthenticationError, with a remedy, if the wrapped credential returns no token.
    """

    def __init__(self, inner: Any, now: Callable[[], float] = time.time) -> None:
        self._inner = inner
        self._now = now
        self._tokens: dict[tuple[str, ...], AccessToken] = {}
        self._lock = threading.Lock()

    def forget(self, *scopes: str) -> None:
        """Drop the token of these scopes, which the service rejected; the next call requests a new one."""
        with self._lock:
            self._tokens.pop(scopes, None)

    def get_token(self, *scopes: str, claims: str | None = None, **options: Any) -> AccessToken:
        """Return a token for the scopes; claims from a challenge of the service force a new one."""
        with self._lock:
            known = self._tokens.get(scopes)
            if claims is None and known is not None and known.expires_on - self._now() > REFRESH_BEFORE:
                return known
            if claims is not None:
                options["claims"] = claims
            try:
                token = cast("AccessToken", self._inner.get_token(*scopes, **options))
            except AzureError:
                raise
            except Exception as error:  # noqa: BLE001 - credentials raise whatever their helpers raise
                _refused(error)
            self._tokens[scopes] = token
            return token


class LocalIdentity(Protocol):
    """Tenant, client and secret of the emulator."""

    @property
    def tenant_id(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def client_secret(self) -> str: ...


class LocalCredential:
    """The emulator's client credentials, exchanged for tokens through its proxy.

    http: a connection without a credential.
    """

    def __init__(self, identity: LocalIdentity, http: Http) -> None:
        self._identity = identity
        self._http = http

    def __repr__(self) -> str:
        return "LocalCredential()"

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a new token for the scopes."""
        from azure.core.credentials import AccessToken

        form = {
            "client_id": self._identity.client_id,
            "client_secret": self._identity.client_secret,
            "grant_type": "client_credentials",
            "scope": " ".join(scopes),
        }
        answer = self._http.send(
            "POST",
            f"https://login.microsoftonline.com/{self._identity.tenant_id}/oauth2/v2.0/token",
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            content=urlencode(form).encode(),
            repeatable=True,
        )
        document = json.loads(answer.content)
        return AccessToken(document["access_token"], int(time.time()) + int(document["expires_in"]))


def cloud_credential(*, interactive: bool) -> TokenCredential:
    """Return DefaultAzureCredential, followed by sign-in in a browser if interactive."""
    from azure.identity import DefaultAzureCredential

    for name in ("azure.identity", "msal"):  # they log pages; our error is one line
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if not interactive:
        return DefaultAzureCredential()
    return _BrowserAfter(DefaultAzureCredential())


class _BrowserAfter:
    """Uses the first credential and, once it has no token, the browser."""

    def __init__(self, first: TokenCredential) -> None:
        self._chosen: TokenCredential | None = None
        self._first = first

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        from azure.core.exceptions import ClientAuthenticationError

        if self._chosen is None:
            try:
                token = self._first.get_token(*scopes, **options)
            except ClientAuthenticationError:
                from azure.identity import InteractiveBrowserCredential

                self._chosen = InteractiveBrowserCredential()
            else:
                self._chosen = self._first
                return token
        return self._chosen.get_token(*scopes, **options)


_ATTEMPT = lazy_pattern(r"^\s*(\w+Credential): (.+)$", re.MULTILINE)
_NOT_SET_UP = lazy_pattern(
    r"(?i)unavailable|not (fully )?configured|not installed|not found|could not be found|requires the"
)


def _refused(error: Exception) -> NoReturn:
    """Summarize the lines of the credential chain: the credentials that failed, or that none is configured."""
    attempts = _ATTEMPT.findall(str(error))
    failed = [f"{name}: {reason}" for name, reason in attempts if not _NOT_SET_UP.search(reason)]
    if failed:
        detail = "\n".join(failed)
    elif attempts:
        detail = f"None is configured on this machine; tried {', '.join(name for name, _ in attempts)}."
    else:
        detail = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    raise AuthenticationError("no usable Azure credential found", detail=redact(detail), remedy=_REMEDY) from None
