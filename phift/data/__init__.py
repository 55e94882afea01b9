"""Training data: from the user's files to one canonical JSON Lines file, with a version known before a row is read.

`identify` says what the source is (cheap: bytes are digested, no row is parsed), `recipe_digest` names the
data version from it, and `prepare` reads, checks and writes the rows.
"""

from phift.data.prepare import Prepared, prepare
from phift.data.recipe import PREPARATION_VERSION, recipe, recipe_digest
from phift.data.sources import SourceFile, SourceIdentity, identify
from phift.data.take import Take

__all__ = [
    "PREPARATION_VERSION",
    "Prepared",
    "SourceFile",
    "SourceIdentity",
    "Take",
    "identify",
    "prepare",
    "recipe",
    "recipe_digest",
]
