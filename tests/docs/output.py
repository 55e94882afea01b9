"""The output that a page shows, compared with that of a run."""

from __future__ import annotations

import difflib
import re

__all__ = ["differs", "plain"]

_PATTERNS = (
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?", "[time]"),
    (r"\[(?:guid|hex)\d+\]", "[hex]"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[hex]"),
    (r"(?<![0-9a-zA-Z])(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{6,64}(?![0-9a-zA-Z])", "[hex]"),
    (r"\b(?:\d+h\d\dm|\d+m\d\ds|\d+(?:\.\d+)?s)\b|\[duration\]", "[duration]"),
    (r"\b(?:127\.0\.0\.1|localhost):(?:\d+|\[port\])", "127.0.0.1:[port]"),
    (r" +", " "),
)


def plain(text: str) -> str:
    """The text without what differs between two runs: times, durations, digests, ids, ports, widths of columns."""
    for pattern, replacement in _PATTERNS:
        text = re.sub(pattern, replacement, text)
    return "\n".join(line.strip() for line in text.strip().splitlines())


def differs(shown: str, actual: str, *, part: bool = False) -> str:
    """How the output is not the one shown; "" if it is. part: whether what is shown may be part of it.

    In what is shown, `...` stands for any text, and alone on a line for any lines.
    """
    wanted, found = plain(shown), plain(actual)
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else ".*?".join(map(re.escape, line.split("..."))) + r"\n"
        for line in wanted.splitlines()
    )
    if re.search(f"^{pattern}", f"{found}\n", re.MULTILINE) if part else re.fullmatch(pattern, f"{found}\n"):
        return ""
    return "\n".join(difflib.unified_diff(wanted.splitlines(), found.splitlines(), "shown", "actual", lineterm=""))
