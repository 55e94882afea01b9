"""The two hosts of the stand-in hub (tests/hub.py): what they answer."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from hubmodel import SIGNATURE, Blob, Fault, Repository, Seen

if TYPE_CHECKING:
    from hub import Hub

__all__ = ["Api", "Cdn", "server"]


def server(hub: Hub, handler: type[Handler], certificate: tuple[Path, Path] | None) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type(handler.__name__, (handler,), {"hub": hub}))
    server.daemon_threads = True
    server.request_queue_size = 64
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        # The handshake belongs to the connection's thread: a client that refuses the certificate must stop nobody.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return server


class Handler(BaseHTTPRequestHandler):
    """What both hosts share: the log, faults, answers, byte ranges."""

    hub: Hub
    host = ""
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def answer(self) -> None:
        raise NotImplementedError

    def log_message(self, format: str, *args: Any) -> None:
        """The log is Hub.requests()."""

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError, TimeoutError):
            self.close_connection = True

    def say(self, status: int, body: object = None, headers: Mapping[str, str] | None = None) -> None:
        """An answer with a JSON body, or an empty one."""
        content = b"" if body is None else json.dumps(body).encode()
        self._begin(
            status, {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}
        )
        if self.command != "HEAD":
            self.wfile.write(content)
            self._sent = len(content)

    def refuse(self, status: int, code: str = "", message: str = "", headers: Mapping[str, str] | None = None) -> None:
        """An answer that says no as the hub does."""
        told = {"X-Error-Code": code} if code else {}
        if message:
            told["X-Error-Message"] = message
        self.say(status, {"error": message or code}, {**told, **(headers or {})})

    def send(self, blob: Blob, headers: Mapping[str, str]) -> None:
        """A file, or the range of it that is asked for."""
        fault = self._fault or Fault("")
        start, stop, status = 0, blob.size, 200
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        more: dict[str, str] = {}
        if asked and not fault.no_range:
            start, stop = int(asked[1]), min(blob.size, int(asked[2]) + 1 if asked[2] else blob.size)
            if start >= blob.size:
                self.say(416, None, {"Content-Range": f"bytes */{blob.size}"})
                return
            status, more = 206, {"Content-Range": f"bytes {start}-{stop - 1}/{blob.size}"}
        length = {"Content-Length": str(stop - start), "Accept-Ranges": "bytes"}
        self._begin(status, {**length, **more, **headers})
        if self.command == "HEAD":
            return
        end = stop if fault.cut < 0 else min(stop, start + fault.cut)
        with blob.path.open("rb") as stream:
            if fault.flip >= 0 or isinstance(self.connection, ssl.SSLSocket):
                for piece in _pieces(stream, start, end, fault.flip):
                    self.wfile.write(piece)
            elif end > start:
                self.connection.sendfile(stream, start, end - start)
        self._sent = end - start
        if end < stop:
            self.close_connection = True

    def _serve(self) -> None:
        self._status, self._sent = 0, 0
        self._fault = None if self.path == "/__" else self.hub.fault_for(self.command, self.path)
        number = self.hub.begin()
        seen = None
        try:
            self._disturbed(self._fault or Fault(""))
            if self.path != "/__":
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                asked, agent = self.headers.get("Range", ""), self.headers.get("User-Agent", "")
                seen = Seen(self.host, self.command, self.path, asked, token, agent, self._status, self._sent)
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True
        finally:
            self.hub.note(number, seen)

    def _disturbed(self, fault: Fault) -> None:
        body = int(self.headers.get("Content-Length") or 0)
        self.form = parse_qs(self.rfile.read(body).decode()) if body and self.path != "/__" else {}
        if fault.delay:
            time.sleep(min(fault.delay, 5))
        if fault.drop:
            self.close_connection = True
        elif fault.status:
            self.say(fault.status, None if fault.status == 302 else {"error": "a fault"}, fault.headers)
        else:
            self.answer()

    def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        self._status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


class Api(Handler):
    """huggingface.co."""

    host = "hub"

    def answer(self) -> None:
        if self.path == "/__":
            self._admin()
            return
        url = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(url.query).items()}
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in self.hub.tokens:
            self.refuse(401, message="Invalid credentials in Authorization header")
            return
        found = re.match(r"(?:(/api)/(?:datasets|models)|/datasets|)/([\w.-]+/[\w.-]+)(?:/(.*))?$", url.path)
        if not found:
            self.refuse(404, message="Sorry, we can't find the page you are looking for.")
            return
        api, id, rest = found[1] or "", found[2], found[3] or ""
        if id in self.hub.renamed:
            place = self.path.replace(id, self.hub.renamed[id], 1)
            self.say(307, None, {"Location": place})
            return
        repository = self.hub.repositories.get(id)
        self.allowed = id in self.hub.tokens.get(token, ())
        if repository is None or (repository.private and not self.allowed):
            self.refuse(404 if token else 401, "RepoNotFound", "Repository not found")
            return
        self._repository(repository, api, rest, bool(token))

    def _repository(self, repository: Repository, api: str, rest: str, known: bool) -> None:
        kind, _, more = rest.partition("/")
        closed = bool(repository.gated) and not self.allowed
        if closed and (kind == "auth-check" or not api):
            self.refuse(403 if known else 401, "GatedRepo", f"Access to dataset {repository.id} is restricted.")
        elif kind == "auth-check":
            self.say(200)
        elif kind == "refs":
            branches = [
                {"name": n, "ref": f"refs/heads/{n}", "targetCommit": s} for n, s in repository.branches.items()
            ]
            tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": s} for n, s in repository.tags.items()]
            self.say(200, {"branches": branches, "tags": tags, "converts": []})
        else:
            revision, path = unquote(more.partition("/")[0]), unquote(more.partition("/")[2])
            sha = repository.sha("main" if not kind else revision)
            if not sha:
                self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            else:
                self._revision(repository, kind, sha, path)

    def _revision(self, repository: Repository, kind: str, sha: str, path: str) -> None:
        files = repository.commits[sha]
        if kind in ("", "revision"):
            self.say(
                200,
                {
                    "id": repository.id,
                    "sha": sha,
                    "private": repository.private,
                    "gated": repository.gated or False,
                    "siblings": [{"rfilename": name} for name in files],
                    "tags": [f"license:{repository.licence}"] if repository.licence else [],
                    "cardData": {"license": repository.licence} if repository.licence else {},
                },
            )
        elif kind == "paths-info":
            self.say(200, [files[name].entry(name) for name in self.form.get("paths", []) if name in files])
        elif kind == "tree":
            self._tree(files, path)
        elif kind == "resolve":
            self._file(files, sha, path)
        else:
            self.refuse(404, message="no such page")

    def _tree(self, files: Mapping[str, Blob], path: str) -> None:
        start = f"{path}/" if path else ""
        under = {name: blob for name, blob in files.items() if name.startswith(start)}
        if path and not under:
            self.refuse(404, "EntryNotFound", f"{path} does not exist")
            return
        entries = []
        folders = set()
        for name, blob in sorted(under.items()):
            inner, _, deeper = name.removeprefix(start).partition("/")
            if deeper and start + inner not in folders:
                folders.add(start + inner)
                entries.append({"type": "directory", "oid": "0" * 40, "size": 0, "path": start + inner})
            if not deeper or self.query.get("recursive", "").lower() == "true":
                entries.append(blob.entry(name))
        first = int(self.query.get("cursor") or 0)
        last = first + self.hub.page
        more = {}
        if last < len(entries):
            query = f"recursive={self.query.get('recursive', 'false')}&expand=false&cursor={last}"
            more = {"Link": f'<{self.hub.url}{urlsplit(self.path).path}?{query}>; rel="next"'}
        self.say(200, entries[first:last], more)

    def _file(self, files: Mapping[str, Blob], sha: str, path: str) -> None:
        commit = {"X-Repo-Commit": sha}
        blob = files.get(path)
        if blob is None:
            self.refuse(404, "EntryNotFound", f"{path} does not exist", commit)
        elif blob.lfs:
            told = (self._fault and self._fault.etag) or blob.sha256
            place = f"{self.hub.cdn}/{blob.sha256}?Expires=1&Signature={SIGNATURE}&name={quote(path)}"
            linked = {"X-Linked-ETag": f'"{told}"', "X-Linked-Size": str(blob.size), "Location": place}
            self.say(302, None, {**commit, **linked})
        else:
            self.send(blob, {**commit, "ETag": f'"{blob.oid}"', "Content-Type": "text/plain"})

    def _admin(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self.command:
            case "GET":
                self.say(200, [asdict(seen) for seen in self.hub.seen()])
                return
            case "POST":
                with self.hub.lock:
                    self.hub.faults.append(Fault(**json.loads(body)))
            case "PUT":
                asked = json.loads(body)
                files = {name: Path(path) for name, path in asked["files"].items()}
                self.hub.commit(asked["id"], files, keep=True, **asked["options"])
            case _:
                self.hub.forget()
        self._begin(204, {})


class Cdn(Handler):
    """Where the hub keeps large files."""

    host = "cdn"

    def answer(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        name = query.get("name", [""])[0]
        blobs = (files.get(name) for r in list(self.hub.repositories.values()) for files in list(r.commits.values()))
        blob = next((b for b in blobs if b is not None and b.sha256 == url.path[1:]), None)
        if self.headers.get("Authorization"):
            self.refuse(400, message="Only one auth mechanism allowed")
        elif query.get("Signature") != [SIGNATURE]:
            self.refuse(403, message="AccessDenied")
        elif blob is None:
            self.refuse(404, message="NoSuchKey")
        else:
            self.send(blob, {"ETag": f'"{blob.sha256}"', "Content-Type": "binary/octet-stream"})


def _pieces(stream: Any, start: int, stop: int, flip: int) -> Iterator[bytes]:
    stream.seek(start)
    while start < stop:
        piece = bytearray(stream.read(min(1 << 20, stop - start)))
        if not piece:
            return
        if start <= flip < start + len(piece):
            piece[flip - start] ^= 0xFF
        yield bytes(piece)
        start += len(piece)
