"""The single place that converts responses and exceptions of the Azure libraries to phift errors."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from phift.azure.envelopes import first_line, problem_in
from phift.clock import duration
from phift.errors import (
    AuthenticationError,
    AzureError,
    ConflictError,
    NotFoundError,
    ServerError,
    ThrottledError,
    UnreachableError,
)
from phift.lazy import lazy_pattern

__all__ = ["BAD_CERTIFICATE", "NOT_SENT", "from_exception", "from_response", "redact", "retry_after"]

NOT_SENT = "NotSent"
"""Code of an UnreachableError whose request never reached the service."""

BAD_CERTIFICATE = "CertificateRefused"
"""Code of an UnreachableError that retries do not fix."""

_SECRETS = (
    (lazy_pattern(r"(?i)\b([a-z][a-z0-9+.-]*://[^/\s:@\"'<>]*):[^/\s@\"'<>]+@"), r"\1:***@"),
    (
        lazy_pattern(r"(?i)\b(sig|client_secret|sharedaccesssignature|accountkey|accesskey|password)=[^&\s\"'<>]+"),
        r"\1=***",
    ),
    (lazy_pattern(r"(?i)\b(bearer|sharedkey)\s+[a-z0-9._~+/:=-]+"), r"\1 ***"),
    (lazy_pattern(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*"), "***"),
    (
        lazy_pattern(
            r"(?i)(\"(?:access_token|refresh_token|sastoken|key|primarykey|secondarykey|accesstoken)\"\s*:\s*)\"[^\"]*\""
        ),
        r'\1"***"',
    ),
)


def redact(text: str) -> str:
    """Return the text without signatures, tokens and keys."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait that the service requests: `Retry-After` (seconds or a date), or in milliseconds."""
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
    """Return the error for a response of 400 or above."""
    from phift.azure.refusals import refusal_of  # takes long to import, and most commands get no error

    problem = problem_in(body)
    code = problem.code or _header(headers, "x-ms-error-code")
    if not problem.codes and code:
        problem = replace(problem, code=code, codes=(code,))
    place = _place(url)
    request = f"{method} {place}: HTTP {status}{f' {code}' if code else ''}"
    summary = redact(problem.message) or request
    details = [redact(line) for line in (*problem.details, *problem.policies)]
    if summary != request:
        details.append(request)
    asked = retry_after(headers)
    refusal = refusal_of(status, problem, place)
    return _kind(status)(
        summary,
        status=status,
        code=code,
        method=method,
        url=place,
        retry_after=asked,
        cause=refusal.cause,
        detail="\n".join(details),
        remedy=refusal.remedy or _by_status(status, asked),
    )


def _by_status(status: int, asked: float | None) -> str:
    """Return the remedy for a response with nothing but a status. asked: seconds of its Retry-After."""
    if status == 401:
        return "Sign in again (`az login`), or check the AZURE_* variables."
    if status == 403:
        return (
            "Request a role that allows it (such as AzureML Data Scientist), "
            "or sign in as another identity with `az login`."
        )
    if status == 429 and asked:
        return f"The service asks to wait {duration(asked)}; re-run the command after that."
    if status == 429:
        return "Wait a moment, then re-run the command."
    return "Re-run the command to resume." if status == 408 or status >= 500 else ""


def from_exception(error: Exception, method: str, url: str, *, local: bool = False) -> AzureError:
    """Return the error for an exception of azure-core or the libraries below it. phift's own are returned unchanged.

    local: the server is the emulator.
    """
    from azure.core import exceptions as core

    if isinstance(error, AzureError):
        return error
    place = _place(url)
    root = _root(error)
    text = redact(first_line(str(root))) or type(root).__name__
    host = "the emulator" if local else urlsplit(url).netloc
    if isinstance(error, core.ClientAuthenticationError):
        return AuthenticationError(f"{host} rejected the credential", detail=text, method=method, url=place)
    if isinstance(error, core.HttpResponseError) and error.response is not None:
        return from_response(method, url, error.response.status_code or 0, {}, text.encode())
    if isinstance(root, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in text:
        summary, code, remedy = f"TLS certificate of {host} is not trusted", BAD_CERTIFICATE, _CERTIFICATE
    elif isinstance(error, core.ServiceRequestError) and type(root).__name__ in _BEFORE_SENDING:
        summary, code, remedy = f"cannot connect to {host}", NOT_SENT, _NETWORK
    elif isinstance(
        error, core.ServiceRequestError | core.ServiceResponseError | core.IncompleteReadError | OSError
    ) or type(error).__module__.startswith("urllib3"):
        summary, code, remedy = f"no response from {host}", "NoAnswer", _NETWORK
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
"""Innermost causes that guarantee that nothing was sent. azure-core's ServiceRequestError does not: behind a proxy it
also covers connections dropped before the response."""

_CERTIFICATE = "Behind a TLS-inspecting proxy, set REQUESTS_CA_BUNDLE to its CA bundle."

_LOCAL = "Re-run the command: it restarts the emulator and resumes. To see why it stopped, run: phift emulator logs"

_NETWORK = "Check the network and proxy settings, then re-run the command to resume."


def _kind(status: int) -> type[AzureError]:
    if status == 401:
        return AuthenticationError
    if status == 404:
        return NotFoundError
    if status in {409, 412}:
        return ConflictError
    if status == 429:
        return ThrottledError
    return ServerError if status == 408 or status >= 500 else AzureError


def _place(url: str) -> str:
    """Return the URL without query and fragment: queries contain signatures."""
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
    """Return the innermost cause below the wrappers of azure-core, requests and urllib3."""
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
