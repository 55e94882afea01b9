"""Limits beyond which a file counts as broken or hostile."""

__all__ = ["LARGEST", "LONGEST", "PLENTY", "RATIO"]

LONGEST = 1 << 26
"""Maximum characters of a line, of an element of a JSON array, of a CSV cell."""

PLENTY = 256 << 20
"""Decompressed bytes that are always allowed: legitimate rows can be very repetitive."""

RATIO = 200
"""Beyond `PLENTY`: maximum ratio of decompressed to compressed bytes. Prose reaches 10; gzip's maximum is 1,032."""

LARGEST = 64 << 30
"""Maximum decompressed bytes of a compressed file."""
