"""How much of a file is read before it is taken for broken or hostile."""

__all__ = ["LARGEST", "LONGEST", "PLENTY", "RATIO"]

LONGEST = 1 << 26
"""Characters of a line, of an element of a JSON array, of a cell of CSV."""

PLENTY = 256 << 20
"""Bytes that a compressed file may hold whatever its own size: honest rows can be very repetitive."""

RATIO = 200
"""Beyond `PLENTY`: bytes of text for each compressed byte. Prose reaches 10, and gzip cannot reach more than 1,032."""

LARGEST = 64 << 30
"""Bytes that a compressed file may hold at all."""
