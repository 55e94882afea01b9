"""The text of a written spec says what it was written from."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phift.spec import yaml12
from phift.spec.templating import is_template, render_text
from phift.spec.tree import plain
from phift.spec.writing import spec_text

_ODD = st.sampled_from(
    ["{{ a }}", "{%", "${{ b }}", "'", '"', "\\", "\n", "\t", " ", "#", ": ", "- ", "yes", "007", "1e3", "ü", "\u2028"]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.lists(_ODD, max_size=6).map("".join)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(lambda key: "{{" not in key)
SCALARS = TEXTS | st.booleans() | st.integers(-5, 10**6) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=12
)


def read(value: Any) -> Any:
    """The value of a tree, with its templates rendered."""
    if isinstance(value, dict):
        return {key: read(item) for key, item in value.items()}
    if isinstance(value, list):
        return [read(item) for item in value]
    return str(render_text(value, {})) if isinstance(value, str) and is_template(value) else value


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=5))
def test_every_value_comes_back(values: dict[str, Any]) -> None:
    root, found = yaml12.parse(spec_text(values, head=["a\nb"], tail=["c"]), "spec.yaml")
    assert found == []
    assert root is not None
    assert read(plain(root)) == values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nb\n", "key: |\n  a\n  b\n"),
        ("a\nb", "key: |-\n  a\n  b\n"),
        ("a \nb", 'key: "a \\nb"\n'),
        ({"a": 1, "b": "no"}, 'key: {a: 1, b: "no"}\n'),
        ({"a": {"b": 1}}, "key:\n  a: {b: 1}\n"),
        ({"a": [{"b": 1, "c": "x" * 99}]}, f"key:\n  a:\n    - b: 1\n      c: {'x' * 99}\n"),
        ("{{ a }}", "key: \"{{ '{{ a }}' }}\"\n"),
    ],
)
def test_as_a_person_would(value: Any, text: str) -> None:
    assert spec_text({"key": value}) == text
