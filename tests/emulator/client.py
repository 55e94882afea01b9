"""A plain HTTP client that reaches a served emulator as any Azure client does."""

from __future__ import annotations

import time
from typing import Any

import requests

from phift.emulator.host import lifecycle
from phift.emulator.host.lifecycle import Connection

__all__ = ["Azure"]

WORKSPACE_API = "2023-08-01-preview"


class Azure:
    """Requests through the proxy, with a token of the home's own credential."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.proxies = {"https": connection.proxy_url, "http": connection.proxy_url}
        self.session.verify = connection.ca_file
        self._tokens: dict[str, str] = {}

    @property
    def workspace(self) -> str:
        c = self.connection
        return (
            f"/subscriptions/{c.subscription_id}/resourceGroups/{c.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{c.workspace_name}"
        )

    def token(self, audience: str = "https://management.azure.com") -> str:
        if audience not in self._tokens:
            answer = self.session.post(
                f"https://login.microsoftonline.com/{self.connection.tenant_id}/oauth2/v2.0/token",
                data={
                    "client_id": self.connection.client_id,
                    "client_secret": self.connection.client_secret,
                    "grant_type": "client_credentials",
                    "scope": f"{audience}/.default",
                },
            )
            assert answer.status_code == 200, answer.text
            self._tokens[audience] = answer.json()["access_token"]
        return self._tokens[audience]

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        host: str = "management.azure.com",
        api: str = WORKSPACE_API,
        **query: str,
    ) -> requests.Response:
        """A request with a bearer token. path: absolute, or below the workspace when it has no leading slash."""
        full = path if path.startswith("/") else f"{self.workspace}/{path}"
        return self.session.request(
            method,
            f"https://{host}{full}",
            json=body,
            params={"api-version": api, **query},
            headers={"Authorization": f"Bearer {self.token()}"},
        )

    def wait(self, started: requests.Response, seconds: float = 10.0) -> dict[str, Any]:
        """The status document in which an operation ends."""
        url = started.headers["Azure-AsyncOperation"]
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = self.session.get(url, headers={"Authorization": f"Bearer {self.token()}"})
            document: dict[str, Any] = answer.json()
            if document["status"] not in {"InProgress", "Updating"}:
                return document
            time.sleep(0.02)
        raise AssertionError(f"still running after {seconds} s: {url}")

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        return lifecycle.request(self.connection, method, path, body)
