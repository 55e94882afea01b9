"""Addresses instead of paths: which ones phift reads, and remedies for the others.

An address that `address_fault` accepts is not secret: user information and queries are rejected.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

__all__ = ["address_fault", "scheme_of", "shown_address"]

_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]{1,20}):/"
_BLOBS = ("wasbs", "wasb", "abfss", "abfs")
_READ = ("https", "azureml", *_BLOBS)
_PRINTABLE = r"[\x21-\x7e]+"
_DOWNLOAD = "Download it, and write path: FILE."
_DATASTORE = "Register its container as a datastore and write asset: azureml://datastores/NAME/paths/PATH"


def scheme_of(path: str) -> str:
    """Return the scheme of an address in lower case, also of `azureml:NAME:VERSION`; "" for a local path."""
    if path.lower().startswith("azureml:"):
        return "azureml"
    match = re.match(_SCHEME, path) if ":/" in path else None
    return match[1].lower() if match else ""


def shown_address(path: str) -> str:
    """Return an address without user information, query and fragment: safe to show and to store."""
    head, separator, rest = path.partition("://")
    place, slash, tail = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    # In addresses of blobs, the part before the @ is the container.
    if head.lower() not in _BLOBS or place.count("@") > 1 or ":" in place.partition("@")[0]:
        place = place.rpartition("@")[2]
    place = re.sub(r":(?![0-9]{1,5}$).*", "", place)
    return f"{head}{separator}{place}{slash}{tail}" if separator else re.split(r"[?#]", path, maxsplit=1)[0]


def address_fault(path: str) -> tuple[str, str] | None:
    """Return the problem of an address as (summary that follows the name of the field, remedy).

    None for an address that phift reads, and for a local path.
    """
    scheme = scheme_of(path)
    if not scheme or (scheme == "azureml" and not path.lower().startswith("azureml:/")):
        return None
    shown = shown_address(path)[:200]
    if scheme not in _READ:
        return _refused_scheme(scheme, shown)
    if not path.lower().startswith(f"{scheme}://"):
        return f"is malformed: {shown!r} lacks a slash", f"Write {scheme}://..."
    try:
        parts = urlsplit(path)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return "is a malformed address: the host is missing", f"Write {scheme}://HOST/PATH."
    if parts.query or "?" in path:
        return (
            f"has a query: {shown}?... The query may be a signature (SAS), which phift must not store",
            f"{_DATASTORE}, or download it and write path: FILE.",
        )
    if parts.fragment or "#" in path:
        return f"has a fragment: {shown}#...", "Remove the fragment, or write # as %23."
    if scheme == "https" and parts.username is not None:
        return f"has a user name or a password: {shown}", f"{_DATASTORE}, or download it and write path: FILE."
    if not re.fullmatch(_PRINTABLE, path):
        return (
            "is malformed: an address cannot contain spaces, control characters or non-ASCII letters",
            "Percent-encode it.",
        )
    if scheme in _BLOBS:
        named = re.fullmatch(r"[\w$-]+@[\w.-]+", parts.netloc, re.ASCII)
        return (
            None if named else (f"is malformed: {shown}", f"Write {scheme}://CONTAINER@ACCOUNT.{_host(scheme)}/PATH.")
        )
    if not host:
        return f"is malformed: {shown!r} lacks a host", f"Write {scheme}://HOST/PATH."
    return None


def _host(scheme: str) -> str:
    return "blob.core.windows.net" if scheme.startswith("wasb") else "dfs.core.windows.net"


def _refused_scheme(scheme: str, shown: str) -> tuple[str, str]:
    if scheme == "http":
        return f"is an unencrypted address (http): {shown}", "Write https://, which cannot be modified in transit."
    if scheme == "hf":
        return f"is an address of the Hugging Face hub: {shown}", "Write hub: OWNER/NAME and split: NAME."
    if scheme in ("s3", "s3a", "gs"):
        where = "Amazon S3" if scheme.startswith("s3") else "Google Cloud Storage"
        return f"is an address on {where}, which phift does not read: {shown}", _DOWNLOAD
    return f"has an unsupported scheme ({scheme}): {shown}", _DOWNLOAD
