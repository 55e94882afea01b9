"""What others do to a workspace, for the scripts of cases: `outside.py VERB ...`.

make PATH JSON            puts a new object, and waits until it is there
change PATH DOTTED JSON   puts the object of that path back with one value changed
delete PATH               deletes it and waits until it is gone
unblob PATH               deletes the blob that the data version of that path names
hold STACK                takes the stack's lease as somebody on another machine, and dies with it
cancel STACK              cancels the stack's job once one runs, and waits until it has ended
running STACK             waits until a step of the stack's job has started
ended STACK               waits until none of its jobs runs
later MINUTES             the service's clock shows a later time from now on
fault JSON...             from now on the service does what each JSON says, see docs/emulator-reference.md
mend                      no faults any more
"""

import json
import sys
import time
from datetime import timedelta
from typing import Any

from phift.azure.connect import connect
from phift.azure.session import Azure
from phift.emulator.host import lifecycle
from phift.errors import NotFoundError
from phift.ledger.holder import Holder
from phift.ledger.lease import Lease

API = "2024-10-01"
_WRITTEN = ("location", "identity", "kind", "sku", "tags", "properties")
SOMEBODY = Holder(
    user="ada",
    host="build-7",
    pid=4711,
    since="2026-03-01T10:00:00Z",
    commit="4c1d0f6a9b0e4f7c8d2b3a5e6f708192a3b4c5d6",
    run_url="https://ci.example/runs/12",
    place="another machine",
)


def make(azure: Azure, path: str, body: str) -> None:
    whole = f"{azure.workspace.arm_id}/{path}"
    place = {} if "/versions/" in path else {"location": azure.location}
    azure.arm.put(whole, API, {**place, **json.loads(body)})
    _settle(azure, whole)


def change(azure: Azure, path: str, dotted: str, value: str) -> None:
    whole = f"{azure.workspace.arm_id}/{path}"
    read = azure.arm.get(whole, API)
    # As a client with types of its own writes it: without what it does not know.
    body = {key: read[key] for key in _WRITTEN if key in read}
    body["properties"].pop("newInALaterRelease", None)
    *places, last = dotted.split(".")
    there = body
    for place in places:
        there = there[place]
    there[last] = json.loads(value)
    azure.arm.put(whole, API, body)
    _settle(azure, whole)


def _settle(azure: Azure, path: str) -> None:
    while azure.arm.get(path, API)["properties"].get("provisioningState", "Succeeded") != "Succeeded":
        time.sleep(0.05)


def delete(azure: Azure, path: str) -> None:
    whole = f"{azure.workspace.arm_id}/{path}"
    more = {"underlyingResourceAction": "Delete"} if path.startswith("computes/") else {}
    azure.arm.delete(whole, API, **more)
    try:
        while azure.arm.get(whole, API):
            time.sleep(0.05)
    except NotFoundError:
        return


def unblob(azure: Azure, path: str) -> None:
    version = azure.arm.get(f"{azure.workspace.arm_id}/{path}", API)
    azure.blobs.delete(version["properties"]["dataUri"].partition("/paths/")[2])


def hold(azure: Azure, stack: str) -> None:
    Lease.acquire(azure.blobs, stack, SOMEBODY, renew_every=3600)


def cancel(azure: Azure, stack: str) -> None:
    jobs = f"{azure.workspace.arm_id}/jobs"
    while not (name := next((j["name"] for j in azure.arm.list(jobs, API) if _runs(j, stack)), "")):
        time.sleep(0.05)
    azure.arm.post(f"{jobs}/{name}/cancel", API)
    while _runs(azure.arm.get(f"{jobs}/{name}", API), stack):
        time.sleep(0.05)


def running(azure: Azure, stack: str) -> None:
    history = f"history/v1.0{azure.workspace.arm_id}/runs"
    while True:
        for job in azure.arm.list(f"{azure.workspace.arm_id}/jobs", API):
            children = azure.data_plane.list(f"{history}/{job['name']}/children", "v1.0") if _runs(job, stack) else ()
            if any(child.get("startTimeUtc") for child in children):
                return
        time.sleep(0.05)


def ended(azure: Azure, stack: str) -> None:
    while any(_runs(job, stack) for job in azure.arm.list(f"{azure.workspace.arm_id}/jobs", API)):
        time.sleep(0.05)


def later(azure: Azure, minutes: str) -> None:
    azure.document()
    _admin("PUT", {"now": (azure.now() + timedelta(minutes=int(minutes))).isoformat()}, "/clock")


def _runs(job: dict[str, Any], stack: str) -> bool:
    ended = {"Canceled", "Completed", "Failed"}
    return job["name"].startswith(f"{stack}-") and job["properties"]["status"] not in ended


def fault(azure: Azure, *faults: str) -> None:
    for each in faults:
        _admin("POST", json.loads(each))


def mend(azure: Azure) -> None:
    _admin("DELETE")


def _admin(method: str, body: Any = None, path: str = "/faults") -> None:
    connection = lifecycle.find()
    assert connection, "no emulator runs"
    lifecycle.request(connection, method, path, body)


def main() -> None:
    connection = lifecycle.find()
    assert connection, "no emulator runs"
    verbs = (make, change, delete, unblob, hold, cancel, running, ended, later, fault, mend)
    {verb.__name__: verb for verb in verbs}[sys.argv[1]](connect(None, local=connection), *sys.argv[2:])


if __name__ == "__main__":
    main()
