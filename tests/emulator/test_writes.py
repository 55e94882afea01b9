"""Writes of the HTTP server are joined, in order, and none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from phift.emulator.host.writes import JoinedWrites


class Inner:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.told: list[bytes | str] = []
        self.closing = False

    def write(self, data: bytes) -> None:
        self.told.append(data)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.told.append("close")

    def abort(self) -> None:
        self.closing = True
        self.told.append("abort")

    def write_eof(self) -> None:
        self.told.append("eof")

    def get_write_buffer_size(self) -> int:
        return 3

    def pause_reading(self) -> None:
        self.told.append("pause")


def told(act: Callable[[JoinedWrites], Any]) -> list[bytes | str]:
    inner = Inner()

    async def run() -> None:
        act(JoinedWrites(cast(asyncio.Transport, inner)))
        await asyncio.sleep(0)

    asyncio.run(run())
    return inner.told


def written(*parts: bytes) -> list[bytes | str]:
    def act(transport: JoinedWrites) -> None:
        for part in parts:
            transport.write(part)

    return told(act)


def test_head_and_body_go_together() -> None:
    assert written(b"head", b"body") == [b"headbody"]
    assert written(b"head", b"") == [b"head"]
    assert written(b"head", b"body", b"head", b"body") == [b"headbody", b"headbody"]


def test_what_is_written_alone_goes_at_the_end_of_the_turn() -> None:
    assert written(b"head") == [b"head"]
    assert written(b"a", b"b", b"c") == [b"ab", b"c"]


def test_large_data_is_not_copied() -> None:
    large = b"x" * 100_000
    assert written(b"head", large) == [b"head", large]
    assert written(large, b"tail") == [large, b"tail"]


def test_what_is_held_precedes_the_end() -> None:
    def then(act: Callable[[JoinedWrites], Any]) -> list[bytes | str]:
        return told(lambda transport: (transport.write(b"head"), act(transport)))

    assert then(JoinedWrites.close) == [b"head", "close"]
    assert then(JoinedWrites.write_eof) == [b"head", "eof"]
    assert then(JoinedWrites.abort) == ["abort"]
    assert then(lambda transport: transport.pause_reading()) == ["pause", b"head"]
    sizes: list[int] = []
    then(lambda transport: sizes.append(transport.get_write_buffer_size()))
    assert sizes == [7]
