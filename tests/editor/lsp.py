"""A small client of the YAML language server, over stdio: open documents, complete, hover, and collect diagnostics."""

from __future__ import annotations

import json
import queue
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Editor", "server_missing"]

VERSION: str = yaml.safe_load(Path(__file__).with_name("server.yaml").read_text(encoding="utf-8"))["version"]
PATIENCE = 60.0  # seconds
PACKAGE = Path(sys.prefix) / "yaml-language-server" / "node_modules" / "yaml-language-server"


def server_missing() -> str:
    """Why the language server cannot be run here, "" when it can."""
    if shutil.which("node") is None:
        return "there is no node to run yaml-language-server with"
    if not (PACKAGE / "package.json").is_file():
        return "yaml-language-server is not installed: make language-server"
    version = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))["version"]
    return (
        ""
        if version == VERSION
        else f"yaml-language-server {version} is installed, not {VERSION}: make language-server"
    )


class Editor:
    """One server, with the schema associated with every YAML file of a folder, and no access to schemas elsewhere."""

    def __init__(self, folder: Path, schema: str) -> None:
        self.folder = folder
        self.took: list[float] = []
        """Seconds of each request."""
        self.messages: list[str] = []
        self._settings = {
            "yaml": {
                "schemas": {schema: "*.yaml"},
                "schemaStore": {"enable": False},
                "kubernetesCRDStore": {"enable": False},
                "validate": True,
                "hover": True,
                "completion": True,
            }
        }
        self._number = self._opened = 0
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._found: dict[str, list[dict[str, Any]]] = {}
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        program = str(PACKAGE / "bin" / "yaml-language-server")
        self._process = subprocess.Popen(
            ["node", program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._initialize()

    def _initialize(self) -> None:
        markdown = {"documentationFormat": ["markdown", "plaintext"], "snippetSupport": True}
        self.ask(
            "initialize",
            {
                "processId": None,
                "rootUri": self.folder.as_uri(),
                "capabilities": {
                    "textDocument": {
                        "completion": {"completionItem": markdown},
                        "hover": {"contentFormat": ["markdown"]},
                        "publishDiagnostics": {},
                    },
                    "workspace": {"configuration": True, "didChangeConfiguration": {"dynamicRegistration": True}},
                },
            },
        )
        self._tell("initialized", {})
        self._tell("workspace/didChangeConfiguration", {"settings": self._settings})
        # The server knows the schema once it finds something wrong.
        ready = self.open("nonsense: true\n")
        with self._changed:
            assert self._changed.wait_for(lambda: self._found.get(ready), PATIENCE), "the server has no schema"
        self.took.clear()

    def open(self, text: str, ending: str = "yaml") -> str:
        """Open a document of the folder. Return its URI."""
        self._opened += 1
        uri = (self.folder / f"{self._opened}.{ending}").as_uri()
        self._tell(
            "textDocument/didOpen",
            {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}},
        )
        return uri

    def diagnostics(self, uri: str) -> list[dict[str, Any]]:
        """Wait for the diagnostics of an open document."""
        with self._changed:
            assert self._changed.wait_for(lambda: uri in self._found, PATIENCE), f"no diagnostics of {uri}"
            return self._found[uri]

    def complete(self, uri: str, line: int, character: int) -> dict[str, dict[str, Any]]:
        """Return the completions at a position, by label."""
        found = self.ask("textDocument/completion", _at(uri, line, character))
        return {item["label"]: item for item in found["items"]}

    def hover(self, uri: str, line: int, character: int) -> str:
        """Return the Markdown of the hover at a position, "" if there is none."""
        found = self.ask("textDocument/hover", _at(uri, line, character))
        return str(found["contents"]["value"]) if found else ""

    def ask(self, method: str, params: Mapping[str, Any]) -> Any:
        """Send a request, and return its result."""
        self._number += 1
        began = time.perf_counter()
        self._send({"id": self._number, "method": method, "params": params})
        answer = self._answers.get(timeout=PATIENCE)
        self.took.append(time.perf_counter() - began)
        assert answer["id"] == self._number
        assert "error" not in answer, answer
        return answer["result"]

    def median(self) -> float:
        """Return the median time of a request in milliseconds."""
        return statistics.median(self.took) * 1000

    def close(self) -> None:
        """End the server."""
        self.ask("shutdown", {})
        self._tell("exit", {})
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._reader.join(10)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream
            stream.close()

    def _tell(self, method: str, params: Mapping[str, Any]) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: Mapping[str, Any]) -> None:
        raw = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        with self._writing:
            self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(raw) + raw)
            self._process.stdin.flush()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream
        while header := stream.readline():
            length = int(header.removeprefix(b"Content-Length:"))
            while stream.readline().strip():
                pass
            self._receive(json.loads(stream.read(length)))

    def _receive(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method is None:
            self._answers.put(message)
        elif "id" in message:
            sections = message["params"].get("items", []) if method == "workspace/configuration" else []
            found = [self._settings.get(section.get("section")) for section in sections]
            self._send({"id": message["id"], "result": found if method == "workspace/configuration" else None})
        elif method == "textDocument/publishDiagnostics":
            with self._changed:
                self._found[message["params"]["uri"]] = message["params"]["diagnostics"]
                self._changed.notify_all()
        elif method in ("window/logMessage", "window/showMessage"):
            self.messages.append(message["params"]["message"])


def _at(uri: str, line: int, character: int) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
