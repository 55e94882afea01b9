"""Values that many threads want and one finds."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from phift.once import Once


def test_many_ask_and_one_finds() -> None:
    once, found, together = Once(), [], threading.Barrier(8)

    def ask() -> int:
        together.wait(timeout=60)
        return once.get("key", lambda: found.append(1) or len(found))

    with ThreadPoolExecutor(8) as pool:
        assert {future.result(timeout=60) for future in [pool.submit(ask) for _ in range(8)]} == {1}
    assert once.known() == [("key", 1)]


def test_who_waits_gets_the_error_and_who_asks_later_looks_again() -> None:
    once, tried, begun, go_on = Once(), [], threading.Event(), threading.Event()

    def fails() -> int:
        tried.append("first")
        begun.set()
        assert go_on.wait(timeout=60)
        raise OSError("no")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(once.get, "key", fails)
        assert begun.wait(timeout=60)
        second = pool.submit(once.get, "key", lambda: tried.append("second") or 2)
        go_on.set()
        with pytest.raises(OSError, match="no"):
            first.result(timeout=60)
        outcome = second.exception(timeout=60)
        # It waited for the first one, unless it came after it.
        assert isinstance(outcome, OSError) or tried == ["first", "second"]
    assert once.get("key", lambda: 3) in (2, 3)


def test_what_was_put_is_not_looked_for() -> None:
    once = Once()
    once.put("key", 5)
    assert once.get("key", lambda: 6) == 5
