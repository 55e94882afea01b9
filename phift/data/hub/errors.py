"""The words for everything that can go wrong between phift and the Hugging Face hub.

    InvalidSpecError  exit 1  what the spec asks for does not exist: id, revision, config, split, or data in it
    HubError          exit 1  the hub, the way to it, or this machine stands in the way
    StalePlanError    exit 5  a file is not the one that phift.lock pins

Diagnostics have the field as their path (`hub`, `revision`, `config`, `split`) and no place in a file: whoever knows
the spec adds it. No message contains a token, the query of an address (it carries signatures), or text of a row.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError, PhiftError, StalePlanError

__all__ = [
    "HubError",
    "Place",
    "Subject",
    "bad_card",
    "disk_full",
    "from_answer",
    "loading_script",
    "no_data_files",
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
    """The hub, the way to it, or this machine stands in the way of the data. code: a stable short name."""

    def __init__(self, summary: str, *, code: str, detail: str = "", remedy: str = "") -> None:
        super().__init__(summary, detail=detail, remedy=remedy)
        self.code = code


@dataclass(frozen=True)
class Place:
    """The hub that is asked. endpoint: its address; token_source: where the token comes from, as text, or ""."""

    endpoint: str
    token_source: str = ""

    @property
    def host(self) -> str:
        """`huggingface.co`, or what HF_ENDPOINT says."""
        return urlsplit(self.endpoint).netloc.rpartition("@")[2] or self.endpoint


@dataclass(frozen=True)
class Subject:
    """What is asked for. pinned: the lock file says so, not the spec; path: the file, where it is one."""

    id: str = ""
    revision: str = ""
    path: str = ""
    pinned: bool = False

    def __str__(self) -> str:
        return f"{self.path} of {self.id}" if self.path else self.id


def from_answer(place: Place, subject: Subject, status: int, headers: Mapping[str, str]) -> PhiftError:
    """The error that an answer of 400 or above stands for. headers: names in lower case, or without case."""
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
            remedy="Run `phift lock --upgrade` to pin what is there now: that is a new training.",
        )
    if code == "RevisionNotFound":
        return no_such_name("revision", subject.revision, subject.id, ())
    if code == "EntryNotFound":
        return HubError(
            f"{subject.path or 'a file'} is not in commit {subject.revision[:8]} of {subject.id}",
            code="hub-file-gone",
            remedy="Run `phift lock --upgrade` to pin what is there now." if subject.pinned else "",
        )
    if code == "RepoNotFound" or (status in (401, 404) and subject.id and not subject.path):
        return _no_repository(place, subject)
    if "access to this resource is disabled" in message.lower():
        return HubError(
            f"{subject.id} is disabled on {place.host}", code="hub-disabled", remedy="Choose another data set."
        )
    if status == 429:
        return rate_limited(place, headers)
    remedy = "Re-run the command: downloaded files are kept." if status >= 500 else "Check HF_ENDPOINT and the proxy."
    return HubError(f"{place.host} answers HTTP {status} for {subject}", code="hub-refused", remedy=remedy)


def unreachable(place: Place, error: BaseException, *, pinned: bool) -> HubError:
    """No answer: refused, dropped, timed out, or a certificate that is not trusted. pinned: is the data in the lock?"""
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
    """The hub's rate limit holds for longer than phift waits, or after all attempts."""
    seconds = wait_asked(headers)
    limit = re.search(r"\bq\s*=\s*(\d+)", headers.get("ratelimit-policy") or "")
    left = re.search(r"\br\s*=\s*(\d+)", headers.get("ratelimit") or "")
    told = f"{left[1] if left else 0} of {limit[1]} requests left" if limit else "no requests left"
    detail = f"{told}; the next one in {seconds:g} s" if seconds is not None else told
    remedy = "Re-run the command then." if place.token_source else "Set HF_TOKEN: a token has a higher limit."
    return HubError(f"the rate limit of {place.host} is used up", code="hub-rate-limit", detail=detail, remedy=remedy)


