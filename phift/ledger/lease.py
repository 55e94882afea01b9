"""Allow one apply at a time to write to a stack: a blob lease of one minute, renewed while the apply writes. It expires
soon after a crash."""

from __future__ import annotations

import threading
from contextlib import suppress
from types import TracebackType

from phift.clock import Clock, SystemClock
from phift.errors import ConflictError, LeaseHeldError, LeaseLostError, NotFoundError, PhiftError
from phift.ledger.holder import Holder
from phift.ledger.store import LeaseStore, lease_blob

__all__ = ["Lease", "break_lease", "holder_of"]

SECONDS = 60
RENEW_EVERY = 15.0
ENOUGH = 20.0
"""Minimum remaining seconds of the lease when a write starts."""
FRESH = 1.0
"""Seconds for which a confirmation of the lease is trusted before it is checked again."""

_ABSENT = {"LeaseNotPresentWithLeaseOperation", "LeaseNotPresentWithBlobOperation"}


class Lease:
    """The right to write to a stack. `with Lease.acquire(...) as lease:` releases it at the end.

    A daemon thread renews it. Call `require` before each write.
    """

    def __init__(
        self, store: LeaseStore, stack: str, lease_id: str, taken: float, *, clock: Clock, renew_every: float
    ) -> None:
        self.stack = stack
        self._store = store
        self._blob = lease_blob(stack)
        self._id = lease_id
        self._clock = clock
        self._renew_every = renew_every
        self._until = taken + SECONDS
        self._lost = False
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease {stack}", daemon=True)

    @classmethod
    def acquire(
        cls,
        store: LeaseStore,
        stack: str,
        holder: Holder,
        *,
        wait: float = 0.0,
        clock: Clock | None = None,
        renew_every: float = RENEW_EVERY,
    ) -> Lease:
        """Acquire the stack's lease.

        wait: seconds to retry while another apply holds it. A lease that expired, or whose holder was a process on
        this machine that no longer exists, is taken over. Raises LeaseHeldError that names the holder.
        """
        clock = clock or SystemClock()
        deadline = clock.monotonic() + wait
        while True:
            taken = clock.monotonic()
            lease_id = _take(store, stack, holder)
            if lease_id is not None:
                break
            other = holder_of(store, stack)
            if other.is_gone:
                break_lease(store, stack)
            elif clock.monotonic() >= deadline:
                raise _held(stack, other)
            else:
                clock.sleep(min(2.0, max(0.1, deadline - clock.monotonic())))
        lease = cls(store, stack, lease_id, taken, clock=clock, renew_every=renew_every)
        lease._thread.start()
        return lease

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def remaining(self) -> float:
        """Return for how many seconds the lease is certainly held; 0 after it is lost or released."""
        with self._lock:
            if self._lost or self._ended.is_set():
                return 0.0
            return max(0.0, self._until - self._clock.monotonic())

    def require(self, seconds: float = ENOUGH) -> None:
        """Ensure that the lease is held for at least `seconds` more. Raises LeaseLostError if it is lost.

        Checks the store, so that the next write, not the next renewal, notices a broken lease.
        """
        if not self._ended.is_set() and self.remaining() < SECONDS - FRESH:
            self._renew()
        if self.remaining() < seconds:
            raise LeaseLostError(
                f"the lease of stack {self.stack} was lost",
                detail="It was released by force-unlock or could not be renewed in time; another apply may be writing.",
                remedy="Re-run the command: it reads the current state and resumes.",
            )

    def release(self) -> None:
        """Release the lease. Does nothing if it is lost or already released."""
        if self._ended.is_set():
            return
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(timeout=RENEW_EVERY)
        if self._lost:
            return
        try:
            self._store.release_lease(self._blob, self._id)
        except (ConflictError, NotFoundError):
            self._lost = True
        except PhiftError:
            self._until = 0.0  # the store is unreachable: the lease expires within a minute

    def _keep(self) -> None:
        while not self._ended.wait(self._renew_every):
            self._renew()
            if self._lost:
                return

    def _renew(self) -> None:
        asked = self._clock.monotonic()
        try:
            self._store.renew_lease(self._blob, self._id)
        except (ConflictError, NotFoundError):
            with self._lock:
                self._lost = True
        except PhiftError:
            return  # no response is not a loss: `remaining` decreases and the next iteration retries
        else:
            with self._lock:
                self._until = max(self._until, asked + SECONDS)


def holder_of(store: LeaseStore, stack: str) -> Holder:
    """Return the last writer of the lease blob; an empty Holder if there is none."""
    try:
        return Holder.from_json(store.get(lease_blob(stack)))
    except NotFoundError:
        return Holder()


def break_lease(store: LeaseStore, stack: str) -> bool:
    """Break the lease, whoever holds it; return False if there was none. For force-unlock and for dead holders."""
    try:
        store.break_lease(lease_blob(stack))
    except NotFoundError:
        return False
    except ConflictError as error:
        if error.code in _ABSENT:
            return False
        raise
    return True


def _take(store: LeaseStore, stack: str, holder: Holder) -> str | None:
    """Return the id of a new lease, or None if somebody else holds one.

    The holder is written before the blob is leased, so that a crash leaves a name behind. If two applies write it at
    the same time, the one that gets the lease writes its name again.
    """
    blob, signature = lease_blob(stack), holder.to_json()
    try:
        store.put(blob, signature)
        lease_id = store.acquire_lease(blob, SECONDS)
    except ConflictError as error:
        _require_lease_conflict(error)
        return None
    try:
        if store.get(blob) != signature:
            store.put(blob, signature, lease=lease_id)
    except BaseException as error:
        with suppress(PhiftError):  # it expires within a minute, and the original error is raised
            store.release_lease(blob, lease_id)
        if isinstance(error, ConflictError):  # broken and acquired by another apply in between
            _require_lease_conflict(error)
            return None
        raise
    return lease_id


def _require_lease_conflict(error: ConflictError) -> None:
    """Raise the conflict unless it means that another apply holds the lease."""
    if not error.code.startswith("Lease"):
        raise error


def _held(stack: str, holder: Holder) -> LeaseHeldError:
    return LeaseHeldError(
        f"another apply is writing to stack {stack}",
        detail=f"The lease is {holder.describe()}\nand expires within {SECONDS} seconds after its holder stops.",
        remedy="Wait until it finishes. If it has certainly crashed, run: phift force-unlock SPEC",
    )
