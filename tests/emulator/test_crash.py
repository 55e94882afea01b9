"""kill -9 while everything is being written: what was acknowledged is there, what ran goes on, no process is left."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from phift.emulator.host import lifecycle
from tests.emulator.client import Azure
from tests.emulator.serving import Serving, until
from tests.emulator.test_job_submission import API as JOBS_API
from tests.emulator.test_job_submission import pipeline, put_data

ENDPOINTS_API = "2023-04-01-preview"
SETTLED = {"Succeeded", "Failed"}
ENDED = {"Completed", "Failed", "Canceled"}


def processes_of(home: Path) -> list[str]:
    """Command lines of all processes that name the home."""
    listed = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(home) in line]


@pytest.fixture
def start(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Azure]]:
    monkeypatch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
    monkeypatch.setenv("PHIFT_EMULATOR_DEPLOYMENTS", "rehearse")
    made: list[Azure] = []

    def again() -> Azure:
        made.append(Azure(lifecycle.ensure(home, idle_seconds=600)))
        return made[-1]

    yield again
    for azure in made:
        azure.session.close()


class Writer(threading.Thread):
    """Writes one thing after the other until the connection breaks; keeps what was acknowledged."""

    def __init__(self, connection: lifecycle.Connection, write: Callable[[Azure, int], tuple[str, requests.Response]]):
        super().__init__(daemon=True)
        self.acknowledged: list[str] = []
        self._connection, self._write = connection, write

    def run(self) -> None:
        azure = Azure(self._connection)
        with azure.session:
            for number in itertools.count():
                try:
                    name, answer = self._write(azure, number)
                except requests.RequestException:
                    return
                assert answer.status_code in (200, 201), answer.text
                self.acknowledged.append(name)


def _blob_url(azure: Azure, name: str) -> str:
    properties = azure.call("GET", "datastores/workspaceblobstore").json()["properties"]
    return f"https://{properties['accountName']}.blob.core.windows.net/{properties['containerName']}/{name}"


def test_no_acknowledged_write_is_lost_and_no_process_is_left(start: Callable[[], Azure], home: Path) -> None:
    azure = start()
    put_data(azure)
    serving = Serving(azure)
    model = serving.model("crash")
    serving.endpoint("steady")
    base, token = _blob_url(azure, "crash"), azure.token("https://storage.azure.com")
    headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2026-02-06", "x-ms-blob-type": "BlockBlob"}

    def blob(azure: Azure, number: int) -> tuple[str, requests.Response]:
        content = bytes([number % 256]) * 100_000
        return str(number), azure.session.put(f"{base}/{number}", data=content, headers=headers)

    def job(azure: Azure, number: int) -> tuple[str, requests.Response]:
        return f"j{number}", azure.call("PUT", f"jobs/j{number}", pipeline(), api=JOBS_API)

    def endpoint(azure: Azure, number: int) -> tuple[str, requests.Response]:
        name = f"endpoint-{number}"
        body = {"location": "eastus", "identity": {"type": "SystemAssigned"}, "properties": {"authMode": "Key"}}
        time.sleep(0.05)  # there may be no more than a hundred
        return name, azure.call("PUT", f"onlineEndpoints/{name}", body, api=ENDPOINTS_API)

    def deployment(azure: Azure, number: int) -> tuple[str, requests.Response]:
        time.sleep(0.4)  # each of them starts a process
        return f"dep-{number}", Serving(azure).put_deployment("steady", f"dep-{number}", model)

    writers = {write.__name__: Writer(azure.connection, write) for write in (blob, job, endpoint, deployment)}
    for writer in writers.values():
        writer.start()
    until(lambda: all(writer.acknowledged for writer in writers.values()))
    time.sleep(1.0)
    os.kill(azure.connection.pid, signal.SIGKILL)
    for writer in writers.values():
        writer.join(30)
        assert not writer.is_alive()
    until(lambda: not processes_of(home))

    azure = start()
    token = azure.token("https://storage.azure.com")
    headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2026-02-06"}
    for name in writers["blob"].acknowledged:
        answer = azure.session.get(f"{base}/{name}", headers=headers)
        assert answer.content == bytes([int(name) % 256]) * 100_000
    for name in writers["endpoint"].acknowledged:
        path = f"onlineEndpoints/{name}"
        until(lambda path=path: _state(azure, path) == "Succeeded")
    for name in writers["deployment"].acknowledged:
        path = f"onlineEndpoints/steady/deployments/{name}"
        until(lambda path=path: _state(azure, path) in SETTLED, 120)
    for name in writers["job"].acknowledged:
        found = azure.call("GET", f"jobs/{name}", api=JOBS_API)
        assert found.status_code == 200
        if found.json()["properties"]["status"] not in ENDED:
            azure.call("POST", f"jobs/{name}/cancel", api=JOBS_API)
    until(lambda: all(_job(azure, name) in ENDED for name in writers["job"].acknowledged), 120)
    lifecycle.stop(home)
    until(lambda: not processes_of(home))


def _state(azure: Azure, path: str) -> str:
    answer = azure.call("GET", path, api=ENDPOINTS_API)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["properties"]["provisioningState"])


def _job(azure: Azure, name: str) -> str:
    return str(azure.call("GET", f"jobs/{name}", api=JOBS_API).json()["properties"]["status"])


def test_a_second_emulator_on_one_home_is_refused(start: Callable[[], Azure], home: Path) -> None:
    azure = start()
    command = [sys.executable, "-m", "phift.emulator.host.daemon", "--home", str(home), "--port", "0"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert second.returncode != 0
    assert "Another emulator is using this home." in second.stdout
    assert azure.call("GET", "computes").status_code == 200, "the first one is not disturbed"


NAMES = ["..", "%2e%2e", "..%2f..%2fx", "%2Fetc%2Fpasswd", "a%00b", "a%5c..%5cb", "~", "%2e%2e%2fstore.sqlite3"]
PATHS = [
    ("jobs/{}", JOBS_API, lambda: pipeline()),
    ("data/{}/versions/1", "2023-04-01", lambda: _data()),
    ("data/d/versions/{}", "2023-04-01", lambda: _data()),
    ("computes/{}", "2023-08-01-preview", lambda: {"properties": {"computeType": "AmlCompute", "properties": {}}}),
    ("onlineEndpoints/{}", ENDPOINTS_API, lambda: {"properties": {"authMode": "Key"}}),
    ("onlineEndpoints/steady/deployments/{}", ENDPOINTS_API, lambda: {"properties": {}}),
]


def _data() -> dict[str, object]:
    return {"properties": {"dataType": "uri_file", "dataUri": "azureml://datastores/workspaceblobstore/paths/x"}}


def test_names_never_become_paths_outside_the_home(start: Callable[[], Azure], home: Path) -> None:
    azure = start()
    put_data(azure)
    around = home.parent
    before = {path for path in around.rglob("*") if home not in path.parents}
    for path, api, body in PATHS:
        for name in NAMES:
            url = f"https://management.azure.com{azure.workspace}/{path.format(name)}?api-version={api}"
            request = requests.Request("PUT", url, json=body(), headers={"Authorization": f"Bearer {azure.token()}"})
            prepared = azure.session.prepare_request(request)
            prepared.url = url  # as it is, not made tidy
            answer = azure.session.send(prepared, proxies=azure.session.proxies, verify=azure.session.verify)
            assert answer.status_code < 500 or answer.status_code == 501, f"{url}: {answer.text}"
    assert {path for path in around.rglob("*") if home not in path.parents} == before
    inside = [path.name for path in home.rglob("*")]
    assert not [name for name in inside if name in ("..", "passwd", "~") or "\\" in name]
