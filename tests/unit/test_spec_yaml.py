"""YAML 1.2 scalars, places, and what is said of text that is no YAML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phift.diagnostics import Mark
from phift.spec.tree import plain
from phift.spec.yaml12 import flow, parse, plain_scalar


def read(text: str) -> object:
    tree, found = parse(text, "f.yaml")
    assert tree is not None
    assert found == []
    return plain(tree)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-6", 5e-6),
        ("1.", 1.0),
        (".5", 0.5),
        ("+1e3", 1000.0),
        ("0o17", 15),
        ("0x1F", 31),
        ("010", 10),
        ("-3", -3),
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        ("12:30:00", "12:30:00"),
        ("TRUE", True),
        ("~", None),
        ("", None),
        ("'5'", "5"),
        ("!!str 5", "5"),
        (".inf", float("inf")),
        ("1.2.3", "1.2.3"),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    assert repr(read(f"a: {text}")) == repr({"a": value})


def test_nodes_know_their_places() -> None:
    tree, _ = parse("a:\n  b: [1, 22]\n", "f.yaml")
    assert tree is not None
    b = tree.at(("a", "b"))
    second = tree.at(("a", "b", 1))
    assert b is not None
    assert second is not None
    assert b.key_mark == Mark("f.yaml", 2, 3)
    assert second.mark == Mark("f.yaml", 2, 10)
    assert second.written == ("a", "b", 1)


def test_anchors_stand_for_whole_values() -> None:
    assert read("a: &x {b: 1}\nc: *x") == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{<<: *x, c: 3}", {"a": 1, "b": 2, "c": 3}),
        ("{b: 3, <<: *x}", {"a": 1, "b": 3}),
        ("{<<: *x, b: 3}", {"a": 1, "b": 3}),
        ("{<<: [*y, *x]}", {"a": 1, "b": 9, "n": {"k": 1}}),
        ("{<<: [*x, *y], n: {l: 2}}", {"a": 1, "b": 2, "n": {"l": 2}}),
        ("{<<: *both}", {"a": 1, "b": 2, "n": {"k": 1}}),
        ("{<<: []}", {}),
        ("{<<: {}, a: 1}", {"a": 1}),
        ("{<<: {<<: *y, b: 4}}", {"b": 4, "n": {"k": 1}}),
        ('{"<<": 1}', {"<<": 1}),
    ],
)
def test_merge_keys(text: str, wanted: object) -> None:
    found = read(f"x: &x {{a: 1, b: 2}}\ny: &y {{b: 9, n: {{k: 1}}}}\nboth: &both [*x, *y]\nz: {text}")
    assert found["z"] == wanted


def test_merged_values_keep_their_place_and_take_the_path_of_the_merge() -> None:
    root, found = parse("x:\n  inner: &x\n    a: [1]\nz:\n  <<: *x\n", "f.yaml")
    assert root is not None
    assert not found
    node = root.at(("z", "a", 0))
    assert node is not None
    assert (str(node.mark), node.written) == ("f.yaml:3:9", ("z", "a", 0))
    merged = root.at(("z", "a"))
    assert merged is not None
    assert str(merged.name_mark) == "f.yaml:3:5"


def test_merges_count_as_values() -> None:
    lines = ["a0: &a0 {k: [1, 1, 1, 1, 1, 1, 1, 1, 1]}"]
    lines += [f"a{n}: &a{n} {{x: *a{n - 1}, y: {{<<: *a{n - 1}}}}}" for n in range(1, 20)]
    _, found = parse("\n".join(lines), "f.yaml")
    assert [d.code for d in found] == ["yaml-size"]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: {{ vars.x }}", "f.yaml:1:4", "unquoted template: YAML reads `{{` as a mapping"),
        ("a: {{ vars.x }}-foo\nb: 1", "f.yaml:1:4", "unquoted template: YAML reads `{{` as a mapping"),
        ("a:\n  - {{ x }}", "f.yaml:2:5", "unquoted template: YAML reads `{{` as a mapping"),
        ("a: b\n\tc: d", "f.yaml:2:1", "tab in the indentation"),
        ("a: [1, 2\nb: 3", "f.yaml:2:2", "did not find expected ',' or ']'"),
        ("a: @x", "f.yaml:1:4", "cannot start any token"),
        ("a: 1\n---\nb: 2", "f.yaml:2:1", "second YAML document"),
        ("a: *nope", "f.yaml:1:4", "undefined alias"),
        ("", "f.yaml", "empty"),
        ("# nothing", "f.yaml", "empty"),
        ("b: 1\nb: 2", "f.yaml:2:1", "duplicate key 'b' (first defined on line 1)"),
        ("a: &x 1\nc: {<<: *x}", "f.yaml:2:5", "a merge key (<<) requires a mapping"),
        ("a: {b: 1, <<: }", "f.yaml:1:11", "a merge key (<<) requires a mapping"),
        ("a: &x {b: 1}\nc: {<<: [*x, 1]}", "f.yaml:2:5", "or a list of mappings"),
        ('a: {<<: "{{ vars.x }}"}', "f.yaml:1:5", "a merge key (<<) requires a mapping"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n  <<: *x", "f.yaml:4:3", "duplicate key '<<' (first defined on line 3)"),
        ("a: &x {b: 1}\nc: {<<: *x, d: 1, d: 2}", "f.yaml:2:19", "duplicate key 'd'"),
        ("a: {<<: {b: 1, b: 2}}", "f.yaml:1:16", "duplicate key 'b'"),
        ("a: {<<: !foo 3}", "f.yaml:1:9", "unknown YAML tag"),
        ("a: &x {b: {<<: *x}}", "f.yaml:1:4", "nested more than"),
        ("a: !foo 3", "f.yaml:1:4", "unknown YAML tag"),
        ("a: !!int x", "f.yaml:1:4", "cannot be read as int"),
        ("? [1]\n: 2", "f.yaml:1:3", "a key must be text"),
        ("a: \x01", "f.yaml:1", "not YAML"),
        ("a: " + "9" * 5000, "f.yaml:1:4", "cannot be read as int"),
        ("a: &x [*x]", "f.yaml:1:4", "nested more than"),
        ("[" * 3000 + "]" * 3000, "f.yaml:1:66", "nested more than"),
    ],
)
def test_what_is_wrong_has_a_place(text: str, place: str, words: str) -> None:
    _, found = parse(text, "f.yaml")
    assert len(found) == 1
    assert str(found[0].mark) == place
    assert words in found[0].summary
    assert "\n" not in found[0].summary


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("a: 1\n b: 2\n", "Indent a key like the other keys of its block"),
        ("a: b: c\n", "quote a value that contains `: `"),
        ("a:1\nb: 2\n", "write a space after a colon"),
        ("a:\n  b: 1\n c: 2\n", "Indent a key like the other keys of its block"),
        ("a: 'it's'\n", "a quote too many"),
        ("a: {b: 1\nc: 2\n", "Close the bracket"),
        ('a: "x\nb: 1\n', "Close the quote"),
        ("a: 1\nb\n", "Write KEY: VALUE"),
        ("- a\nb: 1\n", "Begin each item of the list with `- `"),
        ('a: "\\d"\n', "Use single quotes"),
        ("a: @x\n", "Quote the value"),
        ("a: *x\n", "Define the anchor above its first use, &x"),
    ],
)
def test_text_that_is_not_yaml_has_a_remedy(text: str, remedy: str) -> None:
    _, (found,) = parse(text, "f.yaml")
    assert found.code == "yaml-syntax"
    assert remedy in found.remedy


def test_an_unclosed_bracket_names_the_line_where_it_begins() -> None:
    _, (found,) = parse("a: 1\nb: [1, 2\nc: 3\nd: 4\n", "f.yaml")
    assert found.summary.endswith("while parsing a flow sequence that begins on line 2")


def test_all_that_is_wrong_with_the_structure_is_told_at_once() -> None:
    _, found = parse("a: 1\na: 2\nb: {{ x }}\nc: !foo 1\n", "f.yaml")
    assert [d.mark.line for d in found if d.mark] == [2, 3, 4]


def test_aliases_of_aliases_do_not_explode() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    _, found = parse("\n".join(lines), "f.yaml")
    assert [d.code for d in found] == ["yaml-size"]


@given(st.text())
def test_any_text_survives_being_written(text: str) -> None:
    assert read(f"a: {flow({'key': text, 'list': [text]})}") == {"a": {"key": text, "list": [text]}}


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.booleans(), st.none()))
def test_any_scalar_survives_being_written(value: object) -> None:
    assert plain_scalar(flow(value)) == value
