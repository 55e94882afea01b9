"""The SharedKey scheme: a request signed with the account's key."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from phift.emulator.core.errors import ServiceError
from phift.emulator.services.blob.sas import sign

__all__ = ["check_shared_key", "string_to_sign"]

_MAX_AGE_SECONDS = 15 * 60
_SIGNED_HEADERS = (
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


def string_to_sign(
    account: str, method: str, raw_path: str, query: Iterable[tuple[str, str]], headers: Mapping[str, str]
) -> str:
    """The text a client signs. raw_path: as sent, percent-encoded. query: decoded pairs. headers: lower-case names."""
    values = dict(headers)
    if values.get("content-length") == "0":
        values["content-length"] = ""
    if "x-ms-date" in values:
        values["date"] = ""
    lines = [method, *(values.get(name, "") for name in _SIGNED_HEADERS)]
    lines += [f"{name}:{values[name].strip()}" for name in sorted(filter(_is_ms, values), key=_header_order)]
    grouped: dict[str, list[str]] = {}
    for name, value in query:
        grouped.setdefault(name.lower(), []).append(value)
    resource = [f"/{account}{raw_path}"]
    resource += [f"{name}:{','.join(sorted(grouped[name]))}" for name in sorted(grouped)]
    return "\n".join([*lines, *resource])


def check_shared_key(
    authorization: str,
    *,
    account: str,
    key: str,
    method: str,
    raw_path: str,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    now: datetime | None = None,
) -> None:
    """Raises 403 unless `authorization` ("account:signature") signs this request with the key, and recently."""
    text = string_to_sign(account, method, raw_path, query, headers)
    expected = sign(key, text)
    if not hmac.compare_digest(authorization.encode(), f"{account}:{expected}".encode()):
        raise _failed(
            "The MAC signature found in the HTTP request is not the same as any computed signature. "
            f"Server used following string to sign: '{text}'."
        )
    stamp = headers.get("x-ms-date") or headers.get("date", "")
    try:
        age = abs(((now or datetime.now(UTC)) - parsedate_to_datetime(stamp)).total_seconds())
    except (ValueError, TypeError) as error:
        raise _failed(f"Request date header is missing or not in the correct format: '{stamp}'.") from error
    if age > _MAX_AGE_SECONDS:
        raise _failed(f"Request date header too old: '{stamp}'")


def _is_ms(name: str) -> bool:
    return name.startswith("x-ms-")


def _header_order(name: str) -> tuple[str, str]:
    # The service sorts by culture: hyphens weigh nothing at first, and "_" comes before digits and letters.
    return name.replace("-", "").replace("_", " "), name


def _failed(why: str) -> ServiceError:
    return ServiceError(
        403,
        "AuthenticationFailed",
        "Server failed to authenticate the request. "
        "Make sure the value of Authorization header is formed correctly including the signature.",
        parameters={"AuthenticationErrorDetail": why},
    )
