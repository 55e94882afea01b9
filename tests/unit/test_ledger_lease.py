"""The lease: one holder, renewed while it lives, lost loudly, taken over when its holder is gone."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from clocks import FakeClock

from phift.errors import ConflictError, LeaseHeldError, LeaseLostError, NotFoundError, UnreachableError
from phift.ledger.holder import Holder, commit_of, run_url
from phift.ledger.lease import SECONDS, Lease, break_lease, holder_of
from phift.ledger.store import lease_blob

BLOB = lease_blob("demo")


@dataclass
class MemoryStore:
    """Blobs with leases, by the service's rules, on a clock that tests move."""

    clock: FakeClock
    blobs: dict[str, bytes] = field(default_factory=dict)
    leases: dict[str, tuple[str, float]] = field(default_factory=dict)
    down: bool = False
    renewals: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def _held(self, name: str) -> str | None:
        lease, until = self.leases.get(name, ("", 0.0))
        return lease if until > self.clock.monotonic() else None

    def _check(self, name: str) -> None:
        if self.down:
            raise UnreachableError("down", code="NoAnswer")
        if name not in self.blobs:
            raise NotFoundError("no blob", status=404, code="BlobNotFound")

    def put(self, name: str, data: bytes, *, if_none_match: bool = False, lease: str | None = None) -> None:
        if if_none_match and name in self.blobs:
            raise ConflictError("exists", status=409, code="BlobAlreadyExists")
        if self._held(name) != lease:
            raise ConflictError("leased", status=412, code="LeaseIdMissing")
        self.blobs[name] = data

    def get(self, name: str) -> bytes:
        self._check(name)
        return self.blobs[name]

    def head(self, name: str) -> dict[str, object] | None:
        return {"size": len(self.blobs[name])} if name in self.blobs else None

    def acquire_lease(self, name: str, seconds: int) -> str:
        with self.lock:
            self._check(name)
            if self._held(name):
                raise ConflictError("leased", status=409, code="LeaseAlreadyPresent")
            lease = f"lease-{time.monotonic_ns()}"
            self.leases[name] = (lease, self.clock.monotonic() + seconds)
            return lease

    def renew_lease(self, name: str, lease: str) -> None:
        with self.lock:
            self._check(name)
            if self.leases.get(name, ("", 0))[0] != lease:
                raise ConflictError("not yours", status=409, code="LeaseIdMismatchWithLeaseOperation")
            self.renewals += 1
            self.leases[name] = (lease, self.clock.monotonic() + SECONDS)

    def release_lease(self, name: str, lease: str) -> None:
        self._check(name)
        if self.leases.get(name, ("", 0))[0] != lease:
            raise ConflictError("not yours", status=409, code="LeaseIdMismatchWithLeaseOperation")
        del self.leases[name]

    def break_lease(self, name: str) -> None:
        self._check(name)
        if not self._held(name):
            raise ConflictError("none", status=409, code="LeaseNotPresentWithLeaseOperation")
        del self.leases[name]


ANN = Holder(user="ann", host="runner-7", pid=42, since="2026-03-01T10:00:00Z", commit="abc123", run_url="https://ci/1")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(FakeClock())


def acquire(store: MemoryStore, holder: Holder = ANN, *, wait: float = 0.0, renew_every: float = 3600.0) -> Lease:
    return Lease.acquire(store, "demo", holder, wait=wait, clock=store.clock, renew_every=renew_every)


def test_the_holder_can_be_read_while_the_lease_is_held_and_it_is_released_at_the_end(store: MemoryStore) -> None:
    with acquire(store) as lease:
        assert lease.remaining() == SECONDS
        assert holder_of(store, "demo") == ANN
    assert lease.remaining() == 0
    assert BLOB not in store.leases
    with pytest.raises(LeaseLostError):
        lease.require()


def test_a_second_apply_is_told_who_holds_it(store: MemoryStore) -> None:
    with acquire(store), pytest.raises(LeaseHeldError) as caught:
        acquire(store, replace(ANN, user="bob"))
    for fact in ("ann on runner-7, pid 42", "2026-03-01T10:00:00Z", "abc123", "https://ci/1", "60 seconds", "demo"):
        assert fact in str(caught.value)
    assert caught.value.exit_code == 6


def test_an_expired_lease_is_taken_over_and_its_old_holder_notices(store: MemoryStore) -> None:
    old = acquire(store)
    store.clock.time += SECONDS + 1
    with acquire(store, replace(ANN, user="bob")) as new:
        assert new.remaining() == SECONDS
        with pytest.raises(LeaseLostError, match="stack demo was lost"):
            old.require()
        old.release()
        assert store._held(BLOB)


def test_waiting_takes_the_lease_when_it_falls_free(store: MemoryStore) -> None:
    acquire(store)
    with acquire(store, replace(ANN, user="bob"), wait=90) as new:
        assert holder_of(store, "demo").user == "bob"
        assert new.remaining() == SECONDS


def test_too_little_time_left_is_renewed_before_a_write(store: MemoryStore) -> None:
    with acquire(store) as lease:
        store.clock.time += 45
        assert lease.remaining() == 15
        lease.require(20)
        assert lease.remaining() == SECONDS


def test_a_silent_service_is_no_refusal_until_the_time_is_up(store: MemoryStore) -> None:
    with acquire(store) as lease:
        store.down = True
        store.clock.time += 10
        lease.require(20)
        store.clock.time += 35
        with pytest.raises(LeaseLostError):
            lease.require(20)
        store.down = False
        lease.require(20)


