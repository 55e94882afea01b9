"""The middleware: in which order it is passed, and what that order decides."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from phift.emulator.core import middleware
from phift.emulator.core.context import Cloud, Context
from phift.emulator.core.documents import reply
from phift.emulator.core.middleware import MIDDLEWARE, Exchange, Middleware, Next, chain
from phift.emulator.core.routing import Call, Host, Route, Router
from phift.emulator.core.workspace import Workspace


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    workspace = Workspace("s", "g", "w", "eastus", "guid", "tenant", "acct", "box", "2026-01-01T00:00:00+00:00")
    cloud = Cloud(tmp_path, tenant_id="tenant", signing_key=b"k", client_id="c", client_secret="s")
    yield Context(cloud, workspace)
    cloud.close()


async def computes(call: Call[Any]) -> Response:
    return reply({"value": []})


def ask(context: Context, headers: dict[str, str], *, query: str = "api-version=2024-10-01") -> Response:
    """The answer to GET /computes of the resource manager."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "https",
        "path": "/computes",
        "query_string": query.encode(),
        "headers": raw,
        "server": ("management.azure.com", 443),
        "state": {},
    }
    router = Router([Route(Host.ARM, "GET", "/computes", computes)])
    exchange = Exchange(context, router, Host.ARM, "management.azure.com", Request(scope))

    async def answered() -> Response:
        return await chain(MIDDLEWARE)(exchange)

    return asyncio.run(answered())


def token(context: Context) -> dict[str, str]:
    return {"Authorization": f"Bearer {context.tokens.mint('https://management.azure.com', 'c')}"}


def test_each_is_around_the_next(context: Context) -> None:
    passed: list[str] = []

    def named(name: str) -> Middleware:
        async def one(exchange: Exchange, proceed: Next) -> Response:
            passed.append(name)
            if name == "innermost":
                return Response(status_code=204)
            response = await proceed(exchange)
            passed.append(f"after {name}")
            return response

        return one

    answer = chain([named("outermost"), named("middle"), named("innermost")])
    exchange = Exchange(context, Router([]), Host.ARM, "", Request({"type": "http"}))

    async def answered() -> Response:
        return await answer(exchange)

    assert asyncio.run(answered()).status_code == 204
    assert passed == ["outermost", "middle", "innermost", "after middle", "after outermost"]


def test_what_needs_a_route_says_so_before_there_is_one(context: Context) -> None:
    exchange = Exchange(context, Router([]), Host.ARM, "", Request({"type": "http"}))
    with pytest.raises(LookupError, match="no route"):
        _ = exchange.routed


def test_the_token_is_asked_for_before_the_api_version(context: Context) -> None:
    assert ask(context, {}, query="").status_code == 401
    assert ask(context, token(context), query="").status_code == 400
    assert ask(context, token(context)).status_code == 200


def test_a_fault_needs_neither_token_nor_route(context: Context) -> None:
    context.cloud.faults.add({"pattern": "GET .*/computes", "status": 503, "code": "Busy"})
    assert ask(context, {}).status_code == 503
    assert ask(context, {}).status_code == 401


def test_a_fault_after_the_request_takes_the_place_of_its_answer(context: Context) -> None:
    context.cloud.faults.add({"pattern": "/computes", "status": 500, "after": True, "code": "Lost"})
    assert b"Lost" in bytes(ask(context, token(context)).body)


def test_noise_leaves_the_answers_alone_that_a_fault_repeats(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    context.cloud.noise = True
    disturbed: list[str] = []
    monkeypatch.setattr(middleware, "noisy", lambda path, response: disturbed.append(path) or response)
    context.cloud.faults.add({"pattern": "/computes", "stale": True, "count": 2})
    assert ask(context, token(context)) is ask(context, token(context))
    assert disturbed == []
    ask(context, token(context))
    assert disturbed == ["/computes"]


def test_headers_that_are_too_large_are_refused_before_anything_is_read_from_them(context: Context) -> None:
    assert ask(context, {"x-large": "x" * 70_000}).status_code == 431
