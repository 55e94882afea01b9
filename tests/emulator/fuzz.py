"""Requests that no client sends, for every route of the emulator: made from a seed, so that each run sends the same.

A request's path, query, headers and body begin as good ones and are then spoiled, or are junk from the start.
"""

from __future__ import annotations

import copy
import json
import random
import string
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from phift.emulator.compose import ROUTES
from phift.emulator.core.routing import Host, Route
from phift.emulator.services.blob.routes import _BLOB, _CONTAINER, _SERVICE
from tests.emulator.fuzzbodies import ASSET, HEADERS, MLFLOW, QUERIES, STORE, TEMPLATES, TOKEN, XML

__all__ = ["EXCLUDED", "Fuzz", "Known", "Sent"]

EXCLUDED = {("POST", "/stop"), ("POST", "/reset")}
"""What ends or empties the emulator that is asked."""

_WORDS = (
    *(
        "",
        " ",
        "x",
        "stage",
        "blue",
        "1",
        "0",
        "-1",
        "²",
        "٣",
        "9" * 30,
        "9" * 5000,
        "true",
        "None",
        "null",
        "%",
        "%zz",
    ),
    *(
        "a/b",
        "..",
        "../..",
        "a\\b",
        "\x00",
        "\x1f",
        "\r\nX-Injected: 1",
        "ä",
        "日本",
        "😀",
        "\ud800",
        "a" * 300,
        "a" * 5000,
    ),
    *("$root", "NaN", "1e999", "PT1S", "P99999999999999D", "2024-13-99", "<a>", "a=b,c", "azureml:x:1", f"{STORE}/x"),
    *(
        "${{parent.inputs.x}}",
        "${{parent.jobs.a.outputs.b}}",
        "azureml://jobs/one/outputs/x",
        "bytes=9999999999-",
        "2!x",
    ),
)
_NAMES = {
    "version": ("1", "2", "3"),
    "endpoint": ("stage",),
    "run": ("stage", "fuzz", "Fuzz-2", "x1"),
    "path": ("score",),
    "blob": ("one", "two/three", "four"),
    "operation": ("x",),
}
_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**30,
    10**400,
    [],
    [None],
    [[]],
    {},
    {"": None},
    {"a": {"b": 1}},
)


@dataclass
class Known:
    """What a client of the emulator knows. tokens: by audience. model, code: ids of assets that are there."""

    subscription: str
    group: str
    workspace: str
    account: str
    container: str
    tenant: str
    client: str
    secret: str
    tokens: dict[str, str]
    endpoint_key: str
    model: str
    code: str


@dataclass
class Sent:
    """One request. host: whom it is for, as the route says; name: the host name."""

    host: Host
    name: str
    method: str
    path: str
    headers: dict[str, bytes] = field(default_factory=dict)
    body: bytes = b""

    def __str__(self) -> str:
        headers = {name: value[:60] for name, value in self.headers.items()}
        return f"{self.method} {self.name}{self.path[:300]} {headers} {self.body[:600]!r}"


