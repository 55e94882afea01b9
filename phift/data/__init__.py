"""Training data: convert files or hub data to one canonical JSON Lines file, with a version known beforehand.

`sources.identify` identifies local files (cheap: it digests bytes and parses no row), a `recipe.Recipe` derives the
data version from them, `prepare.prepare` reads, checks and writes the rows, and `cache.prepared` caches the result.
"""
