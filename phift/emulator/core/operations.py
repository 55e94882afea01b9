"""Long-running operations: persisted, finished in the background, resumed when the emulator starts again."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import inspect
import time
import uuid
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import Any

from phift.emulator.core.documents import timestamp
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.pace import Pace
from phift.emulator.core.store import Store
from phift.emulator.core.tasks import Tasks
from phift.emulator.core.workspace import Workspace

__all__ = ["RESULT", "Finish", "Operation", "Operations", "fails_later"]

fails_later: ContextVar[dict[str, Any] | None] = ContextVar("fails_later", default=None)
"""The error (code, message, details, inner) with which the operations that this request starts fail, if a fault
requires it."""

RESULT = "result"
"""Location of a DELETE or POST: the operation's own result URL instead of the resource."""

Finish = Callable[["Operation"], Any]
"""What ends an operation: a function, plain or async, that may run twice after a restart. Raising ServiceError ends the
operation as Failed with that error."""

_KEPT_SECONDS = 24 * 3600.0
_FORGET_EVERY = 500
_PREFIX = {"onlineEndpoint": "oeidp", "onlineDeployment": "odidp", "job": "jc", "schedule": "sch"}
_STATUS = {"compute": "computeOperationsStatus", "workspace": "workspaceOperationsStatus"}
_NEVER = "0001-01-01T00:00:00+00:00"


