"""What phift uses of POSIX systems. Importing it on any other raises ImportError with one sentence and a remedy."""

from __future__ import annotations

import sys

try:
    import fcntl
except ImportError as cause:
    system = {"win32": "Windows"}.get(sys.platform, sys.platform)
    raise ImportError(f"phift does not run on {system}\n  = Run it on Linux, for example in WSL 2.") from cause

__all__ = ["fcntl"]
