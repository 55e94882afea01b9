"""The one place where answers and exceptions of the Azure libraries become errors of phift.

Four envelopes are understood: Resource Manager's, the data plane's, blob storage's XML, and RFC 7807 problems, which
online endpoints hide as a JSON string inside `details[0].message`.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from phift.errors import (
    AuthenticationError,
    AzureError,
    ConflictError,
    NotFoundError,
    ServerError,
    ThrottledError,
    UnreachableError,
)

__all__ = ["BAD_CERTIFICATE", "NOT_SENT", "from_exception", "from_response", "redact", "retry_after"]

NOT_SENT = "NotSent"
"""Code of an UnreachableError whose request never reached the service."""

BAD_CERTIFICATE = "CertificateRefused"
"""Code of an UnreachableError that no repetition helps."""

_GENERIC = {"", "BadRequest", "UserError", "ValidationError", "ServiceError", "SystemError", "Immutable", "NotFound"}
"""Outer codes that say less than what lies inside them."""

_SECRETS = (
    (
        re.compile(r"(?i)\b(sig|client_secret|sharedaccesssignature|accountkey|accesskey|password)=[^&\s\"'<>]+"),
        r"\1=***",
    ),
    (re.compile(r"(?i)\b(bearer|sharedkey)\s+[a-z0-9._~+/:=-]+"), r"\1 ***"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*"), "***"),
    (
        re.compile(
            r"(?i)(\"(?:access_token|refresh_token|sastoken|key|primarykey|secondarykey|accesstoken)\"\s*:\s*)\"[^\"]*\""
        ),
        r'\1"***"',
    ),
)


def redact(text: str) -> str:
    """The text without signatures, tokens and keys."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the service asks us to wait: `Retry-After` in seconds or as a date, or the millisecond variants."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (value := _header(headers, name)) and value.strip().isdigit():
            return int(value) / 1000
    value = _header(headers, "retry-after").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        return _until(value)


def from_response(method: str, url: str, status: int, headers: Mapping[str, str], body: bytes) -> AzureError:
    """The error an answer of 400 or above stands for."""
    problem = _problem(headers, body)
    code = problem.code or _header(headers, "x-ms-error-code")
    place = _place(url)
    request = f"{method} {place}: HTTP {status}{f' {code}' if code else ''}"
    summary = redact(problem.message) or request
    details = [redact(line) for line in problem.details]
    if summary != request:
        details.append(request)
    kind, remedy = _kind(status, code)
    return kind(
        summary,
        status=status,
        code=code,
        method=method,
        url=place,
        retry_after=retry_after(headers),
        detail="\n".join(details),
        remedy=remedy,
    )


