"""Which handler responds: by host, method and path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request
from starlette.responses import Response

from phift.emulator.core.body import parse_json
from phift.emulator.core.context import Context
from phift.emulator.core.errors import OPERATIONS_PAGE, ServiceError
from phift.emulator.core.existing import no_route
from phift.emulator.core.hosts import Host, host_kind, hostname_of

__all__ = [
    "LOCATION",
    "OPERATIONS_PAGE",
    "SUBSCRIPTION",
    "WS",
    "Call",
    "Handler",
    "Host",
    "Route",
    "Router",
    "host_kind",
]

SUBSCRIPTION = "/subscriptions/{sub}"
_DIGITS, _MOST = 12, 10**9
WS = SUBSCRIPTION + "/resourceGroups/{rg}/providers/Microsoft.MachineLearningServices/workspaces/{ws}"
LOCATION = SUBSCRIPTION + "/providers/Microsoft.MachineLearningServices/locations/{location}"


E = TypeVar("E", bound=Context)


@dataclass
class Call(Generic[E]):
    """One request on its way to a handler.

    params: the path's parameters, decoded, in the case they were sent.
    claims: of the bearer token, {} on public routes.
    """

    emulator: E
    request: Request
    params: dict[str, str]
    claims: dict[str, Any] = field(default_factory=dict)
    _query: dict[str, str] | None = field(default=None, repr=False)

    @property
    def hostname(self) -> str:
        """The host that was asked, without port, lower-cased."""
        return hostname_of(self.request.scope)

    def query(self, name: str, default: str = "") -> str:
        """A query parameter; names compare case-insensitively and may come without their `$`."""
        if self._query is None:  # the first of several wins
            text = self.request.scope["query_string"].decode("latin-1")
            sent = reversed(parse_qsl(text, keep_blank_values=True))
            self._query = {key.lower().lstrip("$"): value for key, value in sent}
        return self._query.get(name.lower().lstrip("$"), default)

    @property
    def api_version(self) -> str:
        return self.query("api-version")

    def number(self, name: str) -> int | None:
        """A query parameter that is a whole number, at most that of a long list; None for anything else."""
        text = self.query(name)
        return min(int(text[:_DIGITS]), _MOST) if text.isascii() and text.isdigit() else None

    async def json(self) -> Any:
        """The body as JSON, None when there is none; raises ServiceError 400 for what is not JSON."""
        body = await self.request.body()
        return parse_json(body) if body else None

    async def object(self, *, needed: bool = True) -> dict[str, Any]:
        """The body as a JSON object; raises ServiceError 400 when it is none. needed: else no body, or null, is an
        empty one."""
        body = await self.json()
        if body is None and not needed:
            return {}
        if not isinstance(body, dict):
            raise ServiceError(400, "RequestInvalid", "The request body must be a JSON object.")
        return body


Handler = Callable[[Call[Any]], Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """A handler and where it answers.

    path: segments between slashes; `{name}` stands for one segment, `{name:path}` as the last for all that are left.
    Literal segments match case-insensitively. public: no bearer token is asked for.
    """

    host: Host
    method: str
    path: str
    handler: Handler
    public: bool = False

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the path's parameters, in order."""
        return tuple(part[1:-1].removesuffix(":path") for part in self.path.split("/") if part.startswith("{"))


@dataclass
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    rest: dict[str, Route] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """A tree of path segments per host. A literal wins over a parameter, a parameter over `{name:path}`."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._roots: dict[Host, _Node] = {host: _Node() for host in Host}
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._roots[route.host]
        for segment in route.path.split("/")[1:]:
            if segment.startswith("{") and segment.endswith(":path}"):
                table = node.rest
                break
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment.lower(), _Node())
        else:
            table = node.routes
        if route.method in table:
            raise ValueError(f"{route.method} {route.path} on {route.host.value} has two handlers")
        table[route.method] = route

    def match(self, host: Host, method: str, raw_path: str) -> tuple[Route, dict[str, str]]:
        """The route and its parameters; raises the ServiceError of `no_route` where there is none."""
        if host in (Host.ARM, Host.DATA_PLANE):
            raw_path = raw_path.rstrip("/")
        segments = raw_path.split("/")[1:]
        if "%" in raw_path:
            segments = [unquote(part) for part in segments]
        allowed: set[str] = set()
        found = _walk(self._roots[host], segments, 0, method, [], allowed)
        if found is None:
            raise no_route(host, method, raw_path, allowed)
        route, values = found
        return route, dict(zip(route.names, values, strict=True))


def _walk(
    node: _Node, segments: list[str], index: int, method: str, values: list[str], allowed: set[str]
) -> tuple[Route, list[str]] | None:
    while index < len(segments):
        segment = segments[index]
        literal, parameter = node.literals.get(segment.lower()), node.parameter if segment else None
        if node.rest or (literal and parameter):
            return _choose(node, segments, index, method, values, allowed)
        if literal:
            node = literal
        elif parameter:
            node, values = parameter, [*values, segment]
        else:
            return None
        index += 1
    allowed.update(node.routes)
    return (node.routes[method], values) if method in node.routes else None


def _choose(
    node: _Node, segments: list[str], index: int, method: str, values: list[str], allowed: set[str]
) -> tuple[Route, list[str]] | None:
    """The walk from a node that has several ways on: each is tried, with a way back."""
    segment = segments[index]
    if (literal := node.literals.get(segment.lower())) and (
        found := _walk(literal, segments, index + 1, method, values, allowed)
    ):
        return found
    if (
        node.parameter
        and segment
        and (found := _walk(node.parameter, segments, index + 1, method, [*values, segment], allowed))
    ):
        return found
    allowed.update(node.rest)
    if method in node.rest:
        return node.rest[method], [*values, "/".join(segments[index:])]
    return None
