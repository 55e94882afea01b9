"""A stand-in for the Hugging Face hub: its API on one port, its content delivery network on another, loopback only.

    with Hub(folder) as hub:
        hub.commit("org/chat", {"README.md": b"...", "data/train.parquet": Path("x.parquet")})
        hub.fault("/resolve/", status=503)
        hub.requests()

It answers what huggingface_hub 2.4 and datasets 5.2 ask for: revisions, listings by pages, path infos, refs, access
checks, files. Large files are redirected to signed addresses of the other port, which refuses a request that carries a
token. Faults and commits may be admin requests (/__), so that a hub in another process can be changed too.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from hubmodel import SIGNATURE, Blob, Fault, Repository, Seen
from hubserver import Api, Cdn, server

__all__ = ["SIGNATURE", "VARIABLES", "Fault", "Hub", "Repository", "Seen", "authority"]

VARIABLES = (
    *("HF_ENDPOINT", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"),
    *(
        "HF_HUB_CACHE",
        "HUGGINGFACE_HUB_CACHE",
        "HF_OIDC_RESOURCE",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN",
        "HF_HUB_DISABLE_XET",
    ),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)
"""What a client of the hub reads of the environment: tests unset it, and set HF_HOME to a folder of theirs."""


def authority(folder: Path) -> tuple[Path, tuple[Path, Path]]:
    """A certificate authority of its own, and a certificate with key for 127.0.0.1 by it, as PEM files."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("an authority", "127.0.0.1")]
    now = datetime.now(UTC)
    made = []
    for number, (key, name) in enumerate(zip(keys, names, strict=True)):
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(names[0]).public_key(key.public_key())
        builder = (
            builder.serial_number(number + 1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=number == 0, path_length=None), critical=True)
        if number:
            address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
            builder = builder.add_extension(address, critical=False)
        made.append(builder.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    folder.mkdir(parents=True, exist_ok=True)
    secret = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    paths = [folder / name for name in ("authority.pem", "host.pem", "host.key")]
    for path, content in zip(paths, [*made, secret], strict=True):
        path.write_bytes(content)
    return paths[0], (paths[1], paths[2])


class Hub:
    """The stand-in. tokens: which repositories, private or gated, each token may read. page: entries of a listing."""

    def __init__(
        self,
        folder: Path,
        *,
        tokens: Mapping[str, Iterable[str]] | None = None,
        page: int = 1000,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        self.folder = folder
        self.tokens = {token: set(ids) for token, ids in (tokens or {}).items()}
        self.page = page
        self.repositories: dict[str, Repository] = {}
        self.renamed: dict[str, str] = {}
        self.faults: list[Fault] = []
        self.lock = threading.Condition()
        self._busy = 0
        self._seen: dict[int, Seen] = {}
        self._numbers = itertools.count()
        self._servers = [server(self, handler, certificate) for handler in (Api, Cdn)]
        scheme = "https" if certificate else "http"
        self.url, self.cdn = (f"{scheme}://127.0.0.1:{each.server_port}" for each in self._servers)
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Hub:
        for each in self._servers:
            thread = threading.Thread(target=each.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *exception: object) -> None:
        for each in self._servers:
            each.shutdown()
            each.server_close()
        for thread in self._threads:
            thread.join(5)

    def commit(
        self, id: str, files: Mapping[str, bytes | Path], *, branch: str = "main", keep: bool = False, **options: Any
    ) -> str:
        """Commit these files to a branch of a repository, which is made as needed; the commit's 40 hex digits.

        keep: with the files that the branch already has. A file given as a path is served from there. options: fields
        of Repository.
        """
        repository = self.repositories.setdefault(id, Repository(id))
        for name, value in options.items():
            setattr(repository, name, value)
        blobs = dict(repository.commits[repository.branches[branch]]) if keep and repository.branches else {}
        for name, content in files.items():
            blobs[name] = Blob.of(content if isinstance(content, Path) else self._stored(content), name)
        listing = json.dumps(
            [len(repository.commits), *((name, blob.oid, blob.sha256) for name, blob in blobs.items())]
        )
        sha = hashlib.sha1(f"{id} {listing}".encode(), usedforsecurity=False).hexdigest()
        repository.commits[sha] = blobs
        repository.branches[branch] = sha
        return sha

    def rename(self, old: str, new: str) -> None:
        """The repository has a new name; the old one leads there."""
        self.repositories[new] = self.repositories.pop(old)
        self.repositories[new].id = new
        self.renamed[old] = new

    def fault(self, match: str, **what: Any) -> None:
        """Ask for a fault (see Fault), as another process would."""
        self._admin("POST", asdict(Fault(match, **what)))

    def clear(self) -> None:
        """Forget the faults and the requests."""
        self._admin("DELETE", None)

    def requests(self, host: str = "") -> list[Seen]:
        """The requests so far, in the order in which they came; of one host where named."""
        with self.lock:
            # A client may have its answer before the request is noted.
            self.lock.wait_for(lambda: self._busy == 0, timeout=2)
            return [seen for seen in self._in_order() if not host or seen.host == host]

    def seen(self) -> list[Seen]:
        """The requests that are answered."""
        with self.lock:
            return self._in_order()

    def read(self) -> int:
        """Bytes of content that the delivery network has sent so far."""
        return sum(seen.sent for seen in self.requests("cdn"))

    def begin(self) -> int:
        """A request has come in: its number."""
        with self.lock:
            self._busy += 1
            return next(self._numbers)

    def note(self, number: int, seen: Seen | None) -> None:
        """A request is answered; None: it is not one that counts."""
        with self.lock:
            self._busy -= 1
            if seen:
                self._seen[number] = seen
            self.lock.notify_all()

    def forget(self) -> None:
        with self.lock:
            self._seen.clear()
            self.faults.clear()

    def fault_for(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, counted."""
        with self.lock:
            for fault in self.faults:
                if not re.search(fault.match, path) or fault.method not in ("", method) or fault.times == 0:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def _in_order(self) -> list[Seen]:
        return [self._seen[number] for number in sorted(self._seen)]

    def _stored(self, content: bytes) -> Path:
        path = self.folder / hashlib.sha256(content).hexdigest()
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return path

    def _admin(self, method: str, body: Any) -> None:
        # Without the environment's proxies; the certificate is its own, made for the test.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
        request = Request(f"{self.url}/__", json.dumps(body).encode(), method=method)
        with opener.open(request, timeout=60) as answer:
            assert answer.status == 204
