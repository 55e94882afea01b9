"""`take`: what may be written, and that a sample hangs on the seed and the row numbers alone."""

import pytest

from phift.data.take import Take, rank
from phift.errors import InvalidSpecError


def chosen(take: object, seed: int, rows: int) -> list[int]:
    selector = Take.parse(take).picked(seed, lambda: rows).row
    assert selector is not None
    return [number for number in range(rows) if selector(number)]


@pytest.mark.parametrize(
    ("written", "plain", "shown"),
    [
        (None, None, "all"),
        ("100%", None, "all"),
        ("5%", {"percent": "5"}, "5%"),
        ("5.0%", {"percent": "5"}, "5%"),
        (" 12.5% ", {"percent": "25/2"}, "12.5%"),
        (".5%", {"percent": "1/2"}, "0.5%"),
        (20, {"count": 20}, "20"),
        ("20", {"count": 20}, "20"),
        (1, {"count": 1}, "1"),
        ("1", {"count": 1}, "1"),
    ],
)
def test_written_forms(written: object, plain: object, shown: str) -> None:
    assert Take.parse(written).plain() == plain
    assert str(Take.parse(written)) == shown


@pytest.mark.parametrize(
    "wrong", [0, -5, "0", "0%", "-1%", "101%", "5 percent", "five", "", "%", "5%%", "1.2.3%", 0.05, True, [], "٥%"]
)
def test_other_forms_are_refused(wrong: object) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        Take.parse(wrong)
    (diagnostic,) = caught.value.diagnostics
    assert repr(wrong) in diagnostic.summary
    assert "take: 5%" in diagnostic.remedy


def test_a_count_is_exact_and_a_share_is_near() -> None:
    assert len(chosen(137, 1, 1000)) == 137
    assert len(chosen(2000, 1, 1000)) == 1000
    assert 400 < len(chosen("5%", 1, 10_000)) < 600


@pytest.mark.parametrize(("small", "large"), [(10, 50), ("5%", "20%")])
def test_a_larger_sample_contains_the_smaller(small: object, large: object) -> None:
    assert set(chosen(small, 3, 500)) < set(chosen(large, 3, 500))


def test_seeds_differ() -> None:
    assert chosen(50, 1, 500) != chosen(50, 2, 500)


def test_ranks_are_fixed_for_ever() -> None:
    assert [rank(42, number) for number in (0, 1)] == [1803618088285070547, 7003778869905922103]
    assert chosen(5, 42, 100) == [18, 27, 63, 84, 97]


@pytest.mark.parametrize(
    ("written", "plain", "shown"),
    [
        ({"first": "5%"}, {"first": {"percent": "5"}}, "first 5%"),
        ({"first": 1000}, {"first": {"count": 1000}}, "first 1000"),
        ({"first": "100%"}, None, "all"),
        ({"first": 1}, {"first": {"count": 1}}, "first 1"),
        ({"every": 20}, {"every": {"count": 20}}, "every 20th row"),
        ({"except": "10.0%"}, {"except": {"percent": "10"}}, "all except 10%"),
        ({"except": 20}, {"except": {"count": 20}}, "all except 20"),
        ({"except": 1}, {"except": {"count": 1}}, "all except 1"),
        ({"every": 1}, None, "all"),
        ({"rows": "5%", "by": "block"}, {"block": {"percent": "5"}}, "5% by block"),
    ],
)
def test_forms_of_a_mapping(written: object, plain: object, shown: str) -> None:
    assert Take.parse(written).plain() == plain
    assert str(Take.parse(written)) == shown


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"first": 0},
        {"first": "5"} | {"every": 2},
        {"every": "5%"},
        {"rows": "5%"},
        {"rows": 5, "by": "block"},
        {"rows": "5%", "by": "row"},
        {"last": 5},
        {"except": "100%"},
        {"except": 0},
        {"except": {"first": 5}},
        {1: 2},
    ],
)
def test_other_mappings_are_refused(wrong: object) -> None:
    with pytest.raises(InvalidSpecError, match="is not a valid form"):
        Take.parse(wrong)


@pytest.mark.parametrize("amount", ["10%", "0.5%", 1, 37, 500])
def test_except_takes_exactly_the_rows_that_a_sample_of_the_same_seed_leaves(amount: object) -> None:
    sample, others = chosen(amount, 3, 500), chosen({"except": amount}, 3, 500)
    assert sorted([*sample, *others]) == list(range(500))
    assert others == sorted(others)
    take = Take.parse({"except": amount})
    assert take.seeded
    assert take.counts_rows is isinstance(amount, int)
    assert take.of(500) in (None, len(others))


@pytest.mark.parametrize(
    ("rows", "percent", "wanted"), [(207_865, 5, 10_393), (23_110, 5, 1_156), (100, 5, 5), (10, 5, 0), (30, 5, 2)]
)
def test_a_prefix_is_rounded_as_datasets_rounds_it(rows: int, percent: int, wanted: int) -> None:
    take = Take.parse({"first": f"{percent}%"})
    assert take.of(rows) == wanted == round(rows * percent / 100)
    assert take.picked(0, lambda: rows).first == wanted


def test_the_seed_decides_samples_alone() -> None:
    seeded = {str(take): Take.parse(take).seeded for take in (None, "5%", 5, {"first": 5}, {"every": 5})}
    assert seeded == {"None": False, "5%": True, "5": True, "{'first': 5}": False, "{'every': 5}": False}
    assert Take.parse({"rows": "5%", "by": "block"}).seeded
