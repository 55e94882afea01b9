"""Whatever is sent, the emulator answers, and with an error of the sender's: no 500, no dropped connection."""

from __future__ import annotations

import http.client
import json
import ssl
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from phift.emulator.core.environment import EXCHANGES
from phift.emulator.core.routing import Host
from phift.emulator.host import lifecycle
from phift.emulator.host.home import Home
from tests.emulator.client import Azure
from tests.emulator.fuzz import Fuzz, Known, Sent
from tests.emulator.serving import Serving

FEW, MANY, CHUNKS = 400, 8000, 8
_RESTORED = {
    "/faults": ("DELETE", "/faults", None),
    "/settings": ("PUT", "/settings", {"pace": "fast", "noise": False}),
    "/clock": ("PUT", "/clock", {"now": None}),
    "/roles": ("PUT", "/roles", {"roles": ["Owner", "Storage Blob Data Contributor"]}),
    "/storage": (
        *("PUT", "/storage"),
        {"allowSharedKeyAccess": True, "identityBasedDatastores": False, "dataRoleAssigned": True},
    ),
}
"""What a request that went well may have switched, and how it is switched back."""


class Client:
    """Kept connections, one a host, that send bytes as they are."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self._trust = ssl.create_default_context(cafile=azure.connection.ca_file)
        self._kept: dict[str, http.client.HTTPConnection] = {}

    def send(self, sent: Sent) -> tuple[int, dict[str, str], bytes]:
        """The status, headers and body of the answer. Raises an exception of http.client when there is none."""
        connection = self._azure.connection
        plain = sent.host in (Host.ADMIN, Host.IMDS)
        if sent.name not in self._kept:
            if plain:
                self._kept[sent.name] = http.client.HTTPConnection("127.0.0.1", connection.port, timeout=90)
            else:
                channel = http.client.HTTPSConnection("127.0.0.1", connection.port, timeout=90, context=self._trust)
                channel.set_tunnel(sent.name, 443, connection.proxy_headers)
                self._kept[sent.name] = channel
        channel = self._kept[sent.name]
        target = f"http://{sent.name}{sent.path}" if sent.host is Host.IMDS else sent.path
        channel.putrequest(sent.method, target, skip_host=True, skip_accept_encoding=True)
        channel.putheader("Host", sent.name)
        for name, value in (connection.proxy_headers if plain else {}).items():
            channel.putheader(name, value)
        for name, value in sent.headers.items():
            channel.putheader(name, value)
        channel.putheader("Content-Length", str(len(sent.body)))
        channel.endheaders(sent.body)
        answer = channel.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()

    def close(self) -> None:
        for channel in self._kept.values():
            channel.close()


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Azure, Known]]:
    """An emulator with an endpoint that answers, and assets to name."""
    home = tmp_path_factory.mktemp("fuzzed") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
        patch.setenv("PHIFT_EMULATOR_DEPLOYMENTS", "rehearse")
        patch.delenv(EXCHANGES, raising=False)  # what is made of senseless requests is no model's
        azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    serving, identity = Serving(azure), Home(home).identity()
    serving.endpoint("stage")
    model = serving.model("stage")
    serving.upload("broken", {"MLmodel": b"flavors: {a: [1], b: !!python/none x}\n"})
    serving.deployment("stage", "blue", model)
    serving.ok(serving.put_endpoint("stage", traffic={"blue": 100}))
    audiences = ("https://management.azure.com", "https://storage.azure.com", "https://ml.azure.com")
    yield (
        azure,
        Known(
            subscription=identity.subscription_id,
            group=identity.resource_group,
            workspace=identity.workspace_name,
            account=identity.storage_account,
            container=identity.container,
            tenant=identity.tenant_id,
            client=identity.client_id,
            secret=identity.client_secret,
            tokens={audience: azure.token(audience) for audience in audiences},
            endpoint_key=serving.key("stage"),
            model=model,
            code=serving.code("fuzz", "def init(): pass\ndef run(x): return x\n"),
        ),
    )
    azure.session.close()
    lifecycle.stop(home)


def fuzzed(target: tuple[Azure, Known], seed: int, count: int, request: pytest.FixtureRequest) -> None:
    azure, known = target
    home = Path(azure.admin("GET", "/status")["home"])
    fuzz, client = Fuzz(known, seed), Client(azure)
    statuses: Counter[int] = Counter()
    wrong: list[str] = []
    try:
        for number in range(count):
            sent = fuzz.request(number)
            try:
                status, headers, body = client.send(sent)
            except (OSError, http.client.HTTPException) as error:
                wrong.append(f"{type(error).__name__}: {error}: {sent}")
                client.close()
                continue
            statuses[status] += 1
            if problem := problem_of(sent, status, headers, body):
                wrong.append(f"{problem}: {sent} -> {status} {body[:300]!r}")
            restore = _RESTORED.get(sent.path.split("?")[0])
            if restore and sent.host is Host.ADMIN and status < 300:
                azure.admin(*restore)
    finally:
        client.close()
    log = (home / "logs" / "daemon.log").read_text(encoding="utf-8", errors="replace")
    assert wrong == [], f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:20])
    assert "Traceback" not in log, log[log.index("Traceback") - 300 :][:4000]
    assert azure.admin("GET", "/status")["pid"] == azure.connection.pid
    assert statuses[200] > count // 20, statuses
    shown = ", ".join(f"{status} x{number}" for status, number in sorted(statuses.items()))
    told = f"fuzz {seed}: {count} requests over {fuzz.routes} routes, no 5xx but 501, none dropped: {shown}"
    request.node.user_properties.append(("tried", told))


def problem_of(sent: Sent, status: int, headers: dict[str, str], body: bytes) -> str:
    """What is wrong with an answer, "" for nothing."""
    names = {name.lower() for name in headers}
    if status >= 500 and status != 501:
        return "5xx"
    if "x-injected" in names:
        return "a header was injected"
    if status == 400 and body.startswith(b"The request target"):
        return ""
    if "x-phift-emulator" not in names:
        return "not marked as emulated"
    documented = sent.host is Host.ARM or (sent.host is Host.DATA_PLANE and "/mlflow/" not in sent.path.lower())
    if documented and status >= 400 and body:
        document = json.loads(body)
        flat = "/providers/microsoft.insights/metrics" in sent.path.lower()  # Azure Monitor's, without an outer `error`
        error = document.get("error", document if flat else None)
        if not (isinstance(error, dict) and error.get("code")):
            return "not an error document"
    return ""


def test_what_no_client_sends_is_answered(target: tuple[Azure, Known], request: pytest.FixtureRequest) -> None:
    fuzzed(target, 0, FEW, request)


@pytest.mark.matrix
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_much_that_no_client_sends_is_answered(
    target: tuple[Azure, Known], request: pytest.FixtureRequest, chunk: int
) -> None:
    fuzzed(target, 1 + chunk, MANY // CHUNKS, request)
