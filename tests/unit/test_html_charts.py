"""Charts: ticks, points, lines that differ without colour, descriptions, tables."""

import math
import re

import pytest

from phift.views.html.chart import MOST_LINES, Chart, Line, described, drawn, line_chart, swatch, table_of
from phift.views.html.ticks import log_ticks, nice_ticks, tick_texts
from tests.htmldocs import parsed


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 300, (0, 100, 200, 300)),
        (0.0, 0.0048, (0.0, 0.002, 0.004, 0.006)),
        (-1.0, 1.0, (-1.0, -0.5, 0.0, 0.5, 1.0)),
        (3.0, 3.0, (1.0, 2.0, 3.0, 4.0, 5.0)),
        (0, 0, (-1.0, -0.5, 0.0, 0.5, 1.0)),
        (1e-7, 5e-6, (0.0, 2e-6, 4e-6, 6e-6)),
    ],
)
def test_ticks_are_round_and_enclose_the_range(low: float, high: float, ticks: tuple[float, ...]) -> None:
    assert nice_ticks(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize("high", [1e-300, 1e-9, 0.37, 1.0, 41.0, 1e6, 3.3e17, 1e300])
@pytest.mark.parametrize("low", [0.0, -1.0, -1e12])
def test_ticks_of_any_range_enclose_it(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    rounding = (high - low) * 1e-6
    assert ticks[0] <= low + rounding
    assert high <= ticks[-1] + rounding
    assert 2 <= len(ticks) <= 8
    assert len(set(tick_texts(ticks))) > 1


def test_an_axis_needs_finite_values() -> None:
    with pytest.raises(ValueError, match="finite"):
        nice_ticks(0, math.inf)


def test_a_logarithmic_axis_encloses_the_range_closely() -> None:
    assert log_ticks(0.025, 3.1) == (0.02, 0.1, 1.0, 5.0)
    assert log_ticks(0.2, 4.0) == (0.2, 0.5, 1.0, 2.0, 5.0)


def test_labels_have_equal_precision() -> None:
    assert tick_texts((0.0, 0.002, 0.004)) == ("0.000", "0.002", "0.004")
    assert tick_texts((0, 5e-06, 1e-05)) == ("0", "5e-6", "1e-5")
    assert tick_texts((0, 10_000, 20_000)) == ("0", "10k", "20k")
    assert tick_texts((-0.5, 0.0, 0.5)) == ("-0.5", "0.0", "0.5")


def test_many_points_keep_the_ends_and_the_extremes() -> None:
    points = [(float(n), math.sin(n)) for n in range(10_000)]
    points[4321] = (4321.0, 99.0)
    kept = drawn(points, 90)
    assert len(kept) <= 90
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]
    assert (4321.0, 99.0) in kept
    assert list(kept) == sorted(kept)


def test_values_that_are_not_finite_are_left_out() -> None:
    assert drawn([(0, 1.0), (1, math.nan), (2, math.inf), (3, 2.0)]) == ((0, 1.0), (3, 2.0))
    assert line_chart(Chart("c", "Loss", (Line("a", ((0, math.nan),)),))) == ""


def chart(lines: int = 3, **more: object) -> Chart:
    made = tuple(Line(f"version {n}", tuple((float(x), 1 / (x + n + 1)) for x in range(5)), n) for n in range(lines))
    return Chart("c", "Loss", made, **more)  # type: ignore[arg-type]


def test_lines_differ_by_dashes_and_marks_too() -> None:
    drawing = parsed(line_chart(chart(MOST_LINES))).children[0]
    lines = drawing.all("polyline")
    assert len({line.attributes.get("stroke-dasharray") for line in lines}) >= MOST_LINES - 1
    marks = [(m.name, m.attributes.get("class"), m.attributes.get("width")) for m in drawing.all(of="mark")]
    assert len(set(marks)) == MOST_LINES
    assert len({swatch(n) for n in range(MOST_LINES)}) == MOST_LINES


def test_a_drawing_has_a_title_a_description_and_a_value_at_each_point() -> None:
    drawing = parsed(line_chart(chart())).children[0]
    assert drawing.attributes["aria-labelledby"] == "c-title c-about"
    assert drawing.all("desc")[0].text == described(chart())
    assert "version 0: 1 at step 0, 0.2 at step 4; lowest 0.2, highest 1." in described(chart())
    assert drawing.all("circle", of="")[-1].text == "version 2, step 4: 0.1429"
    assert len(drawing.all("g", of="spots")) == 3


def test_every_coordinate_is_inside_the_drawing() -> None:
    drawing = parsed(line_chart(chart(log=True))).children[0]
    _, _, width, height = map(float, drawing.attributes["viewbox"].split())
    for spot in drawing.all("g", of="spots")[0].all("circle"):
        assert 0 <= float(spot.attributes["cx"]) <= width
        assert 0 <= float(spot.attributes["cy"]) <= height
    assert not re.search(r"nan|inf", str(line_chart(chart())))


def test_a_wide_range_of_a_loss_gets_a_logarithmic_axis() -> None:
    wide = Chart("c", "Loss", (Line("a", ((0, 3.0), (1, 0.01))),), log=True)
    assert "log scale" in line_chart(wide)
    assert "log scale" not in line_chart(Chart("c", "Loss", (Line("a", ((0, 3.0), (1, 0.0))),), log=True))


def test_the_table_has_the_points_of_all_lines() -> None:
    head, rows = table_of(Chart("c", "Loss", (Line("a", ((0, 1.0), (2, 0.5))), Line("b", ((1, 0.25),)))))
    assert head == ("step", "a", "b")
    assert rows == [("0", "1", "\u2013"), ("1", "\u2013", "0.25"), ("2", "0.5", "\u2013")]
