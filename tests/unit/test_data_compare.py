"""Two prepared files compared."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from phift.data.compare import Difference, compare
from phift.data.messages import encoded

Row = tuple[str, str]
"""prompt_id and answer."""


def written(path: Path, rows: list[Row]) -> Path:
    with path.open("wb") as out:
        for id, answer in rows:
            messages = [{"role": "user", "content": "What?"}, {"role": "assistant", "content": answer}]
            out.write(encoded({"messages": messages, "prompt_id": id}))
    return path


def compared(folder: Path, before: list[Row], after: list[Row]) -> Difference:
    return compare(written(folder / "before.jsonl", before), written(folder / "after.jsonl", after), listed=2)


def test_equal_files_differ_in_nothing(tmp_path: Path) -> None:
    found = compared(tmp_path, [("a", "1"), ("b", "2")], [("a", "1"), ("b", "2")])
    assert found == Difference(same=2, added=0, removed=0, changed=0)
    assert found.equal


def test_added_removed_and_changed(tmp_path: Path) -> None:
    before = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]
    after = [("a", "1"), ("c", "three"), ("e", "5"), ("f", "6"), ("g", "7"), ("d", "4")]
    found = compared(tmp_path, before, after)
    assert (found.same, found.added, found.removed, found.changed) == (2, 3, 1, 1)
    assert not found.equal
    assert [one.after and one.after[0] for one in found.first_added] == [3, 4]
    assert [one.before and one.before[1]["prompt_id"] for one in found.first_removed] == ["b"]
    (changed,) = found.first_changed
    assert changed.before is not None
    assert changed.after is not None
    assert (changed.before[0], changed.after[0]) == (3, 2)
    assert changed.after[1]["messages"][1]["content"] == "three"


def test_another_order_is_a_difference_without_rows(tmp_path: Path) -> None:
    found = compared(tmp_path, [("a", "1"), ("b", "2")], [("b", "2"), ("a", "1")])
    assert (found.same, found.added, found.removed, found.changed) == (2, 0, 0, 0)
    assert found.reordered
    assert not found.equal


def test_equal_rows_are_counted_as_often_as_they_are_there(tmp_path: Path) -> None:
    found = compared(tmp_path, [("a", "1")] * 3, [("a", "1")] * 5)
    assert (found.same, found.added, found.removed, found.changed) == (3, 2, 0, 0)


ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), max_size=8)


@given(before=ROWS, after=ROWS)
def test_the_counts_add_up(tmp_path_factory, before: list[Row], after: list[Row]) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("rows")
    found = compared(folder, before, after)
    assert found.same + found.removed + found.changed == len(before)
    assert found.same + found.added + found.changed == len(after)
    assert found.equal == (before == after)
