"""Documents by kind and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from phift.emulator.core.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store.sqlite3")


def test_keys_compare_without_case_and_bodies_keep_theirs(store: Store) -> None:
    store.put("compute", "GPU-Big", body={"name": "GPU-Big"})
    assert store.get("compute", "gpu-big") == {"name": "GPU-Big"}
    store.put("compute", "gpu-BIG", body={"name": "again"})
    assert store.list("compute") == [{"name": "again"}]
    assert store.delete("compute", "GPU-BIG")
    assert not store.delete("compute", "GPU-BIG")


def test_lists_are_in_order_of_creation_and_prefixes_are_whole_parts(store: Store) -> None:
    for name, version in (("ab", "2"), ("a", "1"), ("ab", "1"), ("a-b", "9")):
        store.put("v", name, version, body={"id": name + version})
    store.put("v", "ab", "2", body={"id": "ab2 again"})
    assert [each["id"] for each in store.list("v", "ab")] == ["ab2 again", "ab1"]
    assert [each["id"] for each in store.list("v", "a")] == ["a1"]
    assert len(store.list("v")) == 4


def test_a_failed_transaction_leaves_nothing_also_when_nested(store: Store) -> None:
    with store.transaction():
        store.put("x", "kept", body={})

    def fail() -> None:
        with store.transaction():
            store.put("x", "outer", body={})
            with store.transaction():
                store.put("x", "inner", body={})
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert len(store.list("x")) == 1


def test_writes_are_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    first = Store(tmp_path / "s.sqlite3")
    first.put("x", "a", body={"n": 1})
    second = Store(tmp_path / "s.sqlite3")  # without closing the first: as after a kill
    assert second.get("x", "a") == {"n": 1}
    first.close()
    second.close()
