"""The lease and the journal of a stack over real HTTP: two applies at once, broken leases, killed processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support import Embedded

from phift.azure.session import Azure
from phift.errors import LeaseHeldError, LeaseLostError
from phift.ledger.holder import Holder
from phift.ledger.journal import Journal, history, open_intents
from phift.ledger.lease import Lease, break_lease
from phift.ledger.store import lease_blob
from phift.ledger.words import ApplyOutcome, Verb, WriteOutcome


@pytest.fixture
def azure(embedded: Embedded) -> Iterator[Azure]:
    session = embedded.azure()
    yield session
    session.close()


def holder(user: str) -> Holder:
    return Holder(user=user, host="elsewhere", pid=1, since="2026-03-01T10:00:00Z", run_url="https://ci.example/1")


def test_one_of_two_applies_gets_the_lease_and_the_other_learns_who_has_it(azure: Azure) -> None:
    ready = threading.Barrier(2, timeout=20)
    results: dict[str, Lease | LeaseHeldError] = {}

    def contend(user: str) -> None:
        ready.wait()
        try:
            results[user] = Lease.acquire(azure.blobs, "contended", holder(user), wait=0)
        except LeaseHeldError as error:
            results[user] = error

    threads = [threading.Thread(target=contend, args=(user,)) for user in ("ann", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [user for user, result in results.items() if isinstance(result, Lease)]
    with pytest.raises(LeaseHeldError) as caught:
        Lease.acquire(azure.blobs, "contended", holder("eve"))
    assert winner in str(caught.value)
    assert "https://ci.example/1" in str(caught.value)
    lease = results[winner]
    assert isinstance(lease, Lease)
    lease.release()
    with Lease.acquire(azure.blobs, "contended", holder("eve")) as again:
        assert again.remaining() > 50


def test_a_broken_lease_stops_its_holder_before_the_next_write(azure: Azure) -> None:
    with Lease.acquire(azure.blobs, "broken", holder("ann"), renew_every=0.2) as lease:
        lease.require()
        assert break_lease(azure.blobs, "broken")
        with pytest.raises(LeaseLostError):
            lease.require(61)
        with Lease.acquire(azure.blobs, "broken", holder("bob")):
            assert b"bob" in azure.blobs.get(lease_blob("broken"))


def test_a_journal_survives_being_cut_off(azure: Azure) -> None:
    journal = Journal(azure.blobs, "journaled", "a1")
    journal.begin({"add": 1}, {"started": datetime.now(UTC).isoformat()})
    journal.result(journal.intent("compute.finetune", Verb.CREATE, "gpu"), WriteOutcome.DONE)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: journal.intent(f"data.d{n}", Verb.CREATE, f"d{n}"), range(8)))
    left = open_intents(azure.blobs, "journaled")
    assert sorted(i.address for i in left) == [f"data.d{n}" for n in range(8)]
    after = Journal(azure.blobs, "journaled", "a2")
    after.begin({})
    for intent in left:
        after.result(intent, WriteOutcome.DONE)
    after.end(ApplyOutcome.DONE)
    assert open_intents(azure.blobs, "journaled") == ()
    assert [r.apply_id for r in history(azure.blobs, "journaled")] == ["a2", "a1"]


_KILLED = """
import sys, time
from pathlib import Path
from datetime import UTC, datetime
from phift.azure.connect import connect
from phift.emulator.host import lifecycle
from phift.ledger.holder import Holder
from phift.ledger.lease import Lease
from phift.ledger.journal import Journal
from phift.ledger.words import Verb
blobs = connect(None, local=lifecycle.find(Path(sys.argv[1]))).blobs
lease = Lease.acquire(blobs, "killed", Holder.here(datetime.now(UTC), folder=Path.cwd(), apply_id="a1"))
journal = Journal(blobs, "killed", "a1")
journal.begin({})
journal.intent("job.finetune", Verb.CREATE, "demo-0123")
print("held", flush=True)
time.sleep(60)
"""


def test_after_a_kill_the_lease_is_had_at_once_and_the_open_intent_is_known(azure: Azure, embedded: Embedded) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-c", _KILLED, str(embedded.home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "held\n"
            here = Holder.here(datetime.now(UTC), folder=Path.cwd())
            with pytest.raises(LeaseHeldError, match=f"pid {process.pid}"):
                Lease.acquire(azure.blobs, "killed", here)
        finally:
            process.kill()
    with Lease.acquire(azure.blobs, "killed", here):
        (intent,) = open_intents(azure.blobs, "killed")
    assert (intent.apply_id, intent.address, intent.identity) == ("a1", "job.finetune", "demo-0123")
