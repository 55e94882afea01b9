"""The command `hub` of the golden cases: what a stand-in hub has been asked, and changes to it.

hub requests                               the requests since the last call, a line each
hub commit OWNER/NAME PATH=FILE...         commit these files to main
hub set OWNER/NAME FIELD=VALUE...          change fields of the repository: gated, private, licence
hub fault MATCH [FIELD=VALUE...]           disturb the next request whose address matches (hubmodel.Fault)
hub clear                                  forget faults and requests
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener


def main(command: str, *words: str) -> None:
    match command:
        case "requests":
            for seen in _ask("GET"):
                path = re.sub(r"^/(api/)?datasets/[^/]+/[^/]+/?", "/", seen["path"].partition("?")[0])
                bytes_ = " bytes" if seen["range"] else ""
                print(f"{seen['host']:3} {seen['method']:4} {seen['status']}{bytes_}  {path}")
            _ask("DELETE")
        case "commit":
            files = {name: str(Path(path).resolve()) for name, _, path in (word.partition("=") for word in words[1:])}
            _ask("PUT", {"id": words[0], "files": files, "options": {}})
        case "set":
            _ask("PUT", {"id": words[0], "files": {}, "options": _fields(words[1:])})
        case "fault":
            _ask("POST", {"match": words[0], **_fields(words[1:])})
        case "clear":
            _ask("DELETE")
        case _:
            sys.exit(f"hub: no command {command}")


def _fields(words: tuple[str, ...]) -> dict[str, Any]:
    """FIELD=VALUE, the value as JSON or text."""
    found: dict[str, Any] = {}
    for word in words:
        name, _, text = word.partition("=")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


def _ask(method: str, body: Any = None) -> Any:
    content = None if body is None else json.dumps(body).encode()
    request = Request(f"{os.environ['HF_ENDPOINT']}/__", content, method=method)
    with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
        text = answer.read()
    return json.loads(text) if text else None


if __name__ == "__main__":
    main(*sys.argv[1:])
