"""Checks that several resources share."""

from __future__ import annotations

import re
from typing import Any

from phift.emulator.core.assumed import holds
from phift.emulator.core.errors import ServiceError, detail
from phift.emulator.core.members import unknown_members
from phift.emulator.core.routing import Call
from phift.emulator.core.shapes import first_mismatch

__all__ = [
    "check_asset_name",
    "check_asset_version",
    "check_members",
    "check_shape",
    "check_tags",
    "lenient_object",
    "strict_object",
    "text_map",
]

_ASSET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}")
_ASSET_VERSION = re.compile(r"(?!\.{1,2}$)[^\x00-\x1f\x7f/\\]{1,255}")
_INVALID = "Request is invalid and/or missing fields."
_MAX_TAGS, _MAX_KEY, _MAX_VALUE = 50, 512, 256


async def strict_object(call: Call[Any], kind: str) -> dict[str, Any]:
    """The body as a JSON object with members of the type alone; raises ServiceError 400 for anything else."""
    body = await call.object()
    check_members(call, body, kind)
    return body


async def lenient_object(call: Call[Any], kind: str, *, needed: bool = True) -> dict[str, Any]:
    """The body as a JSON object that may have members besides those of the type; raises ServiceError 400 for values of
    other kinds than the type has. needed: else no body, or null, is an empty object."""
    body = await call.object(needed=needed)
    check_shape(body, kind)
    return body


def check_members(call: Call[Any], body: Any, kind: str) -> None:
    """Raises ServiceError 400 for values of other kinds than the type has, and for members that it has not in this
    api-version, with all of them in its details (recorded 2026-03). None passes."""
    check_shape(body, kind)
    found = unknown_members(body, kind, call.api_version)
    recorded = kind in ("PipelineJobResource", "CommandJobResource", "SweepJobResource")
    if found and (recorded or holds(call.emulator.store, "unknown_members_are_refused")):
        raise _invalid([each.text for each in found])


def check_shape(body: Any, kind: str) -> None:
    """Raises ServiceError 400 for the first value of another kind than the type has there."""
    if found := first_mismatch(body, kind):
        path, text = found
        raise _invalid([text], target=path or None)


def _invalid(texts: list[str], target: str | None = None) -> ServiceError:
    return ServiceError(
        400,
        "UserError",
        _INVALID,
        target=target,
        details=[detail("RequestInvalid", text) for text in texts],
        inner="RequestInvalid",
        message_format=_INVALID,
    )


def check_tags(tags: Any) -> dict[str, str]:
    """The tags of an ARM resource; raises ServiceError 400 beyond ARM's limits (50; keys 512, values 256)."""
    found = text_map(tags, "tags")
    if len(found) > _MAX_TAGS:
        raise ServiceError(
            400, "InvalidTagCount", f"The resource has {len(found)} tags; at most {_MAX_TAGS} are allowed."
        )
    if len({key.lower() for key in found}) < len(found):
        # (assumed: tag_names_differ_by_more_than_case)
        raise ServiceError(400, "InvalidTagNames", "The names of two tags differ in letter case only.")
    for key, value in found.items():
        if not key or len(key) > _MAX_KEY or re.search(r"[<>%&\\?/]", key):
            raise ServiceError(400, "InvalidTagNameCharacters", f"The tag name '{key}' is not valid.")
        if len(value) > _MAX_VALUE:
            message = f"Tag value of '{key}' has {len(value)} characters; at most {_MAX_VALUE} are allowed."
            raise ServiceError(400, "TagValueTooLong", message)
    return found


def text_map(value: Any, name: str) -> dict[str, str]:
    """A map of texts; None is an empty one. Raises ServiceError 400 for anything else, as the strict parser does."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        message = f"The request is invalid: '{name}' must be an object whose values are strings."
        raise ServiceError(400, "RequestInvalid", message, target=name)
    return dict(value)


def check_asset_name(name: str) -> None:
    """Raises ServiceError 400 with the service's text for names with dots and other characters."""
    if not _ASSET_NAME.fullmatch(name):
        raise ServiceError(
            400,
            "RequestInvalid",
            "Resource name is invalid. Resource name can only contain alphanumeric characters, dashes, and "
            "underscores, with a limit of 255 characters.",
            inner="RequestInvalid",
        )


def check_asset_version(version: str) -> None:
    """Raises ServiceError 400 for a version with slashes or control characters; all other texts are versions."""
    if not _ASSET_VERSION.fullmatch(version):
        message = "Resource version is invalid. It can have up to 255 characters, and no slashes among them."
        raise ServiceError(400, "RequestInvalid", message, inner="RequestInvalid")
