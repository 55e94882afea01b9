"""What Azure Monitor answers when it refuses a query of metrics: a document of two keys, without an outer `error`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.responses import Response

from phift.emulator.core.documents import reply
from phift.emulator.services.emulator import Call

__all__ = ["QueryError", "answered"]

Handler = Callable[[Call], Awaitable[Response]]


class QueryError(Exception):
    """A query that is refused with 400 BadRequest and this message."""


def answered(handler: Handler) -> Handler:
    """A handler whose QueryErrors are answered in Azure Monitor's own envelope (Azure docs)."""

    @wraps(handler)
    async def answer(call: Call) -> Response:
        try:
            return await handler(call)
        except QueryError as error:
            return reply({"code": "BadRequest", "message": str(error)}, 400, {"x-ms-response-type": "error"})

    return answer