def wait_asked(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait: `RateLimit` with nothing left, or `Retry-After`; None: it does not say."""
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
    else:
        summary = f"HF_HUB_OFFLINE is set, and {subject.id or 'the data set'} must be asked of the hub"
        remedy = "Unset it to resolve the data set once: phift.lock then pins it."
    return HubError(summary, code="hub-offline", remedy=remedy)


def not_a_hub(place: Place) -> HubError:
    """The answer is none of a hub."""
    return HubError(
        f"{place.endpoint} does not answer as a Hugging Face hub does",
        code="hub-not-a-hub",
        remedy="Check HF_ENDPOINT, and whether a proxy or a login page answers in its place.",
    )


def other_host(subject: Subject, host: str) -> HubError:
    """The libraries would ask another host than the hub's."""
    return HubError(
        f"{subject.id} leads to {host}: phift reads data of the hub alone",
        code="hub-other-host",
        remedy="Download the data and use `path:`.",
    )


def not_the_pinned_file(subject: Subject, expected: str, found: str) -> StalePlanError:
    """A file's content is another. expected, found: what differs, as text (`sha256 12ab…`, `1,024 bytes`)."""
    return StalePlanError(
        f"{subject.path} is not the file that phift.lock pins",
        detail=f"{subject.id}@{subject.revision[:8]}: {found} instead of {expected}",
        remedy="Re-run the command. If it happens again, the hub or a proxy changes the file.",
    )


def disk_full(folder: Path, needed: int, free: int) -> HubError:
    """Too little space for a download, in bytes."""
    return HubError(
        f"not enough space in {folder}: {_megabytes(needed)} needed, {_megabytes(free)} free",
        code="hub-disk-full",
        remedy="Free some space, or set PHIFT_HOME to a folder on another disk.",
    )


def no_such_name(field: str, name: str, id: str, known: Iterable[str], within: str = "") -> InvalidSpecError:
    """A revision, config or split that the data set does not have. known: those it has; within: the config."""
    names = list(known)
    close = difflib.get_close_matches(name, names, 1)
    has = ", ".join(names[:_SHOWN_NAMES]) + (
        f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    )
    remedy = (f"Did you mean {close[0]}? " if close else "") + (f"It has: {has}." if names else "")
    if not name:
        summary = f"{id} has several {field}s, and none is named" if len(names) > 1 else f"no {field} of {id} is named"
        return _invalid(field, summary, f"Write `{field}:` with one of: {has}.")
    where = f"{id} (config {within})" if within else id
    return _invalid(field, f"{where} has no {field} {name}", remedy.strip() or "Check its name on the hub.")


def loading_script(id: str, script: str) -> InvalidSpecError:
    """The repository needs code to be run."""
    remedy = "Use `revision: refs/convert/parquet` if the hub has converted it, or download the data and use `path:`."
    return _invalid("hub", f"{id} is a loading script ({script}): phift runs no code of data sets", remedy)


def no_data_files(id: str) -> InvalidSpecError:
    """Nothing in it that `datasets` reads."""
    return _invalid("hub", f"{id} has no data files that can be read", "Check its files on the hub, or use `path:`.")


def bad_card(id: str, unmatched: Mapping[str, str]) -> InvalidSpecError:
    """The card describes files that are not there. unmatched: pattern by split; empty: wrong in another way."""
    if unmatched:
        named = ", ".join(f"{split} ({pattern})" for split, pattern in unmatched.items())
        summary = f"the card of {id} names no existing file for {named}"
    else:
        summary = f"the card of {id} does not describe files of one format"
    return _invalid("hub", summary, "Choose another revision, or report it to the authors of the data set.")


def unreadable(id: str, error: BaseException) -> HubError:
    """`datasets` gives up for a reason of its own."""
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
        remedy = f"Check the name (owner/name), and whether the token of {place.token_source} may read it."
    else:
        remedy = "Check the name (owner/name). For a private data set, set HF_TOKEN."
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


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size < 10_000_000 else f"{size / 1e6:,.0f} MB"


def _invalid(path: str, summary: str, remedy: str) -> InvalidSpecError:
    return InvalidSpecError([Diagnostic(summary, remedy=remedy, path=path, code=f"data-hub-{path}")])
