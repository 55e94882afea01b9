"""The CRC-64 that Azure storage answers with (x-ms-content-crc64): NVMe's polynomial, little-endian bytes in base64."""

from __future__ import annotations

import base64
from functools import cache

__all__ = ["crc64", "crc64_header"]

_POLYNOMIAL = 0x9A6C9329AC4BC9B5  # reflected
_ALL_ONES = 0xFFFFFFFFFFFFFFFF


@cache
def _table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


def crc64(data: bytes) -> int:
    """About 10 MB/s: for small bodies only."""
    table = _table()
    value = _ALL_ONES
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ _ALL_ONES


def crc64_header(data: bytes) -> str:
    return base64.b64encode(crc64(data).to_bytes(8, "little")).decode()
