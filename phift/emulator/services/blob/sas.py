"""Shared access signatures: made, and checked against a request."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

from phift.emulator.core.errors import ServiceError

__all__ = ["Need", "account_sas", "check_sas", "is_sas", "service_sas", "sign"]

ACCOUNT_SAS_VERSION = "2019-07-07"
SERVICE_SAS_VERSION = "2021-08-06"
_ENCRYPTION_SCOPE_SINCE = "2020-12-06"
_RESPONSE_HEADERS = ("rscc", "rscd", "rsce", "rscl", "rsct")
_REFUSED = (
    "Server failed to authenticate the request. "
    "Make sure the value of Authorization header is formed correctly including the signature."
)


@dataclass(frozen=True, slots=True)
class Need:
    """What an operation asks for. resource: s(ervice), c(ontainer) or o(bject). permissions: any of these."""

    resource: str
    permissions: str


def sign(key: str, text: str) -> str:
    """HMAC-SHA256 with a base64 key, as base64."""
    return base64.b64encode(hmac.digest(base64.b64decode(key), text.encode(), hashlib.sha256)).decode()


def account_sas(account: str, key: str, *, permissions: str, seconds: int, now: datetime | None = None) -> str:
    """A signature over the account's containers and objects, as Azure ML hands it out: leading "?", in its order."""
    fields = {
        "sv": ACCOUNT_SAS_VERSION,
        "se": _expiry(now, seconds),
        "srt": "co",
        "ss": "bf",
        "sp": permissions,
    }
    signature = sign(key, _account_text(account, fields))
    ordered = {"sv": fields["sv"], "sig": signature, **{name: fields[name] for name in ("se", "srt", "ss", "sp")}}
    return "?" + urlencode(ordered, quote_via=quote)


def service_sas(
    account: str,
    key: str,
    container: str,
    name: str | None,
    *,
    permissions: str,
    seconds: int,
    now: datetime | None = None,
) -> str:
    """A signature over one blob, or over a container when name is None, without "?"."""
    fields = {
        "sv": SERVICE_SAS_VERSION,
        "se": _expiry(now, seconds),
        "sr": "c" if name is None else "b",
        "sp": permissions,
    }
    fields["sig"] = sign(key, _service_text(account, container, name or "", fields))
    return urlencode(fields, quote_via=quote)


def is_sas(query: Mapping[str, str]) -> bool:
    return "sig" in query and "sv" in query


def check_sas(
    query: Mapping[str, str],
    *,
    account: str,
    key: str,
    container: str,
    name: str,
    need: Need,
    client: str,
    now: datetime | None = None,
) -> None:
    """Raises 403 unless the signature is ours, in its time frame, and grants what is needed.

    query: decoded parameters. container, name: what the URL names, "" for none. client: the caller's IP address.
    """
    moment = now or datetime.now(UTC)
    text = _account_text(account, query) if "srt" in query else _service_text(account, container, name, query)
    if not hmac.compare_digest(sign(key, text).encode(), query["sig"].encode()):
        raise _failed(f"Signature did not match. String to sign used was {text}")
    if "skoid" in query:
        raise _failed("User delegation signatures are not issued by the emulator.")
    if query.get("si"):
        raise _failed("Stored access policies are not kept by the emulator.")
    _check_time(query, moment)
    if (allowed := query.get("sip")) and not _ip_allowed(allowed, client):
        raise ServiceError(
            403,
            "AuthorizationSourceIPMismatch",
            f"This request is not authorized to perform this operation using this source IP {client}.",
        )
    if "srt" in query:
        if "b" not in query.get("ss", ""):
            raise _mismatch("AuthorizationServiceMismatch", "service")
        if need.resource not in query["srt"]:
            raise _mismatch("AuthorizationResourceTypeMismatch", "resource type")
    elif need.resource == "s" or (need.resource == "c" and need.permissions != "l"):
        raise _mismatch("AuthorizationResourceTypeMismatch", "resource type")
    if not set(need.permissions) & set(query.get("sp", "")):
        raise _mismatch("AuthorizationPermissionMismatch", "permission")


def _account_text(account: str, query: Mapping[str, str]) -> str:
    names = ["sp", "ss", "srt", "st", "se", "sip", "spr", "sv"]
    if query["sv"] >= _ENCRYPTION_SCOPE_SINCE:
        names.append("ses")
    return "\n".join([account, *(query.get(field, "") for field in names), ""])


def _service_text(account: str, container: str, name: str, query: Mapping[str, str]) -> str:
    resource = f"/blob/{account}/{container}" + (f"/{name}" if query.get("sr") != "c" else "")
    values = [query.get(field, "") for field in ("sp", "st", "se")]
    values += [resource]
    values += [query.get(field, "") for field in ("si", "sip", "spr", "sv", "sr")]
    values.append("")  # the snapshot's time
    if query["sv"] >= _ENCRYPTION_SCOPE_SINCE:
        values.append(query.get("ses", ""))
    values += [query.get(field, "") for field in _RESPONSE_HEADERS]
    return "\n".join(values)


def _check_time(query: Mapping[str, str], now: datetime) -> None:
    start, end = _moment(query.get("st")), _moment(query.get("se"))
    if end is None:
        raise _failed("se is mandatory. Cannot be empty")
    if now >= end or (start and now < start):
        begin = f"Start [{start:%a, %d %b %Y %H:%M:%S GMT}] - " if start else ""
        raise _failed(
            f"Signature not valid in the specified time frame: {begin}"
            f"Expiry [{end:%a, %d %b %Y %H:%M:%S GMT}] - Current [{now:%a, %d %b %Y %H:%M:%S GMT}]"
        )


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _failed(f"{text} is not a valid time.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _ip_allowed(allowed: str, client: str) -> bool:
    import ipaddress

    first, _, last = allowed.partition("-")
    try:
        address = int(ipaddress.IPv4Address(client))
        return int(ipaddress.IPv4Address(first)) <= address <= int(ipaddress.IPv4Address(last or first))
    except ValueError:
        return False


def _expiry(now: datetime | None, seconds: int) -> str:
    return ((now or datetime.now(UTC)) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _failed(why: str) -> ServiceError:
    return ServiceError(403, "AuthenticationFailed", _REFUSED, parameters={"AuthenticationErrorDetail": why})


def _mismatch(code: str, what: str) -> ServiceError:
    return ServiceError(403, code, f"This request is not authorized to perform this operation using this {what}.")