class Fuzz:
    """Makes requests. seed: the same one gives the same requests."""

    def __init__(self, known: Known, seed: int) -> None:
        self._known = known
        self._random = random.Random(seed)
        self._routes = [r for r in ROUTES if (r.method, r.path) not in EXCLUDED or r.host is not Host.ADMIN]

    @property
    def routes(self) -> int:
        return len(self._routes)

    def request(self, number: int) -> Sent:
        """The next one. Each route has its turn before one has another; those with a body have more of them."""
        route = self._routes[number % len(self._routes)]
        if route.method in ("GET", "HEAD", "OPTIONS", "DELETE") and self._chance(0.7):
            route = self._random.choice([r for r in self._routes if r.method in ("PUT", "POST", "PATCH")])
        sent = Sent(route.host, self._name(route.host), route.method, self._path(route))
        sent.headers = self._headers(route.host)
        if route.method != "GET" or self._chance(0.1):
            sent.body = self._body(route)
        if self._chance(0.03):
            sent.method = self._random.choice(("GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "HEAD", "PROPFIND"))
        return sent

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _word(self) -> str:
        return self._random.choice(_WORDS)

    def _name(self, host: Host) -> str:
        known, choice = self._known, self._random.choice
        return {
            Host.ARM: "management.azure.com",
            Host.LOGIN: "login.microsoftonline.com",
            Host.IMDS: "169.254.169.254",
            Host.BLOB: f"{known.account if self._chance(0.95) else 'another'}.blob.core.windows.net",
            Host.DATA_PLANE: choice(("eastus.api.azureml.ms", "ml.azure.com", "eastus.experiments.azureml.net")),
            Host.INFERENCE: f"{'stage' if self._chance(0.9) else 'other'}.eastus.inference.ml.azure.com",
            Host.PRICES: "prices.azure.com",
            Host.TELEMETRY: "dc.services.visualstudio.com",
            Host.ADMIN: "127.0.0.1",
        }[host]

    def _path(self, route: Route) -> str:
        known = self._known
        fixed = {"sub": known.subscription, "rg": known.group, "ws": known.workspace, "tenant": known.tenant}
        path = route.path
        for name in route.names:
            if name in fixed and self._chance(0.985):
                value = fixed[name]
            elif name == "container" and self._chance(0.8):
                value = known.container
            elif name == "registry" and self._chance(0.7):
                value = "azureml"
            elif name == "kind" and self._chance(0.8):
                value = self._random.choice(("models", "components", "environments", "data"))
            elif name == "rest" and route.host is Host.DATA_PLANE:
                value = f"2.0/mlflow/{self._random.choice(MLFLOW)[0]}"
            elif self._chance(0.8):
                names = _NAMES.get(name, ("stage", "fuzz", "Fuzz-2", "x1"))
                kept = [each for each in names if each != "stage"] if _ends(route) else names
                value = self._random.choice(kept or ["fuzz"])
            else:
                value = self._word()
            text = quote(value.encode("utf-8", "surrogatepass"), safe="/" if self._chance(0.3) else "")
            path = path.replace(f"{{{name}}}", text).replace(f"{{{name}:path}}", text)
        if self._chance(0.05):
            path = (
                path.replace("/", self._random.choice(("//", "/./", "/%2e%2e/", "/%00")), 1)
                if self._chance(0.5)
                else path.upper()
            )
        query = [("api-version", "2024-01-01-preview")] if self._chance(0.95) else []
        if route.host is Host.BLOB and self._chance(0.8):
            depth = min(len(route.names), 2)
            known_operations = [key for key in (_SERVICE, _CONTAINER, _BLOB)[depth] if key[0] == route.method]
            _, restype, comp = self._random.choice(known_operations or [("", "container", "x")])
            query += [(name, value) for name, value in (("restype", restype), ("comp", comp)) if value]
            query += [("blockid", "YQ==")] if comp == "block" else []
        if route.host is Host.IMDS and self._chance(0.7):
            query.append(("resource", "https://management.azure.com"))
        while self._chance(0.3):
            query.append((self._random.choice(QUERIES), self._word()))
        text = urlencode([(name, value.encode("utf-8", "surrogatepass")) for name, value in query])
        if self._chance(0.02):
            text += self._random.choice(("&%", "&=&=&", "&a=%ff%fe", "&%ff=1", "&" * 2000))
        return f"{path}?{text}" if text else path

    def _headers(self, host: Host) -> dict[str, bytes]:
        known = self._known
        audience = {Host.BLOB: "https://storage.azure.com", Host.DATA_PLANE: "https://ml.azure.com"}
        token = known.tokens[audience.get(host, "https://management.azure.com")]
        headers = {"Authorization": f"Bearer {known.endpoint_key if host is Host.INFERENCE else token}".encode()}
        if host is Host.BLOB and self._chance(0.8):
            headers |= {"x-ms-version": b"2021-08-06", "x-ms-blob-type": b"BlockBlob"}
        if host is not Host.BLOB and self._chance(0.9):
            headers["Content-Type"] = b"application/json"
        if host is Host.IMDS and self._chance(0.8):
            headers["Metadata"] = b"true"
        if self._chance(0.04):
            spoiled = (
                b"",
                b"Bearer",
                b"Bearer \xe4.\xf6.\xfc",
                b"Bearer a.b.c",
                b"Bearer " + b"x" * 9000,
                b"Basic eA==",
            )
            keys = (
                b"SharedKey",
                b"SharedKey a:\xe4",
                b"SharedKey " + known.account.encode() + b":AAAA",
                b"\xff\xfe",
                token.encode(),
            )
            headers["Authorization"] = self._random.choice((*spoiled, *keys))
        if self._chance(0.02):
            del headers["Authorization"]
        while self._chance(0.15 if host is not Host.BLOB else 0.5):
            value = (
                self._word()
                .encode("utf-8", "surrogatepass")
                .replace(b"\x00", b"")
                .replace(b"\r", b"")
                .replace(b"\n", b"")
            )
            name = self._random.choice(HEADERS)
            if name.isascii():
                headers[name] = value.replace(b"\x1f", b"")
        return headers

    def _body(self, route: Route) -> bytes:
        if self._chance(0.12):
            return self._junk()
        if route.host is Host.LOGIN:
            return self._spoil_text(TOKEN.format(client=self._known.client, secret=self._known.secret))
        if route.host is Host.BLOB:
            return self._spoil_text(XML) if self._chance(0.5) else self._junk()
        document = self._template(route)
        for _ in range(self._random.choice((0, 1, 1, 1, 2, 3))):
            document = self._spoiled(document)
        if route.path == "/faults" and isinstance(document, dict) and isinstance(document.get("pattern"), str):
            document |= {"pattern": "^no such request$", "kill": False}  # a fault that strikes would hide an answer
        text = json.dumps(document, ensure_ascii=self._chance(0.5))
        return text.encode("utf-8", "surrogatepass")

    def _template(self, route: Route) -> Any:
        if route.host is Host.DATA_PLANE and "/mlflow/" in route.path:
            return copy.deepcopy(self._random.choice(MLFLOW)[1])
        if route.host is Host.INFERENCE:
            return copy.deepcopy(TEMPLATES["/score"][0])
        found = [tail for tail in TEMPLATES if route.path.endswith(tail)]
        if not found:
            return copy.deepcopy(self._random.choice([{}, {"properties": ASSET}, {"a": [1]}]))
        document = copy.deepcopy(self._random.choice(TEMPLATES[max(found, key=len)]))
        if "deployments/{name}" in route.path and "model" in document.get("properties", {}):
            document["properties"]["model"] = self._known.model
            if self._chance(0.7):
                del document["properties"]["codeConfiguration"]
            else:
                document["properties"]["codeConfiguration"]["codeId"] = self._known.code
        return document

    def _spoiled(self, document: Any) -> Any:
        """The document with something in it, or all of it, replaced, left out, or added."""
        places = [*_places(document)]
        if not places or self._chance(0.04):
            return self._value()
        holder, key = self._random.choice(places)
        kind = self._random.random()
        if kind < 0.65:
            holder[key] = self._value()
        elif kind < 0.75:
            del holder[key]
        elif kind < 0.85 and isinstance(holder, dict):
            holder[self._word()] = self._value()
        elif kind < 0.92 and isinstance(holder, dict):
            holder[str(key).upper()] = holder.pop(key)
        else:
            holder[key] = [holder[key]] if self._chance(0.5) else {"a": holder[key]}
        return document

    def _value(self) -> Any:
        kind = self._random.random()
        if kind < 0.45:
            return copy.deepcopy(self._random.choice(_VALUES))
        if kind < 0.9:
            return self._word()
        return _nested(self._random.choice((10, 63, 64, 65, 200)), as_list=self._chance(0.5))

    def _junk(self) -> bytes:
        kinds = (
            lambda: self._random.randbytes(self._random.randint(0, 200)),
            lambda: b"[" * 100_000,
            lambda: b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
            lambda: b"[" * 300 + b"]" * 300,
            lambda: b"<a>" * 20_000,
            lambda: self._random.choice(
                (b"null", b"[]", b'""', b"5", b"true", b"NaN", b"-Infinity", b"1e999", b"{", b'{"a"')
            ),
            lambda: b"9" * 6000,
            lambda: b'{"properties": ' + b"9" * 6000 + b"}",
            lambda: '{"properties": {"tags": {"ä": "ö"}}}'.encode(
                self._random.choice(("utf-16", "utf-32", "latin-1", "utf-8-sig"))
            ),
            lambda: b'{"properties": {"a": "\xff\xfe"}}',
            lambda: b'{"properties": {"a": "\xed\xa0\x80"}}',
            lambda: b'{"properties": NaN, "properties": {"tags": Infinity}}',
            lambda: "".join(self._random.choices(string.printable, k=100)).encode(),
            lambda: b"&".join([b"a=%ff", b"grant_type=\xff", b"client_id=%00"]),
        )
        return self._random.choice(kinds)()

    def _spoil_text(self, text: str) -> bytes:
        data = bytearray(text.encode())
        for _ in range(self._random.randint(0, 3)):
            at = self._random.randrange(len(data))
            data[at : at + self._random.randint(0, 4)] = self._random.choice(
                (b"", b"\xff", b"%ff", b"&", b"<", b"\x00", b"\xc3\xa4")
            )
        return bytes(data)


def _ends(route: Route) -> bool:
    """Whether it would take away what others ask for."""
    return route.method == "DELETE" or route.path.endswith("/regenerateKeys")


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Each member and item below, as its holder and key."""
    found: list[tuple[Any, Any]] = []
    holders = [document]
    for holder in holders:
        pairs = holder.items() if isinstance(holder, dict) else enumerate(holder) if isinstance(holder, list) else ()
        for key, value in pairs:
            found.append((holder, key))
            holders.append(value)
    return found


def _nested(depth: int, *, as_list: bool) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value] if as_list else {"a": value}
    return value