def test_a_thread_renews_it(store: MemoryStore) -> None:
    with acquire(store, renew_every=0.01):
        deadline = time.monotonic() + 5
        while store.renewals < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert store.renewals >= 3


def test_a_broken_lease_is_noticed_by_the_thread(store: MemoryStore) -> None:
    with acquire(store, renew_every=0.01) as lease:
        assert break_lease(store, "demo")
        deadline = time.monotonic() + 5
        while lease.remaining() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert lease.remaining() == 0
    assert not break_lease(store, "demo")
    assert not break_lease(store, "never-used")


def test_a_broken_lease_is_noticed_by_the_next_write(store: MemoryStore) -> None:
    lease = acquire(store)
    store.clock.sleep(1.5)
    lease.require()
    assert store.renewals == 1
    lease.require()
    assert store.renewals == 1, "asked a moment ago"
    assert break_lease(store, "demo")
    store.clock.sleep(1.5)
    assert lease.remaining() > 50
    with pytest.raises(LeaseLostError, match="released by force-unlock"):
        lease.require()
    lease.release()


def test_a_holder_of_this_machine_that_no_longer_exists_is_not_waited_for(store: MemoryStore) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = Holder.here(store.clock.now(), folder=Path.cwd())
    acquire(store, replace(here, pid=ended.pid))
    with acquire(store, here):
        assert holder_of(store, "demo") == here
        assert not here.is_gone
        assert not replace(here, pid=ended.pid, place="elsewhere").is_gone


def test_a_lease_taken_away_before_it_was_signed_is_another_ones(store: MemoryStore) -> None:
    """Another apply saw the old holder, who is gone, and broke what it took for his lease."""
    give = store.acquire_lease

    def taken_away(name: str, seconds: int) -> str:
        store.acquire_lease = give  # type: ignore[method-assign]
        ours = give(name, seconds)
        store.break_lease(name)
        acquire(store, replace(ANN, user="bob"))
        return ours

    with acquire(store):
        pass
    store.acquire_lease = taken_away  # type: ignore[method-assign]
    with pytest.raises(LeaseHeldError, match="another apply") as told:
        acquire(store)
    assert "bob" in told.value.detail


def test_of_many_at_once_one_wins(store: MemoryStore) -> None:
    won: list[Lease] = []
    lost: list[LeaseHeldError] = []

    def contend(number: int) -> None:
        try:
            won.append(acquire(store, replace(ANN, pid=number)))
        except LeaseHeldError as error:
            lost.append(error)

    threads = [threading.Thread(target=contend, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)
    won[0].release()


def test_holder_facts_come_from_the_environment(tmp_path: Path) -> None:
    github = {"GITHUB_RUN_ID": "7", "GITHUB_REPOSITORY": "o/r", "GITHUB_ACTOR": "ann", "GITHUB_SHA": "abc"}
    holder = Holder.here(datetime(2026, 3, 1, tzinfo=UTC), folder=tmp_path, apply_id="x1", environ=github)
    assert (holder.user, holder.commit) == ("ann", "abc")
    assert holder.run_url == "https://github.com/o/r/actions/runs/7"
    pipelines = {
        "BUILD_BUILDID": "9",
        "SYSTEM_COLLECTIONURI": "https://dev.azure.com/org/",
        "SYSTEM_TEAMPROJECT": "p",
    }
    assert run_url(pipelines) == "https://dev.azure.com/org/p/_build/results?buildId=9"
    assert run_url({}) == ""
    assert commit_of(tmp_path) == ""
    assert Holder.from_json(holder.to_json()) == holder


def test_unreadable_holders_are_empty_and_unknown_keys_are_passed_over() -> None:
    assert Holder.from_json(b"") == Holder.from_json(b"[1]") == Holder.from_json(b"{") == Holder()
    assert Holder.from_json(b'{"user": "ann", "pid": "no number", "new": 1}') == Holder(user="ann")


def test_a_lease_whose_holder_cannot_be_written_down_is_given_back(store: MemoryStore) -> None:
    refused = ConflictError("under a legal hold", status=409, code="BlobImmutableDueToLegalHold")
    put = store.put

    def once(name: str, data: bytes, *, lease: str | None = None) -> None:
        if lease:
            raise refused
        put(name, replace(ANN, user="bob").to_json())  # somebody signed at the same moment

    store.put = once  # type: ignore[method-assign, assignment]
    with pytest.raises(ConflictError, match="legal hold"):
        acquire(store)
    assert BLOB not in store.leases


def test_who_gets_the_lease_of_two_that_sign_at_once_sees_to_his_name(store: MemoryStore) -> None:
    put = store.put

    def beaten(name: str, data: bytes, *, lease: str | None = None) -> None:
        put(name, data if lease else replace(ANN, user="bob").to_json(), lease=lease)

    store.put = beaten  # type: ignore[method-assign, assignment]
    with acquire(store):
        assert holder_of(store, "demo") == ANN


def test_whoever_dies_with_the_lease_has_left_a_name(store: MemoryStore) -> None:
    def dies(name: str, seconds: int) -> str:
        MemoryStore.acquire_lease(store, name, seconds)
        raise KeyboardInterrupt

    store.acquire_lease = dies  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        acquire(store)
    assert holder_of(store, "demo") == ANN
