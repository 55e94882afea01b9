"""Patterns that are compiled on first use."""

from phift.lazy import lazy_pattern


def test_a_pattern_is_compiled_on_first_use() -> None:
    lazy_pattern("(")  # an invalid one is not noticed
    pattern = lazy_pattern(r"(?P<word>[a-z]+)")
    match = pattern.fullmatch("word")
    assert match is not None
    assert (match["word"], pattern.sub("-", "a1b"), pattern.pattern) == ("word", "-1-", r"(?P<word>[a-z]+)")
