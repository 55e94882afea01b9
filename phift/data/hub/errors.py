"""Every error between phift and the Hugging Face hub, with its message.

    InvalidSpecError  exit 1  what the spec asks for does not exist: id, revision, config, split, or data in it
    HubError          exit 1  access refused, no connection, or no space on this machine
    StalePlanError    exit 5  a file is not the one that phift.lock pins

The path of a diagnostic is the field (`hub`, `revision`, `config`, `split`); the caller, who knows the spec, adds file
and line. No message contains a token, the query of an address (it carries signatures), or text of a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from phift.data.sources import FORMATS
from phift.diagnostics import Diagnostic, nearest
from phift.errors import InvalidSpecError, PhiftError, StalePlanError

__all__ = [
    "HubError",
    "Place",
    "Subject",
    "bad_card",
    "bad_endpoint",
    "bad_proxy",
    "from_answer",
    "loading_script",
    "no_data_files",
    "no_ranges",
    "no_such_name",
    "not_a_hub",
    "not_the_pinned_file",
    "offline",
    "other_host",
    "rate_limited",
    "unreachable",
    "unreadable",
    "wait_asked",
]

_SHOWN_NAMES = 12
_SECRETS = (
    (re.compile(r"\bhf_[A-Za-z0-9]{4,}"), "hf_***"),
    (re.compile(r"(?i)\bbearer\s+\S+"), "Bearer ***"),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@\"'<>]+@"), r"\1***@"),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s?\"'<>]*)\?[^\s\"'<>]*"), r"\1"),
)


class HubError(PhiftError):
    """Access refused, no connection, or no space on this machine. code: a stable short name."""

    def __init__(self, summary: str, *, code: str, detail: str = "", remedy: str = "") -> None:
        super().__init__(summary, detail=detail, remedy=remedy)
        self.code = code


@dataclass(frozen=True)
class Place:
    """A hub. endpoint: its address; token_source: where the token comes from, as text, or ""."""

    endpoint: str
    token_source: str = ""

    @property
    def host(self) -> str:
        """`huggingface.co`, or what HF_ENDPOINT says."""
        return self.endpoint.partition("://")[2].partition("/")[0].rpartition("@")[2] or self.endpoint


@dataclass(frozen=True)
class Subject:
    """What a request is for. pinned: named by the lock file, not by the spec; path: the file, or ""."""

    id: str = ""
    revision: str = ""
    path: str = ""
    pinned: bool = False

    def __str__(self) -> str:
        return f"{self.path} of {self.id}" if self.path else self.id


def from_answer(place: Place, subject: Subject, status: int, headers: Mapping[str, str]) -> PhiftError:
    """The error for a response of 400 or above. headers: by lower-case or case-insensitive name."""
    code = headers.get("x-error-code") or ""
    message = headers.get("x-error-message") or ""
    if "invalid credentials" in message.lower():
        return _bad_token(place)
    if code == "GatedRepo":
        return _gated(place, subject, status)
    if code == "RevisionNotFound" and subject.pinned:
        return HubError(
            f"commit {subject.revision[:8]}, which phift.lock pins, is gone from {subject.id}",
            code="hub-commit-gone",
            remedy="Run `phift lock --upgrade` to pin the current commit; this retrains.",
        )
    if code == "RevisionNotFound":
        return no_such_name("revision", subject.revision, subject.id, ())
    if code == "EntryNotFound":
        return HubError(
            f"{subject.path or 'a file'} is not in commit {subject.revision[:8]} of {subject.id}",
            code="hub-file-gone",
            remedy="Run `phift lock --upgrade` to pin the current commit." if subject.pinned else "Re-run the command.",
        )
    if code == "RepoNotFound" or (status in (401, 404) and subject.id and not subject.path):
        return _no_repository(place, subject)
    if "access to this resource is disabled" in message.lower():
        return HubError(
            f"{subject.id} is disabled on {place.host}", code="hub-disabled", remedy="Choose another data set."
        )
    if status == 429:
        return rate_limited(place, headers)
    asked = wait_asked(headers)
    detail = f"It asks to wait {asked:g} s." if asked is not None else ""
    remedy = "Re-run the command: downloaded files are kept." if status >= 500 else "Check HF_ENDPOINT and the proxy."
    summary = f"{place.host} responds with HTTP {status} for {subject or 'a request'}"
    return HubError(summary, code="hub-refused", detail=detail, remedy=remedy)


def unreachable(place: Place, error: BaseException, *, pinned: bool) -> HubError:
    """No response: connection refused, dropped, timed out, or an untrusted certificate. pinned: by the lock file."""
    text = _reason(error)
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text:
        return HubError(
            f"the TLS certificate of {place.host} is not trusted",
            code="hub-certificate",
            detail=text,
            remedy="Behind a TLS-inspecting proxy, set REQUESTS_CA_BUNDLE to its CA bundle.",
        )
    remedy = "Check the network and the proxy settings (HTTPS_PROXY, NO_PROXY)."
    if pinned:
        remedy += " phift.lock pins the data: `phift plan` works without a network."
    else:
        remedy += " Or run `phift lock` where there is a network, and commit phift.lock."
    return HubError(f"cannot reach {place.endpoint} ({text})", code="hub-unreachable", remedy=remedy)


def rate_limited(place: Place, headers: Mapping[str, str]) -> HubError:
    """The rate limit lasts longer than phift waits, or than all attempts."""
    seconds = wait_asked(headers)
    limit = re.search(r"\bq\s*=\s*(\d+)", headers.get("ratelimit-policy") or "")
    left = re.search(r"\br\s*=\s*(\d+)", headers.get("ratelimit") or "")
    told = f"{left[1] if left else 0} of {limit[1]} requests left" if limit else "no requests left"
    detail = f"{told}; next one in {seconds:g} s" if seconds is not None else told
    remedy = "Re-run the command later." if place.token_source else "Set HF_TOKEN: a token has a higher limit."
    return HubError(f"rate limit of {place.host} exceeded", code="hub-rate-limit", detail=detail, remedy=remedy)


def wait_asked(headers: Mapping[str, str]) -> float | None:
    """Seconds that a response asks to wait: `RateLimit` with nothing left, or `Retry-After`; None if neither."""
    limit = re.search(r"\br\s*=\s*(\d+)\s*;\s*t\s*=\s*(\d+)", headers.get("ratelimit") or "")
    if limit and limit[1] == "0":
        return float(limit[2])
    after = (headers.get("retry-after") or "").strip()
    if not after:
        return None
    if after.isdigit():
        return float(after)
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, (parsedate_to_datetime(after) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def offline(subject: Subject, cache: Path) -> HubError:
    """HF_HUB_OFFLINE forbids the request."""
    if subject.path:
        summary = f"HF_HUB_OFFLINE is set, and {subject} is not in the cache {cache}"
        remedy = "Unset it, or download the file into that cache first."
    elif subject.pinned:
        summary = f"HF_HUB_OFFLINE is set, and the card of {subject.id} must be read from the hub"
        remedy = "Unset it: files that are not Parquet are read as their card says."
    else:
        summary = f"HF_HUB_OFFLINE is set, and {subject.id or 'the data set'} must be resolved on the hub"
        remedy = "Unset it and run `phift lock` once: phift.lock then pins the data."
    return HubError(summary, code="hub-offline", remedy=remedy)


def no_ranges(place: Place, what: str) -> HubError:
    """Byte ranges are ignored although they are required. what: what is not possible."""
    return HubError(
        f"{what}: {place.host}, or a proxy, ignores byte ranges",
        code="hub-no-ranges",
        detail="The response is the whole file instead of the requested part.",
        remedy=f"Bypass the proxy for the hub (NO_PROXY={place.host}).",
    )


def not_a_hub(place: Place) -> HubError:
    """The response is not one of a hub."""
    return HubError(
        f"{place.endpoint} does not respond like a Hugging Face hub",
        code="hub-not-a-hub",
        remedy="Check HF_ENDPOINT, and whether a proxy or a login page responds instead.",
    )


def other_host(subject: Subject, host: str) -> HubError:
    """The data set would make the libraries send requests elsewhere, or read files of this machine."""
    return HubError(
        f"{subject.id} refers to {host}; phift reads data from the hub only",
        code="hub-other-host",
        remedy="Download the data and use `path:`.",
    )


def not_the_pinned_file(subject: Subject, expected: str, found: str) -> StalePlanError:
    """A file differs from its pin. expected, found: what differs, as text (`sha256 12ab…`, `1,024 bytes`)."""
    return StalePlanError(
        f"{subject.path} is not the file that phift.lock pins",
        detail=f"{subject.id}@{subject.revision[:8]}: {found} instead of {expected}",
        remedy="Re-run the command. If it fails again, the hub or a proxy serves another file.",
    )


def bad_proxy() -> HubError:
    """A proxy variable of the environment that the HTTP client cannot use."""
    return HubError(
        "unsupported proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY",
        code="hub-proxy",
        remedy="Write http://HOST:PORT, or exclude the hub with NO_PROXY. SOCKS proxies need the package socksio.",
    )


def bad_endpoint(place: Place) -> HubError:
    """The endpoint is not a URL."""
    summary = f"{place.endpoint} is not the address of a hub"
    return HubError(summary, code="hub-endpoint", remedy="Set HF_ENDPOINT to a URL, or unset it.")


def no_such_name(field: str, name: str, id: str, known: Iterable[str], within: str = "") -> InvalidSpecError:
    """A revision, config or split that does not exist or is missing. known: those that exist; within: the config."""
    names = list(known)
    close = nearest(name, names)
    has = ", ".join(names[:_SHOWN_NAMES]) + (
        f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    )
    remedy = (f"Did you mean {close}? " if close else "") + (f"It has: {has}." if names else "")
    if not name:
        return _invalid(field, f"`{field}` is required for {id}", f"Write `{field}:` with one of: {has}.")
    where = f"{id} (config {within})" if within else id
    return _invalid(field, f"{where} has no {field} {name}", remedy.strip() or "Check its name on the hub.")


def loading_script(id: str, script: str) -> InvalidSpecError:
    """The repository is read by running its code."""
    remedy = "Use `revision: refs/convert/parquet` if the hub has converted it, or download the data and use `path:`."
    return _invalid("hub", f"{id} is a loading script ({script}); phift does not run code of data sets", remedy)


def no_data_files(id: str) -> InvalidSpecError:
    """The repository has no files that `datasets` reads."""
    return _invalid("hub", f"{id} has no data files that can be read", "Check its files on the hub, or use `path:`.")


def bad_card(id: str, unmatched: Mapping[str, str]) -> InvalidSpecError:
    """The card does not match the files. unmatched: patterns without a file, by split; empty: another mismatch."""
    if unmatched:
        named = ", ".join(f"{split} ({pattern})" for split, pattern in unmatched.items())
        summary = f"the card of {id} refers to missing files for {named}"
    else:
        summary = f"the card of {id} does not describe files of one format"
    return _invalid("hub", summary, "Choose another revision, or report it to the authors of the data set.")


def unreadable(id: str, error: BaseException) -> HubError:
    """`datasets` fails for another reason."""
    return HubError(
        f"`datasets` cannot read {id}",
        code="hub-unreadable",
        detail=f"{type(error).__name__}: {_reason(error)}",
        remedy="Choose another revision, or download the data and use `path:`.",
    )


def _bad_token(place: Place) -> HubError:
    source = place.token_source or "the request"
    remedy = "Renew it (`hf auth login`), or remove it: public data needs none."
    return HubError(f"{place.host} rejects the token of {source}", code="hub-bad-token", remedy=remedy)


def _gated(place: Place, subject: Subject, status: int) -> HubError:
    page = f"{place.endpoint}/datasets/{subject.id}"
    if status == 401 or not place.token_source:
        remedy = f"Accept its terms at {page}, then set HF_TOKEN."
    else:
        remedy = f"Request access at {page}: the account of {place.token_source} has none."
    return HubError(f"{subject.id} is gated", code="hub-gated", remedy=remedy)


def _no_repository(place: Place, subject: Subject) -> PhiftError:
    if place.token_source:
        remedy = f"Check the name (owner/name), and that the token of {place.token_source} can read it."
    else:
        remedy = "Check the name (owner/name). For a private data set, set HF_TOKEN."
    if subject.id.lower().endswith(tuple(FORMATS)):
        remedy += f" For a file on this machine, write `path: {subject.id}`."
    if subject.pinned:
        detail = f"phift.lock pins commit {subject.revision[:8]} of it."
        summary = f"{subject.id} is no longer on {place.host}, or is private"
        return HubError(summary, code="hub-gone", detail=detail, remedy=remedy)
    return _invalid("hub", f"{subject.id} is not on {place.host}, or is private", remedy)


def _reason(error: BaseException) -> str:
    """The first line of the innermost cause, without secrets."""
    seen: set[int] = set()
    while (inner := error.__cause__ or (None if error.__suppress_context__ else error.__context__)) is not None:
        if id(inner) in seen:
            break
        seen.add(id(inner))
        error = inner
    text = getattr(error, "strerror", None) or str(error)
    line = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    for pattern, replacement in _SECRETS:
        line = pattern.sub(replacement, line)
    return line[:300]


def _invalid(path: str, summary: str, remedy: str) -> InvalidSpecError:
    return InvalidSpecError([Diagnostic(summary, remedy=remedy, path=path, code=f"data-hub-{path}")])
