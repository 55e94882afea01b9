"""JSON over HTTP below one base URL: Resource Manager, a registry, the data plane."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from phift.azure.attendance import Attendant
from phift.azure.transport import Http, with_query
from phift.errors import AzureError, NotFoundError
from phift.lazy import lazy_pattern

__all__ = ["ARM", "ARM_SCOPE", "ML_SCOPE", "Answer", "Rest"]

ARM = "https://management.azure.com"
ARM_SCOPE = "https://management.azure.com/.default"
ML_SCOPE = "https://ml.azure.com/.default"

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 8.0
"""Seconds between two reads of an existing object that returns 404."""

_READING_POST = lazy_pattern(r"(?i)^(list\w*|getlogs|token|rundata|batchget\w*|search|query)$")
"""Last path segments of POSTs that change nothing."""

_SECRETS = lazy_pattern(r"(?i)^(list\w*|token)$")
"""Last path segments of POSTs that read what every object has."""


@dataclass(frozen=True)
class Answer:
    """A response. headers: case-insensitive names. body: the parsed JSON, or None.

    Neither is in the repr: the bodies of listKeys and listSecrets are secret.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)


class Rest:
    """Requests below one base URL, with one token scope.

    Paths are relative to the base; an absolute `https://` URL of the same host, such as that of an operation, is used
    unchanged. api_version: sent as `api-version`, omitted if empty. Further query values are keyword arguments
    (`**{"$top": 1}`); None is omitted. Raises AzureError and its subclasses: NotFoundError for 404, ConflictError for
    409 and 412 and so on.
    """

    def __init__(
        self, http: Http, base: str, scope: str, *, read_only: bool = False, attendant: Attendant | None = None
    ) -> None:
        self.base = base.rstrip("/")
        self._http = http if attendant is None else http.attended(attendant)
        self._scope = scope
        self._read_only = read_only
        self._attendant = attendant

    def __repr__(self) -> str:
        return f"Rest({self.base})"

    def get(self, path: str, api_version: str, **params: Any) -> dict[str, Any]:
        """Return the document at path."""
        body = self.request("GET", path, api_version, params=params).body
        return body if isinstance(body, dict) else {"value": body}

    def answer(self, path: str, api_version: str, **params: Any) -> Answer:
        """GET with status and headers, for polling operations."""
        return self.request("GET", path, api_version, params=params)

    def list(self, path: str, api_version: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Yield the items of a list, page by page."""
        body = self.get(path, api_version, **params)
        while True:
            yield from body.get("value") or ()
            following = body.get("nextLink")
            if not following:
                return
            body = self.get(following, "")

    def put(self, path: str, api_version: str, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """Create or replace."""
        return self.request("PUT", path, api_version, body=body, headers=headers)

    def patch(self, path: str, api_version: str, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """Change the fields in the body."""
        return self.request("PATCH", path, api_version, body=body, headers=headers)

    def post(self, path: str, api_version: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Run an action; after a lost response, retry it only if it reads (list*, getLogs, ...)."""
        return self.request("POST", path, api_version, body=body, headers=headers)

    def delete(self, path: str, api_version: str, **params: Any) -> Answer:
        """Delete; the service returns 204 for an absent object."""
        return self.request("DELETE", path, api_version, params=params)

    def read_only(self) -> Rest:
        """Return the same client, rejecting every write before it is sent."""
        return Rest(self._http, self.base, self._scope, read_only=True, attendant=self._attendant)

    def request(
        self,
        method: str,
        path: str,
        api_version: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send any of the above."""
        url = self._url(path)
        reads = method == "GET" or (method == "POST" and _READING_POST.match(url.rpartition("/")[2]) is not None)
        if self._read_only and not reads:
            raise AzureError(f"cannot send {method} {url}: this session is read-only", code="ReadOnly", method=method)
        query = {name: str(value) for name, value in (params or {}).items() if value is not None}
        if api_version:
            query["api-version"] = api_version
        sent = {"Accept": "application/json", **(headers or {})}
        content = None
        if body is not None:
            content = json.dumps(body, ensure_ascii=False).encode()
            sent["Content-Type"] = "application/json"
        elif method == "POST":
            content = b""

        def send() -> Answer:
            response = self._http.send(
                method,
                with_query(url, query),
                scope=self._scope,
                headers=sent,
                content=content,
                repeatable=reads or method != "POST",
            )
            return Answer(response.status, response.headers, _parsed(response.content))

        if self._attendant is None:
            return send()
        borne = method == "GET" or (method == "POST" and _SECRETS.match(url.rpartition("/")[2]) is not None)
        answer = _borne(send, self._attendant, url) if borne else send()
        self._attendant.seen.note(method, url, answer.body)
        return answer

    def _url(self, path: str) -> str:
        if not path.startswith("https://"):
            return f"{self.base}/{path.lstrip('/')}"
        if urlsplit(path).netloc.lower() != urlsplit(self.base).netloc.lower():
            raise AzureError(
                f"the service redirected to another host: {urlsplit(path).netloc}",
                code="ForeignHost",
                detail=f"The token of this connection is sent only to {urlsplit(self.base).netloc}.",
            )
        return path


def _borne(send: Callable[[], Answer], attendant: Attendant, url: str) -> Answer:
    """Read; retry a 404 of an existing object for as long as the attendant allows."""
    waited, pause = 0.0, _FIRST_PAUSE
    while True:
        try:
            return send()
        except NotFoundError as error:
            if error.cause.permanent or not attendant.seen.expects(url):
                raise
            if waited >= attendant.patience:
                error.detail = f"It existed earlier in this run, but was not found for {waited:.0f} s.\n{error.detail}"
                error.remedy = "Check whether it was deleted, then re-run `phift apply`."
                raise
            missing = error
        attendant.wait(pause, missing)
        waited += pause
        pause = min(pause * 2, _LONGEST_PAUSE)


def _parsed(content: bytes) -> Any:
    if not content.strip():
        return None
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", errors="replace")
