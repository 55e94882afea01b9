"""Which names containers, blobs, blocks and metadata may have."""

from __future__ import annotations

import base64
import binascii
import re

from phift.emulator.core.errors import ServiceError

__all__ = ["check_blob_name", "check_block_id", "check_container_name", "check_metadata_name"]

_CONTAINER = re.compile(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]|\$root|\$logs|\$web")
_METADATA = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_BLOB_NAME = 1024
_MAX_BLOCK_ID = 64


def check_container_name(name: str) -> None:
    """Raises 400: 3 to 63 lower-case letters, digits and single hyphens."""
    if not _CONTAINER.fullmatch(name):
        if not 3 <= len(name) <= 63:
            raise ServiceError(
                400, "OutOfRangeInput", "The specified resource name length is not within the permissible limits."
            )
        raise ServiceError(400, "InvalidResourceName", "The specified resource name contains invalid characters.")


def check_blob_name(name: str) -> None:
    """Raises 400: 1 to 1024 characters."""
    if not 1 <= len(name) <= _MAX_BLOB_NAME:
        raise ServiceError(
            400, "OutOfRangeInput", "The specified resource name length is not within the permissible limits."
        )
    if "\x00" in name or any(0xD800 <= ord(character) < 0xE000 for character in name):
        raise ServiceError(400, "InvalidResourceName", "The specified resource name contains invalid characters.")


def check_block_id(block_id: str) -> None:
    """Raises 400: base64 of 1 to 64 bytes."""
    try:
        length = len(base64.b64decode(block_id, validate=True))
    except (binascii.Error, ValueError):
        length = 0
    if not 1 <= length <= _MAX_BLOCK_ID:
        raise ServiceError(
            400,
            "InvalidQueryParameterValue",
            "Value for one of the query parameters specified in the request URI is invalid.",
            parameters={
                "QueryParameterName": "blockid",
                "QueryParameterValue": block_id,
                "Reason": "Not a valid base64 string.",
            },
        )


def check_metadata_name(name: str) -> None:
    """Raises 400: metadata names are C# identifiers."""
    if not _METADATA.fullmatch(name):
        raise ServiceError(
            400, "InvalidMetadata", "The metadata specified is invalid. It has characters that are not permitted."
        )
