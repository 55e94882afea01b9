"""Training data: convert files or hub data to one canonical JSON Lines file, with a version known before reading rows.

`identify` identifies local files (cheap: it digests bytes and parses no row), a `Recipe` derives the data version from
them, `prepare` reads, checks and writes the rows, and `prepared` caches the result.
"""

from phift.data.cache import forget, kept_rows, prepared
from phift.data.prepare import Prepared, amount_problem, prepare, ready_rows
from phift.data.recipe import PREPARATION_VERSION, Recipe, Unfit
from phift.data.rows import Access
from phift.data.sources import SourceFile, SourceIdentity, identify
from phift.data.take import Take

__all__ = [
    "PREPARATION_VERSION",
    "Access",
    "Prepared",
    "Recipe",
    "SourceFile",
    "SourceIdentity",
    "Take",
    "Unfit",
    "amount_problem",
    "forget",
    "identify",
    "kept_rows",
    "prepare",
    "prepared",
    "ready_rows",
]
