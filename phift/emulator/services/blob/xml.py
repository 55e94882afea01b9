"""The XML bodies of the blob service."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from phift.emulator.core.errors import ServiceError
from phift.emulator.services.blob.lease import Lease
from phift.emulator.services.blob.model import Blob, BlobKind, Block, Container, Page, http_date

__all__ = ["blob_list", "block_list", "container_list", "parse_block_list", "property_headers"]

_HEAD = '\ufeff<?xml version="1.0" encoding="utf-8"?>'
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BLOCK_KINDS = ("Latest", "Uncommitted", "Committed")

property_headers = {
    "content-type": "Content-Type",
    "content-encoding": "Content-Encoding",
    "content-language": "Content-Language",
    "content-md5": "Content-MD5",
    "cache-control": "Cache-Control",
    "content-disposition": "Content-Disposition",
}
"""Stored content headers as the service spells them, in its order."""


def parse_block_list(body: bytes) -> list[tuple[str, str]]:
    """(Latest | Uncommitted | Committed, block id) in order; raises 400 InvalidXmlDocument."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise _invalid() from error
    if root.tag != "BlockList" or any(child.tag not in _BLOCK_KINDS for child in root):
        raise _invalid()
    return [(child.tag, (child.text or "").strip()) for child in root]


def block_list(kinds: str, committed: Sequence[Block], uncommitted: Sequence[Block]) -> bytes:
    """kinds: committed, uncommitted or all."""
    parts = []
    if kinds in ("committed", "all"):
        parts.append(f"<CommittedBlocks>{_blocks(committed)}</CommittedBlocks>")
    if kinds in ("uncommitted", "all"):
        parts.append(f"<UncommittedBlocks>{_blocks(uncommitted)}</UncommittedBlocks>")
    return f"{_HEAD}<BlockList>{''.join(parts)}</BlockList>".encode()


def blob_list(
    page: Page,
    *,
    endpoint: str,
    container: str,
    echo: Mapping[str, str],
    next_marker: str,
    metadata: bool,
    now: float,
) -> bytes:
    """echo: the request's Prefix, Marker, MaxResults and Delimiter, those that were given. metadata: include it."""
    entries = "".join(
        f"<BlobPrefix>{_name(entry)}</BlobPrefix>" if isinstance(entry, str) else _blob(entry, metadata, now)
        for entry in page.entries
    )
    attributes = f"ServiceEndpoint={quoteattr(endpoint)} ContainerName={quoteattr(container)}"
    return _listing(attributes, echo, f"<Blobs>{entries}</Blobs>", next_marker)


def container_list(
    containers: Sequence[Container], *, endpoint: str, echo: Mapping[str, str], next_marker: str, metadata: bool
) -> bytes:
    entries = "".join(
        f"<Container><Name>{container.name}</Name><Properties><Last-Modified>{container.last_modified}</Last-Modified>"
        f"<Etag>{escape(container.etag)}</Etag><LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
        "<DefaultEncryptionScope>$account-encryption-key</DefaultEncryptionScope>"
        "<DenyEncryptionScopeOverride>false</DenyEncryptionScopeOverride>"
        "<HasImmutabilityPolicy>false</HasImmutabilityPolicy><HasLegalHold>false</HasLegalHold></Properties>"
        f"{_metadata(container.metadata) if metadata else ''}</Container>"
        for container in containers
    )
    return _listing(f"ServiceEndpoint={quoteattr(endpoint)}", echo, f"<Containers>{entries}</Containers>", next_marker)


def _listing(attributes: str, echo: Mapping[str, str], entries: str, next_marker: str) -> bytes:
    given = "".join(f"<{tag}>{_text(value)}</{tag}>" for tag, value in echo.items())
    marker = f"<NextMarker>{escape(next_marker)}</NextMarker>" if next_marker else "<NextMarker />"
    return f"{_HEAD}<EnumerationResults {attributes}>{given}{entries}{marker}</EnumerationResults>".encode(
        "utf-8", "replace"
    )


def _blob(blob: Blob, metadata: bool, now: float) -> str:
    headers = blob.headers
    values = "".join(
        f"<{label}>{_text(headers[name])}</{label}>" if headers.get(name) else f"<{label} />"
        for name, label in property_headers.items()
    )
    tier = "<AccessTier>Hot</AccessTier><AccessTierInferred>true</AccessTierInferred>"
    return (
        f"<Blob>{_name(blob.name)}<Properties><Creation-Time>{http_date(blob.created)}</Creation-Time>"
        f"<Last-Modified>{blob.last_modified}</Last-Modified><Etag>{blob.etag.strip(chr(34))}</Etag>"
        f"<Content-Length>{blob.length}</Content-Length>{values}<BlobType>{blob.kind.value}</BlobType>"
        f"{tier if blob.kind is BlobKind.BLOCK else ''}{_lease(blob.lease, now)}<ServerEncrypted>true</ServerEncrypted>"
        f"</Properties>{_metadata(blob.metadata) if metadata else ''}<OrMetadata /></Blob>"
    )


def _lease(lease: Lease, now: float) -> str:
    if not lease.id:
        return "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
    state = lease.state(now)
    status = "locked" if lease.locked(now) else "unlocked"
    duration = ""
    if state == "leased":
        duration = f"<LeaseDuration>{'infinite' if lease.expires is None else 'fixed'}</LeaseDuration>"
    return f"<LeaseStatus>{status}</LeaseStatus><LeaseState>{state}</LeaseState>{duration}"


def _metadata(values: Mapping[str, str]) -> str:
    if not values:
        return "<Metadata />"
    return f"<Metadata>{''.join(f'<{name}>{_text(value)}</{name}>' for name, value in values.items())}</Metadata>"


def _blocks(blocks: Sequence[Block]) -> str:
    return "".join(f"<Block><Name>{block.id}</Name><Size>{block.length}</Size></Block>" for block in blocks)


def _name(name: str) -> str:
    if _NO_XML.search(name):
        return f'<Name Encoded="true">{quote(name)}</Name>'
    return f"<Name>{escape(name)}</Name>"


def _text(value: str) -> str:
    return escape(_NO_XML.sub("?", value))


def _invalid() -> ServiceError:
    return ServiceError(400, "InvalidXmlDocument", "XML specified is not syntactically valid.")
