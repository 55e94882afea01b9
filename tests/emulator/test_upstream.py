"""The two ends of a scoring request in the emulator: the socket to a container, and the answer to the client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.core.hosts import hostname_of
from phift.emulator.host.joined import Joined
from phift.emulator.runtime.serving.upstream import Answer, UpstreamError, ask

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def asked(tmp_path: Path, answer: Handler, use: Callable[[Path], Awaitable[Any]]) -> Any:
    """What `use` returns, given the socket of a server that answers so."""
    path, ended = tmp_path / "s", asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            ended.set()

    async def run() -> Any:
        server = await asyncio.start_unix_server(serve, str(path))
        try:
            return await asyncio.wait_for(use(path), 20)
        finally:
            server.close()
            await asyncio.wait_for(ended.wait(), 20)

    return asyncio.run(run())


def says(*pieces: bytes, pause: float = 0.0) -> Handler:
    """A server that reads a head and a body, and answers in pieces."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(pause)

    return answer


async def whole(path: Path, body: bytes = b"") -> tuple[int, str, bytes]:
    answer = await ask(path, "POST", "/score", [(b"a", b"b")], body)
    try:
        return answer.status, answer.reason, await answer.read()
    finally:
        answer.close()
        answer.close()


def test_a_small_answer_comes_with_its_body(tmp_path: Path) -> None:
    """In however many pieces: the head is told when there is nothing left to wait for."""
    pieces = (b"HTTP/1.1 200 All ", b"right\r\nContent-Length: 5\r\n\r\nab", b"cde")

    async def use(path: Path) -> tuple[bytes, Answer]:
        answer = await ask(path, "GET", "/")
        first = await asyncio.wait_for(answer.read(), 0.01)
        answer.close()
        return first, answer

    first, answer = asked(tmp_path, says(*pieces, pause=0.02), use)
    assert (first, answer.status, answer.reason, answer.length) == (b"abcde", 200, "All right", 5)


def test_bodies_larger_than_the_sockets_buffers_go_both_ways(tmp_path: Path) -> None:
    big = bytes(range(256)) * 20_000
    found = asked(
        tmp_path,
        says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(big), big),
        lambda path: whole(path, big),
    )
    assert found == (200, "OK", big)


def test_a_stream_is_handed_on_as_it_comes(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def use(path: Path) -> list[bytes]:
        answer = await ask(path, "POST", "/score")
        assert answer.length is None
        chunks = [chunk async for chunk in answer.stream()]
        answer.close()
        return chunks

    assert asked(tmp_path, says(head, b"1\r\na\r\n", b"1\r\nb\r\n0\r\n\r\n", pause=0.05), use) == [b"a", b"b"]


def test_a_reader_that_is_slow_holds_the_container_back(tmp_path: Path) -> None:
    size, written = 40 * 1024 * 1024, [0]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while written[0] < size:
            writer.write(b"x" * 65536)
            await writer.drain()
            written[0] += 65536

    async def use(path: Path) -> tuple[int, int]:
        answer = await ask(path, "POST", "/score")
        await asyncio.sleep(0.3)
        before, read = written[0], len(await answer.read())
        answer.close()
        return before, read

    before, read = asked(tmp_path, answer, use)
    assert before < size / 4
    assert read == size


@pytest.mark.parametrize(
    "pieces",
    [
        (b"",),
        (b"HTTP/1.1 200 OK\r\nContent-Le",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",),
        (b"SSH-2.0\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",),
    ],
)
def test_answers_that_break_off(tmp_path: Path, pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(UpstreamError):
        asked(tmp_path, says(*pieces), whole)


def test_nobody_listens(tmp_path: Path) -> None:
    for make in (lambda path: None, Path.touch):
        make(tmp_path / "s")
        with pytest.raises(UpstreamError, match="cannot connect to the container"):
            asyncio.run(whole(tmp_path / "s"))


def test_a_request_that_is_given_up_ends_its_connection(tmp_path: Path) -> None:
    gone = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        gone.append(await reader.read())

    async def use(path: Path) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ask(path, "GET", "/")

    asked(tmp_path, answer, use)
    assert gone == [b""]


class Recorded(asyncio.Transport):
    """A transport that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Any] = []

    def write(self, data: Any) -> None:
        self.told.append(bytes(data))

    def close(self) -> None:
        self.told.append("close")

    def abort(self) -> None:
        self.told.append("abort")

    def get_write_buffer_size(self) -> int:
        return 7


def test_a_head_is_sent_with_its_body() -> None:
    async def run() -> None:
        inner = Recorded()
        joined = Joined(inner, asyncio.get_running_loop())
        joined.write(b"head ")
        joined.write(b"")
        joined.write(b"body")
        assert (inner.told, joined.get_write_buffer_size()) == ([], 16)
        joined.flush()
        joined.flush()
        assert inner.told == [b"head body"]
        joined.write(b"part")
        await asyncio.sleep(0)
        assert inner.told[1:] == [b"part"], "a stream waits for the loop's next turn at most"
        joined.write(b"x" * 70_000)
        assert len(inner.told[2]) == 70_000
        joined.write(b"last")
        joined.close()
        assert inner.told[3:] == [b"last", "close"]
        joined.write(b"lost")
        joined.abort()
        await asyncio.sleep(0)
        assert inner.told[5:] == ["abort"]

    asyncio.run(run())


def test_the_host_of_a_request() -> None:
    def host(*headers: tuple[bytes, bytes], server: Any = None) -> str:
        return hostname_of({"headers": headers, "server": server})

    assert host((b"accept", b"x"), (b"host", b"Management.Azure.com:443")) == "management.azure.com"
    assert host((b"host", b"[::1]:80")) == "::1"
    assert (host(server=("127.0.0.1", 1)), host()) == ("127.0.0.1", "")
