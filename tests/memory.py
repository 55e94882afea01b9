"""A workspace that answers from memory, for measurements and for tests of hundreds of stacks.

It keeps what is written and gives it back, and counts what is asked. It teaches nothing of the service's manners:
whatever depends on those is tested against the emulator.
"""

from __future__ import annotations

import copy
import itertools
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phift.azure.attendance import Attendant
from phift.azure.rest import Answer
from phift.azure.session import Azure
from phift.azure.transport import Response
from phift.catalog.vm_sizes import vm_sizes
from phift.emulator.services.registry.publish import versions
from phift.errors import AzureError, ConflictError, NotFoundError
from phift.spec import LoadedSpec
from phift.workspace import WorkspaceId

__all__ = ["MemoryWorkspace"]

_FAMILY = "standardTestFamily"
_NOISE = {"publicPreview": "x", "serverCounter": 7}


class MemoryWorkspace:
    """One workspace. documents: by lower-cased ARM id. asked: how often each kind of request came.

    noise: answers carry unknown fields, turned keys, and names in another case.
    """

    local = True

    def __init__(self, *, noise: bool = False) -> None:
        self.workspace = WorkspaceId("00000000-0000-0000-0000-000000000000", "rg", "memory")
        self.noise = noise
        self.documents: dict[str, dict[str, Any]] = {}
        self.children: dict[str, dict[str, dict[str, Any]]] = {}
        self.asked: Counter[str] = Counter()
        self.location = "eastus"
        self.arm = _Rest(self, self._arm)
        self.data_plane = _Rest(self, lambda path: ([], None))
        self.blobs = _Blobs()
        self.store = {"workspaceblobstore": self.blobs}.__getitem__
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._usages: list[dict[str, Any]] = []
        self._sizes = [
            {"name": s.name, "vCPUs": s.vcpus, "gpus": s.gpus, "supportedComputeTypes": ["AmlCompute", "MIR"]}
            for s in vm_sizes().values()
        ]

    def now(self) -> datetime:
        """The time of the service."""
        return datetime.now(UTC)

    def offer(self, size: str) -> None:
        """Lets the region have one more VM size."""
        self._sizes.append({"name": size, "vCPUs": 4, "gpus": 1, "supportedComputeTypes": ["AmlCompute", "MIR"]})

    def grant(self, vcpus: int) -> None:
        """Gives all VM sizes one family, of which so many vCPUs are free. Without it the region tells no families, and
        so no quota."""
        for size in self._sizes:
            size["family"] = _FAMILY
        self._usages = [
            {
                "type": f"Microsoft.MachineLearningServices/{pool}/usages",
                "name": {"value": name, "localizedValue": name},
                "currentValue": 0,
                "limit": vcpus,
            }
            for pool, name in (("vmFamily", _FAMILY), ("dedicatedCores", "Total Cluster Dedicated Regional vCPUs"))
        ]

    @property
    def azure(self) -> Azure:
        """As what phases take."""
        return self  # type: ignore[return-value]

    def connect(self, loaded: LoadedSpec) -> Azure:
        """A phases.Connector."""
        self.count("connect")
        return self.azure

    def read_only(self) -> MemoryWorkspace:
        return self

    def attended(self, attendant: Attendant) -> MemoryWorkspace:
        return self

    def registry(self, name: str) -> _Rest:
        return _Rest(self, _published)

    def ml_token(self) -> str:
        return "token"

    def score(
        self, uri: str, body: Any, *, credential: str, headers: Any = None, timeout: float | None = None
    ) -> Response:
        """Every endpoint answers with what it was asked last."""
        self.count("POST score")
        answer = {"output": body["input_data"]["input_string"][-1]["content"]}
        return Response(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    def datastore(self, name: str) -> dict[str, Any]:
        return {"datastoreType": "AzureBlob", "accountName": "memory", "containerName": "store"}

    def document(self) -> dict[str, Any]:
        return {"location": self.location, "properties": {"workspaceId": "0"}}

    def count(self, what: str) -> None:
        with self._lock:
            self.asked[what] += 1

    def keep(self, path: str, document: dict[str, Any]) -> None:
        """Lays a document at an ARM path."""
        folder, _, name = path.lower().rpartition("/")
        self.documents[path.lower()] = document
        self.children.setdefault(folder, {})[name] = document

    def put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        with self._writing:
            return self._put(path, body)

    def _put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        there = self.documents.get(path.lower())
        number = next(self._numbers)
        document = copy.deepcopy(dict(body))
        properties = document.setdefault("properties", {})
        kind = path.rpartition("/")[0].rpartition("/")[2].lower()
        if kind == "jobs":
            if there is not None:
                raise AzureError("a job's properties cannot be changed", status=400, code="JobPropertyImmutable")
            properties["status"] = "Completed"
        elif there is not None and there["properties"].get("modelUri") != properties.get("modelUri"):
            # Two stacks that register versions of one model at once rely on it to notice each other.
            raise AzureError("the path of a version cannot be changed", status=400, code="UserError")
        else:
            properties["provisioningState"] = "Succeeded"
        if kind == "onlineendpoints":
            name = path.rpartition("/")[2]
            properties.setdefault("scoringUri", f"https://{name}.eastus.inference.ml.azure.com/score")
            properties.setdefault("traffic", {})
        created = (there or {}).get("systemData", {}).get("createdAt", f"2026-01-01T00:00:{number:09d}Z")
        document |= {"id": path, "name": path.rpartition("/")[2], "systemData": {"createdAt": created}}
        if self.noise:
            properties |= _NOISE
        self.keep(path, document)
        return document

    def remove(self, path: str) -> None:
        folder, _, name = path.lower().rpartition("/")
        self.documents.pop(path.lower(), None)
        self.children.get(folder, {}).pop(name, None)
        for below in [p for p in self.documents if p.startswith(f"{path.lower()}/")]:
            self.remove(below)

    def _arm(self, path: str) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        if path.lower().endswith("/vmsizes"):
            return self._sizes, None
        if path.lower().endswith("/usages"):
            return self._usages, None
        if path.lower().endswith("/permissions"):
            return [{"actions": ["*"], "dataActions": ["*"]}], None
        items = list(self.children.get(path.lower(), {}).values())
        if path.lower().endswith("/versions") or self.noise:
            items.reverse()  # newest first
        return items, self.documents.get(path.lower())


def _published(path: str) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    kind, name, _, *version = path.split("/")
    found = versions(kind, name)
    if version:
        return [], next((v for v in found if v["name"] == version[0]), None)
    return [v for v in reversed(found) if not v["properties"]["isArchived"]], None


class _Rest:
    """Of phift.azure.rest.Rest what phases use."""

    def __init__(self, home: MemoryWorkspace, look: Any) -> None:
        self._home = home
        self._look = look

    def get(self, path: str, api_version: str, **params: Any) -> dict[str, Any]:
        self._home.count(f"GET {_shape(path)}")
        found: dict[str, Any] | None = self._look(path)[1]
        if found is None:
            raise NotFoundError(f"there is no {path}", status=404)
        return found

    def list(self, path: str, api_version: str, **params: Any) -> Iterator[dict[str, Any]]:
        self._home.count(f"LIST {_shape(path)}")
        items: list[dict[str, Any]] = self._look(path)[0]
        return iter(items)

    def put(self, path: str, api_version: str, body: Any, headers: Any = None) -> Answer:
        self._home.count(f"PUT {_shape(path)}")
        return Answer(200, {}, self._home.put(path, body))

    def patch(self, path: str, api_version: str, body: Any, headers: Any = None) -> Answer:
        self._home.count(f"PATCH {_shape(path)}")
        return Answer(200, {}, self._home.put(path, {**self.get(path, api_version), **body}))

    def post(self, path: str, api_version: str, body: Any = None) -> Answer:
        """The keys of an endpoint; nothing else is acted on here."""
        self._home.count(f"POST {_shape(path)}")
        if not path.lower().endswith("/listkeys"):
            raise NotFoundError(f"there is no {path}", status=404)
        return Answer(200, {}, {"primaryKey": "key"})

    def delete(self, path: str, api_version: str, **params: Any) -> Answer:
        self._home.count(f"DELETE {_shape(path)}")
        self._home.remove(path)
        return Answer(204, {}, None)


def _shape(path: str) -> str:
    """The collection, and what is asked of it: `computes`, `computes/*`, `onlineEndpoints/*/deployments`."""
    tail = path.rpartition("/workspaces/")[2].split("/")[1:] if "/workspaces/" in path else path.split("/")
    return "/".join(part if i % 2 == 0 else "*" for i, part in enumerate(tail)) if tail else "workspace"


class _Blobs:
    """Of a blob store what the ledger and data use."""

    def __init__(self) -> None:
        self._content: dict[str, bytes] = {}
        self._leases: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def read_only(self) -> _Blobs:
        return self

    def forget(self, prefix: str) -> None:
        """Loses the blobs under a prefix."""
        for name in [name for name in self._content if name.startswith(prefix)]:
            del self._content[name]

    def uri(self, name: str) -> str:
        return f"azureml://datastores/workspaceblobstore/paths/{name}"

    def url(self, name: str) -> str:
        return f"https://memory.blob.core.windows.net/store/{name}"

    def upload(self, path: Path, name: str, *, progress: Any = None, digest: str = "") -> bool:
        self._content[name] = path.read_bytes()
        return True

    def put(self, name: str, data: bytes, *, if_none_match: bool = False, lease: str | None = None) -> None:
        with self._lock:
            if if_none_match and name in self._content:
                raise ConflictError("it exists", status=409, code="BlobAlreadyExists")
            self._content[name] = data

    def get(self, name: str) -> bytes:
        if name not in self._content:
            raise NotFoundError(f"there is no blob {name}", status=404)
        return self._content[name]

    def download(self, name: str, into: Path) -> None:
        into.write_bytes(self.get(name))

    def request(self, method: str, name: str) -> Response:
        """Of all requests, HEAD of a blob."""
        assert method == "HEAD"
        return Response(200, {"Content-Length": str(len(self.get(name)))}, b"")

    def head(self, name: str) -> Mapping[str, Any] | None:
        return {} if name in self._content else None

    def list(self, prefix: str, delimiter: str = "") -> Iterator[str]:
        return iter(sorted(n for n in self._content if n.startswith(prefix)))

    def append(self, name: str, data: bytes, *, position: int | None = None) -> int:
        with self._lock:
            self._content[name] = self._content.get(name, b"") + data
            return len(self._content[name])

    def acquire_lease(self, name: str, seconds: int) -> str:
        with self._lock:
            if name not in self._content:
                raise NotFoundError(f"there is no blob {name}", status=404)
            if name in self._leases:
                raise ConflictError("leased", status=409, code="LeaseAlreadyPresent")
            self._leases[name] = f"lease-{next(self._numbers)}"
            return self._leases[name]

    def renew_lease(self, name: str, lease: str) -> None:
        if self._leases.get(name) != lease:
            raise ConflictError("another lease", status=409, code="LeaseIdMismatchWithLeaseOperation")

    def release_lease(self, name: str, lease: str) -> None:
        self.renew_lease(name, lease)
        del self._leases[name]

    def break_lease(self, name: str) -> None:
        self._leases.pop(name, None)


def cloned(document: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """The same document of another stack: every text that holds the old stack's name holds the new one."""
    made: dict[str, Any] = json.loads(json.dumps(document).replace(old, new))
    return made