@dataclass
class Operation:
    """One operation.

    resource: the key given at start. data: JSON the finisher needs. finish: the finisher's registered name.
    status: Running, Succeeded, Failed or Canceled. asked_failure: the error it is to fail with, by a fault.
    """

    name: str
    kind: str
    resource: list[str]
    finish: str
    due: float
    location_url: str
    api_version: str
    timeout: str | None
    retry_after_ms: int | None
    status_url: str
    result_url: str
    started: str
    data: dict[str, Any] = field(default_factory=dict)
    status: str = "Running"
    ended: str | None = None
    error: dict[str, Any] | None = None
    asked_failure: dict[str, Any] | None = None

    def fail_if_asked(self) -> None:
        """Raises ServiceError when a fault asked for it. Finish functions call it where the work itself can fail."""
        if self.asked_failure:
            raise ServiceError(400, **self.asked_failure)

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the 201 or 202 that began the operation."""
        signature = "" if self.kind == "job" else _signature(self.name)
        headers = {"Azure-AsyncOperation": self.status_url + signature}
        if self.location_url:
            headers["Location"] = self.result_url + signature if self.location_url == RESULT else self.location_url
        if self.timeout:
            headers["x-ms-async-operation-timeout"] = self.timeout
        return headers | self.poll_headers

    @property
    def poll_headers(self) -> dict[str, str]:
        """How long a poller is to wait: nothing at the faithful pace, as on the service."""
        return {} if self.retry_after_ms is None else {"x-ms-retry-after-ms": str(self.retry_after_ms)}

    def document(self) -> dict[str, Any]:
        """The status document: one key while a compute operation runs, six for the other kinds (recorded 2026-03)."""
        running = self.status == "Running"
        body: dict[str, Any]
        if self.kind == "compute":
            body = {"status": "InProgress" if running else self.status}
            if self.status == "Succeeded":
                body["percentComplete"] = 100.0
        else:
            body = {
                "id": self.status_url.split("?")[0].removeprefix("https://management.azure.com"),
                "name": self.name,
                "status": "Updating" if running else self.status,
                "startTime": self.started,
                "endTime": self.ended or _NEVER,
                "percentComplete": 0.0,
            }
        if self.error:
            body["error"] = self.error
        return body


class Operations:
    """The operations of one emulator. pace: the one in force.

    An operation is stored with the name of its finisher, not with the function, so that it is finished after a restart
    by whichever release then runs: every finisher is registered, under a name that never changes, before `resume`.
    """

    def __init__(self, store: Store, workspace: Workspace, tasks: Tasks, pace: Callable[[], Pace]) -> None:
        self._store = store
        self._workspace = workspace
        self._background = tasks
        self._pace = pace
        self._finishers: dict[str, Finish] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._started = 0

    def register(self, name: str, finish: Finish, *, former: Iterable[str] = ()) -> None:
        """Make a finisher known. former: the names that earlier releases stored for it.

        Raises ValueError for a name that is taken.
        """
        for each in (name, *former):
            if each in self._finishers:
                raise ValueError(f"two finishers of operations are named {each}")
            self._finishers[each] = finish

    def start(
        self,
        kind: str,
        resource: tuple[str, ...] | str,
        *,
        finish: str,
        seconds: float | None = None,
        data: dict[str, Any] | None = None,
        location: str = "",
        timeout: str | None = None,
        api_version: str = "2023-04-01-preview",
        name: str | None = None,
    ) -> Operation:
        """Start an operation; its `headers` belong to the reply.

        finish: the registered name of its finisher. seconds: how long before that is called (default: the pace's for
        this kind). data: JSON handed to it as `operation.data`. location: the Location header, RESULT for the result
        URL, "" for none. timeout: ISO 8601, sent as x-ms-async-operation-timeout. name: the operation's name where the
        service derives it (job cancel).
        """
        if finish not in self._finishers:
            raise LookupError(f"no finisher of operations is named {finish}")
        workspace, pace = self._workspace, self._pace()
        guid = str(uuid.uuid4())
        prefix = _PREFIX.get(kind)
        full = name or (f"{prefix}:{workspace.workspace_id}:{guid}" if prefix else guid)
        base = (
            f"https://management.azure.com/subscriptions/{workspace.subscription_id}/providers/"
            f"Microsoft.MachineLearningServices/locations/{workspace.location}"
        )
        route = _STATUS.get(kind, "mfeOperationsStatus")
        suffix = f"?api-version={api_version}" + ("&service=new" if kind == "compute" else "")
        delay = pace.seconds(kind) if seconds is None else seconds
        operation = Operation(
            name=full,
            kind=kind,
            resource=[resource] if isinstance(resource, str) else list(resource),
            finish=finish,
            due=time.time() + delay,
            location_url=location,
            api_version=api_version,
            timeout=timeout,
            retry_after_ms=pace.retry_after_ms,
            status_url=f"{base}/{route}/{full}{suffix}",
            result_url=f"{base}/mfeOperationResults/{full}{suffix}",
            started=timestamp(),
            data=data or {},
            asked_failure=fails_later.get(),
        )
        self._save(operation)
        self._spawn(operation)
        self._started += 1
        if self._started % _FORGET_EVERY == 0:
            self._forget()
        return operation

    def get(self, name: str) -> Operation | None:
        body = self._store.get("operation", name)
        return None if body is None else Operation(**body)

    def running(self, kind: str, *resource: str) -> Operation | None:
        """The newest operation still running on a resource (keys compare case-insensitively)."""
        wanted = [part.casefold() for part in resource]
        for name in reversed(self._tasks):
            operation = self.get(name)
            if operation and operation.kind == kind and [p.casefold() for p in operation.resource] == wanted:
                return operation
        return None

    def cancel(self, name: str) -> None:
        """End a running operation as Canceled; its finish function is interrupted."""
        operation = self.get(name)
        if operation and operation.status == "Running":
            self._end(operation, "Canceled", None)
            if task := self._tasks.pop(name, None):
                task.cancel()

    def resume(self) -> None:
        """Resume what was running when the emulator stopped, and delete what ended long ago."""
        self._forget()
        for body in self._store.list("operation"):
            operation = Operation(**body)
            if operation.status == "Running":
                self._spawn(operation)

    def _forget(self) -> None:
        horizon = time.time() - _KEPT_SECONDS
        for body in self._store.list("operation"):
            if body["status"] != "Running" and body["due"] < horizon:
                self._store.delete("operation", body["name"])

    def _spawn(self, operation: Operation) -> None:
        task = self._background.spawn(self._run(operation), name=f"operation {operation.kind} {operation.name}")
        self._tasks[operation.name] = task
        task.add_done_callback(lambda _: self._tasks.pop(operation.name, None))

    async def _run(self, operation: Operation) -> None:
        await asyncio.sleep(max(0.0, operation.due - time.time()))
        try:
            result = self._finishers[operation.finish](operation)
            if inspect.isawaitable(result):
                await result
        except ServiceError as error:
            self._end(operation, "Failed", error.body())
        except Exception as error:
            self._end(
                operation, "Failed", {"code": "InternalServerError", "message": f"{type(error).__name__}: {error}"}
            )
            raise
        else:
            self._end(operation, "Succeeded", None)

    def _end(self, operation: Operation, status: str, error: dict[str, Any] | None) -> None:
        operation.status, operation.error, operation.ended = status, error, timestamp()
        self._save(operation)

    def _save(self, operation: Operation) -> None:
        self._store.put("operation", operation.name, body=asdict(operation))


def _signature(name: str) -> str:
    """What makes the service's status URLs 3 KB long: a time, a certificate, a signature, a hash (recorded 2024-12).
    They mean nothing here, and are always the same for one operation."""
    seed = hashlib.sha512(name.encode())
    certificate = base64.urlsafe_b64encode(
        b"".join(hashlib.sha512(seed.digest() + bytes([n])).digest() for n in range(30))
    )
    signature = base64.urlsafe_b64encode(seed.digest() * 4).decode().rstrip("=")
    ticks = 638_000_000_000_000_000 + int.from_bytes(seed.digest()[:6])
    return f"&t={ticks}&c={certificate.decode()}&s={signature}&h={seed.hexdigest()[:43]}"
