"""Writes docs/diagnostics.md: python -m phift.explain > docs/diagnostics.md."""

import sys

from phift.explain.page import page

sys.stdout.write(page())
