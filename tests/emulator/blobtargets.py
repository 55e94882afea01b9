"""Two blob services to ask the same of: the emulator's, and Azurite, Microsoft's own emulator.

Azurite is no dependency. It is found where `make azurite` puts it (or in the folder PHIFT_AZURITE), when there is a
node to run it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
import yaml
from azure.storage.blob import BlobServiceClient, generate_blob_sas, generate_container_sas

from phift.emulator.host.home import Home
from phift.emulator.host.server import Server

CONTAINER = "things"
EXPECTED: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("azurite.yaml").read_text(encoding="utf-8"))


class Target:
    """A running blob service. url: of the account. transport: options of the SDK's clients that lead there."""

    name: str
    key: str
    url: str
    transport: dict[str, Any]
    session: requests.Session

    def service(self, credential: Any = None, **options: Any) -> BlobServiceClient:
        return BlobServiceClient(self.url, credential=credential or self.key, **self.transport, **options)

    def blob_url(self, container: str, name: str | None = None) -> str:
        return f"{self.url}/{container}" + ("" if name is None else f"/{quote(name)}")

    def sas_url(self, container: str, name: str | None = None, permissions: str = "r") -> str:
        """With a signature made by Microsoft's library."""
        soon = datetime.now(UTC) + timedelta(hours=1)
        signed = {"account_key": self.key, "permission": permissions, "expiry": soon}
        if name is None:
            token = generate_container_sas(self.name, container, **signed)
        else:
            token = generate_blob_sas(self.name, container, name, **signed)
        return f"{self.blob_url(container, name)}?{token}"

    def close(self) -> None:
        self.session.close()


class Served(Target):
    """A served home, in a thread of this process."""

    def __init__(self, path: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self.do(Server, Home(path))
        self.call(self.server.start(0))
        self.account = self.server.emulator.blobs
        self.name, self.key, self.url = self.account.name, self.account.key, self.account.url
        proxies = {"https": self.server.proxy_url}
        self.transport = {"proxies": proxies, "connection_verify": self.server.ca_file, "retry_total": 0}
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.proxies = proxies
        self.session.verify = self.server.ca_file

    def call(self, coro: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coro, self.loop).result(30)

    def do(self, function: Any, *arguments: Any, **named: Any) -> Any:
        """Runs a function on the emulator's thread."""

        async def run() -> Any:
            return function(*arguments, **named)

        return self.call(run())

    def close(self) -> None:
        super().close()
        self.call(self.server.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


class Azurite(Target):
    """Azurite's blob service on a free port of the loopback, over plain HTTP, with its one well-known account."""

    name = "devstoreaccount1"
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

    def __init__(self, path: Path) -> None:
        missing = azurite_missing()
        if missing:
            raise RuntimeError(missing)
        command = ["node", str(_program()), "--blobHost", "127.0.0.1", "--blobPort", "0", "--location", str(path)]
        options = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        self.process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True, cwd=path)
        assert self.process.stdout
        for line in self.process.stdout:
            if found := re.search(r"listens on (http://127\.0\.0\.1:\d+)", line):
                break
        else:
            raise RuntimeError(f"Azurite ended with status {self.process.wait()} before it listened")
        self.url = f"{found[1]}/{self.name}"
        self.transport = {"retry_total": 0}
        self.session = requests.Session()
        self.session.trust_env = False

    def close(self) -> None:
        super().close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


def azurite_missing() -> str:
    """Why Azurite cannot be run here, "" when it can."""
    if shutil.which("node") is None:
        return "there is no node to run Azurite with"
    package = _program().parents[3] / "package.json"
    if not package.is_file():
        return "Azurite is not installed: make azurite"
    version = json.loads(package.read_text(encoding="utf-8"))["version"]
    if version != EXPECTED["version"]:
        return f"Azurite {version} is installed, the differences are those of {EXPECTED['version']}: make azurite"
    return ""


def _program() -> Path:
    folder = Path(os.environ.get("PHIFT_AZURITE") or Path(sys.prefix) / "azurite")
    return folder / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
