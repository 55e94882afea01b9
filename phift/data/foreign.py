"""Detect common file types that are not rows of data, from the first bytes of a file."""

from __future__ import annotations

import re

from phift.data.problems import FileProblem
from phift.lazy import lazy_pattern

__all__ = ["foreign"]

_AGAIN = "Save it as UTF-8."
_UTF = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_WIDE = lazy_pattern(rb"(?:[\t\r\n -~]\0){2}|(?:\0[\t\r\n -~]){2}")
"""ASCII as UTF-16 without a byte order mark."""

_MARKUP = lazy_pattern(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|\?xml|!--|error>|svg)", re.IGNORECASE)
_POINTER = b"version https://git-lfs.github.com/spec/"
_DECOMPRESS = "Supported compression: gzip and zstd. Compress it with one of these, or decompress it."
_SHEET = "Save the sheet as CSV (UTF-8, commas)."

_MAGIC: tuple[tuple[bytes, str, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "excel", "an Excel workbook", _SHEET),
    (b"PAR1", "parquet", "a Parquet file", "Give it the suffix .parquet."),
    (b"ARROW1", "arrow", "an Arrow file", "Write it as Parquet or JSON Lines."),
    (b"\x1f\x8b", "gz", "compressed with gzip", "Add .gz to its name, as in train.jsonl.gz."),
    (b"\x28\xb5\x2f\xfd", "zst", "compressed with zstd", "Add .zst to its name, as in train.jsonl.zst."),
    (b"BZh", "bzip2", "compressed with bzip2", _DECOMPRESS),
    (b"\xfd7zXZ", "xz", "compressed with xz", _DECOMPRESS),
    (b"7z\xbc\xaf", "7z", "a 7-Zip archive", "Unpack it."),
    (b"%PDF-", "pdf", "a PDF document", "Extract its text, and write one JSON object per line."),
    (b"SQLite format 3\0", "sqlite", "an SQLite database", "Export its rows as CSV or JSON Lines."),
    (b"\x89PNG", "image", "an image", "Write rows of text, one JSON object per line."),
)  # fmt: skip


def foreign(head: bytes, kind: str) -> FileProblem | None:
    """Return the problem if a file with this start does not have the format of its name, or None. kind: that format,
    or the compression."""
    if head.startswith(_UTF) or _WIDE.match(head):
        return FileProblem("encoding", "the file is UTF-32" if b"\0\0" in head[:4] else "the file is UTF-16", _AGAIN)
    if head.startswith(b"PK\x03\x04"):
        if b"xl/" in head or b"[Content_Types].xml" in head:
            return FileProblem("excel", "the file is an Excel workbook", _SHEET)
        return FileProblem("zip", "the file is a zip archive", "Unpack it.")
    for magic, name, what, remedy in _MAGIC:
        if name != kind and head.startswith(magic):
            return FileProblem(name, f"the file is {what}", remedy)
    if head.startswith(_POINTER):
        return FileProblem(
            "lfs-pointer",
            "the file is a Git LFS pointer, not the data",
            "Fetch the data: `git lfs pull`.",
        )
    if _MARKUP.match(head):
        return FileProblem(
            "html",
            "the file is an HTML or XML page, not data",
            "It may be an error or sign-in page, or the file's web page: on the hub, the file is "
            "at /resolve/, its web page at /blob/.",
        )
    return None
