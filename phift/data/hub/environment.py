"""Settings of the process environment for the hub: address, token, certificates, cache. Read at call time."""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from phift.data.hub.errors import HubError

__all__ = ["Token", "cache_folder", "certificates", "endpoint", "offline", "token"]

DEFAULT_ENDPOINT = "https://huggingface.co"
_TOKEN = re.compile(r"[\x21-\x7e]+")
_TRUE = {"1", "ON", "YES", "TRUE"}


@dataclass(frozen=True)
class Token:
    """source: where it comes from, as text for messages; "" without a token."""

    value: str = field(default="", repr=False)
    source: str = ""


def endpoint() -> str:
    """HF_ENDPOINT, or the public hub; without a trailing slash."""
    return (os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")


def offline() -> bool:
    """HF_HUB_OFFLINE, or its older name."""
    return _is_true("HF_HUB_OFFLINE") or _is_true("TRANSFORMERS_OFFLINE")


def cache_folder() -> Path:
    """Where huggingface_hub keeps its downloads."""
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return Path(os.path.expandvars(named)).expanduser() if named else _home() / "hub"


def token() -> Token:
    """The token, in the order of huggingface_hub: OIDC, HF_TOKEN, HUGGING_FACE_HUB_TOKEN, the token file.

    No token with HF_HUB_DISABLE_IMPLICIT_TOKEN. OIDC, and a token file of a browser login, which may need renewal,
    import huggingface_hub and may send requests. Raises HubError when OIDC fails, or a token is malformed.
    """
    found = _found_token()
    if found.value and not _TOKEN.fullmatch(found.value):
        # The error for an illegal header would show it.
        remedy = "Set it to the token alone, or remove it: public data needs none."
        raise HubError(
            f"the token of {found.source} is malformed: it contains spaces or other illegal characters",
            code="hub-token",
            remedy=remedy,
        )
    return found


def _found_token() -> Token:
    if _is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN"):
        return Token()
    if os.environ.get("HF_OIDC_RESOURCE"):
        return Token(_from_library("HF_OIDC_RESOURCE"), "HF_OIDC_RESOURCE")
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if value := os.environ.get(name, "").strip():
            return Token(value, name)
    path = Path(os.path.expandvars(os.environ.get("HF_TOKEN_PATH") or str(_home() / "token"))).expanduser()
    value = _text(path).strip()
    if not value:
        return Token()
    if "refresh_token" in _text(path.with_name("stored_tokens")):
        value = _from_library(str(path)) or value
    return Token(value, str(path))


def certificates() -> ssl.SSLContext:
    """The certificates to trust: REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, as for Azure's clients, then SSL_CERT_FILE,

    SSL_CERT_DIR, then the system's store. Raises HubError when a bundle cannot be read.
    """
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        if bundle := os.environ.get(name):
            try:
                return _trusting(bundle, os.stat(bundle).st_mtime_ns)
            except OSError as error:  # ssl.SSLError is one
                raise HubError(
                    f"cannot read the certificates in {bundle}",
                    code="hub-certificates",
                    detail=error.strerror or str(error),
                    remedy=f"{name} must name a file or folder of PEM certificates.",
                ) from None
    return _trusting("", 0)


@lru_cache(maxsize=8)
def _trusting(bundle: str, modified: int) -> ssl.SSLContext:
    """Cached: loading certificates takes longer than a request. modified: time of the bundle's last change."""
    if os.path.isdir(bundle):
        return ssl.create_default_context(capath=bundle)
    if bundle:
        return ssl.create_default_context(cafile=bundle)
    import httpx2

    return httpx2.create_ssl_context()  # it knows each system's store


def _from_library(source: str) -> str:
    import huggingface_hub

    try:
        return huggingface_hub.get_token() or ""
    except Exception as error:  # noqa: BLE001 - it uses several services, each with its own errors
        raise HubError(
            f"no token for the hub from {source}",
            code="hub-token",
            detail=f"{type(error).__name__}",
            remedy="Set HF_TOKEN, or unset HF_OIDC_RESOURCE.",
        ) from None


def _home() -> Path:
    named = os.environ.get("HF_HOME")
    if named:
        return Path(os.path.expandvars(named)).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base).expanduser() / "huggingface"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _is_true(name: str) -> bool:
    return os.environ.get(name, "").upper() in _TRUE
