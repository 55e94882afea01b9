"""`python -m phift.preflight docs/preflight.md`: update the list of checks in the page."""

from __future__ import annotations

import sys
from pathlib import Path

from phift.preflight.page import updated

PAGE = Path(sys.argv[1])
PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