def from_exception(error: Exception, method: str, url: str, *, local: bool = False) -> AzureError:
    """The error an exception of azure-core, or of what lies under it, stands for. One of ours comes back as it is.

    local: the other side is the embedded Azure ML.
    """
    from azure.core import exceptions as core

    if isinstance(error, AzureError):
        return error
    place = _place(url)
    root = _root(error)
    text = redact(_first_line(str(root))) or type(root).__name__
    host = "the embedded Azure ML" if local else urlsplit(url).netloc
    if isinstance(error, core.ClientAuthenticationError):
        return AuthenticationError(f"{host} does not accept the credential", detail=text, method=method, url=place)
    if isinstance(error, core.HttpResponseError) and error.response is not None:
        return from_response(method, url, error.response.status_code or 0, {}, text.encode())
    if isinstance(root, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in text:
        summary, code, remedy = f"{host} shows a certificate that is not trusted", BAD_CERTIFICATE, _CERTIFICATE
    elif isinstance(error, core.ServiceRequestError) and type(root).__name__ in _BEFORE_SENDING:
        summary, code, remedy = f"{host} cannot be reached", NOT_SENT, _NETWORK
    elif isinstance(
        error, core.ServiceRequestError | core.ServiceResponseError | core.IncompleteReadError | OSError
    ) or type(error).__module__.startswith("urllib3"):
        summary, code, remedy = f"{host} did not answer", "NoAnswer", _NETWORK
    else:
        return AzureError(f"{method} {place} failed", code=type(error).__name__, detail=text, method=method, url=place)
    return UnreachableError(
        summary,
        code=code,
        detail=f"{method} {place}: {text}",
        method=method,
        url=place,
        remedy=_LOCAL if local else remedy,
    )


_BEFORE_SENDING = {
    "ConnectTimeoutError",
    "ConnectionRefusedError",
    "NameResolutionError",
    "NewConnectionError",
    "ServiceRequestError",
    "ServiceRequestTimeoutError",
    "gaierror",
}
"""Innermost causes after which certainly nothing was sent. azure-core's own word, ServiceRequestError, is not enough:
behind a proxy it also stands for a connection that was dropped before the answer."""

_CERTIFICATE = "If a proxy of your organisation opens TLS, name its certificates in REQUESTS_CA_BUNDLE."

_LOCAL = "Run the command again: it starts by itself and keeps what is done. phift emulator logs says why it stopped."

_NETWORK = "Check the network and the proxy settings, then run the command again: what is done is kept."

_ACCESS = "Ask for a role that allows it (such as AzureML Data Scientist), or choose another identity with az login."

_DENIALS = {
    "UnAuthorizedRegistryAccess": "Check the registry's name; if it is right, ask its owner for access.",
    "AuthorizationPermissionMismatch": (
        "Ask for the role Storage Blob Data Contributor on the workspace's storage account; "
        "being its owner is not enough, and a new role takes a minute to count."
    ),
    "AuthorizationFailure": "The storage account's network rules refuse this machine: ask for it to be let in.",
}


def _kind(status: int, code: str) -> tuple[type[AzureError], str]:
    if status == 401:
        return AuthenticationError, "Sign in again (az login) or check the AZURE_* variables."
    if status == 403:
        return AzureError, _DENIALS.get(code, _ACCESS)
    if status == 404:
        return NotFoundError, ""
    if status in {409, 412}:
        return ConflictError, ""
    if status == 429:
        return ThrottledError, "Wait a little, then run the command again."
    if status == 408 or status >= 500:
        return ServerError, "Run the command again; what is done is kept."
    return AzureError, ""


@dataclass(frozen=True)
class _Problem:
    code: str = ""
    message: str = ""
    details: tuple[str, ...] = ()


def _problem(headers: Mapping[str, str], body: bytes) -> _Problem:
    text = body.decode("utf-8-sig", errors="replace").strip()
    if text.startswith("<"):
        return _from_xml(text)
    try:
        document = json.loads(text)
    except ValueError:
        return _Problem(message=_first_line(text))
    if not isinstance(document, dict):
        return _Problem(message=_first_line(text) if document else "")
    error = document.get("error", document)
    if isinstance(error, dict):
        return _from_envelope(error)
    return _Problem(code=str(error), message=str(document.get("error_description") or document.get("message") or error))


def _from_envelope(error: Mapping[str, Any]) -> _Problem:
    if "code" not in error and ("errors" in error or "title" in error):
        lines = list(_rfc7807(error))
        return _Problem(message="; ".join(lines))
    message = _unfolded(str(error.get("message") or ""))
    details = [d for d in error.get("details") or () if isinstance(d, dict)]
    lines = [_unfolded(str(d.get("message") or d.get("code") or "")) for d in details]
    lines = [line for line in dict.fromkeys(lines) if line and line != message]
    if message.rstrip(".").lower() in {"", "the request is invalid", "bad request"} and lines:
        message = lines.pop(0)
    return _Problem(code=_most_specific(error, details), message=message, details=tuple(lines))


def _most_specific(error: Mapping[str, Any], details: list[dict[str, Any]]) -> str:
    """The innermost code that says something: JobPropertyImmutable rather than UserError."""
    candidates = [*_inner_codes(error)]
    candidates += [str(d["code"]) for d in details if d.get("code")]
    outer = str(error.get("code") or "")
    if outer not in _GENERIC:
        return outer
    return next((c for c in candidates if c not in _GENERIC), outer)


def _inner_codes(error: Mapping[str, Any]) -> list[str]:
    """Codes of the innerError chain, deepest first."""
    codes: list[str] = []
    inner = error.get("innerError") or error.get("innererror")
    if inner is None:
        for item in error.get("additionalInfo") or ():
            if isinstance(item, dict) and item.get("type") == "InnerError":
                info = item.get("info")
                inner = info.get("value") if isinstance(info, dict) else None
    while isinstance(inner, dict):
        if inner.get("code"):
            codes.insert(0, str(inner["code"]))
        inner = inner.get("innerError") or inner.get("innererror")
    return codes


def _unfolded(message: str) -> str:
    """The message, and where it is itself a JSON problem, what that problem says."""
    text = message.strip()
    if text.startswith("{"):
        try:
            document = json.loads(text)
        except ValueError:
            return message
        if isinstance(document, dict):
            lines = list(_rfc7807(document))
            return "; ".join(lines) or message
    return message


def _rfc7807(problem: Mapping[str, Any]) -> Iterator[str]:
    errors = problem.get("errors")
    if isinstance(errors, dict):
        for field, texts in errors.items():
            for text in texts if isinstance(texts, list) else [texts]:
                yield f"{field}: {text}" if field else str(text)
        if errors:
            return
    for key in ("detail", "title", "message"):
        if problem.get(key):
            yield str(problem[key])
            return


def _from_xml(text: str) -> _Problem:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return _Problem(message=_first_line(re.sub(r"<[^>]*>", " ", text)))
    return _Problem(code=root.findtext("Code", ""), message=_first_line(root.findtext("Message", "")))


def _first_line(text: str) -> str:
    line = next((part.strip() for part in text.splitlines() if part.strip()), "")
    return line if len(line) <= 500 else line[:500] + "..."


def _place(url: str) -> str:
    """The address without query and fragment: queries carry signatures."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else parts.path


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((str(v) for k, v in headers.items() if k.lower() == name), "")


def _until(date: str) -> float | None:
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _root(error: BaseException) -> BaseException:
    """The innermost cause, through the wrappings of azure-core, requests and urllib3."""
    seen = {id(error)}
    while True:
        inner = next((cause for cause in _causes(error) if id(cause) not in seen), None)
        if inner is None:
            return error
        seen.add(id(inner))
        error = inner


def _causes(error: BaseException) -> Iterator[BaseException]:
    first = error.args[0] if error.args else None
    last = error.args[-1] if error.args else None
    for cause in (getattr(error, "inner_exception", None), getattr(error, "reason", None), first, last):
        if isinstance(cause, BaseException):
            yield cause
    if error.__cause__ is not None:
        yield error.__cause__
