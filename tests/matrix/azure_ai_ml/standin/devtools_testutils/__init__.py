"""A stand-in for Azure's own helper package of its tests, which is not published: tests run live, nothing is recorded.

The names and signatures are those that the tests of azure-ai-ml import.
"""

from __future__ import annotations

from typing import Any

from devtools_testutils.helpers import is_live, is_live_and_not_recording

__all__ = [
    "AzureRecordedTestCase",
    "add_body_key_sanitizer",
    "add_general_regex_sanitizer",
    "add_general_string_sanitizer",
    "add_remove_header_sanitizer",
    "add_uri_regex_sanitizer",
    "is_live",
    "is_live_and_not_recording",
    "remove_batch_sanitizers",
    "set_bodiless_matcher",
    "set_custom_default_matcher",
]


class AzureRecordedTestCase:
    """The base class of the tests."""

    is_live = True
    in_recording = False


def _nothing_to_record(*args: Any, **kwargs: Any) -> None:
    """Sanitizers and matchers are of recordings, and there are none."""


add_body_key_sanitizer = _nothing_to_record
add_general_regex_sanitizer = _nothing_to_record
add_general_string_sanitizer = _nothing_to_record
add_remove_header_sanitizer = _nothing_to_record
add_uri_regex_sanitizer = _nothing_to_record
remove_batch_sanitizers = _nothing_to_record
set_bodiless_matcher = _nothing_to_record
set_custom_default_matcher = _nothing_to_record
