"""What another user of the machine can do to a running emulator: nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from phift.emulator.host import lifecycle
from phift.emulator.host.home import Home
from tests.emulator.client import Azure
from tests.emulator.serving import Serving, chat, until
from tests.emulator.test_job_submission import pipeline, submit
from tests.emulator.test_job_submission import put_data as put_training_data

NOBODY = 65534
PROGRAM = Path(__file__).with_name("other_user.py")
LISTENING_TCP, LISTENING_UNIX = "0A", 1 << 16
SCRIPT = """\
import json, urllib.request
def init():
    pass
def run(body):
    asked = urllib.request.Request("http://169.254.169.254/metadata/identity/oauth2/token?resource=https://management.azure.com")
    asked.add_header("Metadata", "true")
    token = json.load(urllib.request.urlopen(asked, timeout=60))["access_token"]
    asked = urllib.request.Request(json.loads(body)["url"], headers={"Authorization": f"Bearer {token}"})
    return json.load(urllib.request.urlopen(asked, timeout=60))["name"]
"""


@dataclass
class Place:
    """A home with a deployment, a script's container, a tracking server and a job."""

    home: Path
    azure: Azure

    def processes(self) -> list[int]:
        """The emulator and all below it."""
        parents = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                parents[int(entry.name)] = int(fields[1])
        found = [self.azure.connection.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found

    def inodes(self) -> dict[str, int]:
        """The sockets that these processes hold, with one that holds it."""
        found = {}
        for pid in self.processes():
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                try:
                    target = os.readlink(descriptor)
                except OSError:
                    continue
                if match := re.fullmatch(r"socket:\[(\d+)\]", target):
                    found[match[1]] = pid
        return found

    def listeners(self) -> tuple[list[str], list[str]]:
        """Addresses of the IP sockets that take connections or datagrams, and paths of the unix sockets that do."""
        own = self.inodes()
        tables = {name: Path(f"/proc/net/{name}") for name in ("tcp", "tcp6", "udp", "udp6")}
        ip = [
            f"{name} {row[1]}"
            for name, path in tables.items()
            for row in map(str.split, path.read_text().splitlines()[1:] if path.exists() else ())
            if row[9] in own and (row[3] == LISTENING_TCP or name.startswith("udp"))
        ]
        rows = map(str.split, Path("/proc/net/unix").read_text().splitlines()[1:])
        listening = [row for row in rows if row[6] in own and int(row[3], 16) & LISTENING_UNIX]
        unix = [row[7] if len(row) > 7 else "(no path)" for row in listening]
        return ip, unix


def opened(folder: Path) -> None:
    """Makes a tree readable and writable for all, as a copy or a careless umask may leave it."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o777 if path.is_dir() else 0o666)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """In a folder that everybody can reach; the home was open to all before it was started the last time."""
    top = Path(tempfile.mkdtemp(prefix="phift-test-"))
    top.chmod(0o755)
    home = top / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
        patch.setenv("PHIFT_EMULATOR_DEPLOYMENTS", "rehearse")
        former = os.umask(0)
        try:
            azure = Azure(lifecycle.ensure(home, idle_seconds=600))
            serving = Serving(azure)
            serving.endpoint("stage")
            serving.deployment("stage", "blue", serving.model("stage"))
            code = serving.code("asks", SCRIPT)
            configuration = {"codeId": code, "scoringScript": "score.py"}
            serving.deployment("stage", "green", "", codeConfiguration=configuration)
            lifecycle.stop(home)
            opened(home)
            azure.session.close()
            azure = Azure(lifecycle.ensure(home, idle_seconds=600))
        finally:
            os.umask(former)
    put_training_data(azure)
    submit(azure, "one", pipeline(tags={"rehearsal.seconds": "1"}))
    mlflow = f"/mlflow/v1.0{azure.workspace}/api/2.0/mlflow/experiments/search"
    answer = azure.session.post(
        f"https://eastus.api.azureml.ms{mlflow}",
        json={"max_results": 5},
        headers={"Authorization": f"Bearer {azure.token()}"},
    )
    assert answer.status_code == 200, answer.text
    until(lambda: azure.call("GET", "jobs/one", api="2024-10-01").json()["properties"]["status"] == "Completed")
    yield Place(home, azure)
    azure.session.close()
    lifecycle.stop(home)
    shutil.rmtree(top)


def test_scripts_and_their_requests_work(place: Place) -> None:
    """A scoring script reaches the emulator by the variables that it inherits, managed identity and all."""
    serving = Serving(place.azure)
    assert until(lambda: serving.score("stage", chat("Hi"), deployment="blue")).json() == {"output": "rehearsal: Hi"}
    url = f"https://management.azure.com{place.azure.workspace}?api-version=2024-10-01"
    answer = serving.score("stage", {"url": url}, deployment="green")
    assert answer.json() == place.azure.connection.workspace_name, (answer.text, serving.logs("stage", "green"))


def test_everything_in_the_home_is_the_owners(place: Place) -> None:
    """Also what was there with other modes, and what was written since, whatever the umask of whoever started it."""
    wide = [
        f"{stat.filemode(path.lstat().st_mode)} {path.relative_to(place.home)}"
        for path in (place.home, *place.home.rglob("*"))
        if not path.is_symlink() and path.lstat().st_mode & 0o077
    ]
    assert wide == []
    assert stat.S_IMODE(place.home.stat().st_mode) == 0o700
    names = {path.name for path in place.home.iterdir()}
    assert {"store.sqlite3", "store.sqlite3-wal", "logs", "blobs", "jobs", "mlflow", "tls", "identity.json"} <= names


@pytest.mark.skipif(not Path("/proc/net/unix").exists(), reason="sockets are listed from /proc")
def test_the_proxy_is_the_only_listener_that_others_reach(place: Place) -> None:
    ip, unix = place.listeners()
    assert ip == [f"tcp 0100007F:{place.azure.connection.port:04X}"]
    assert len(place.processes()) >= 4
    assert sorted({Path(path).name == "mlflow.sock" for path in unix}) == [False, True], unix
    for path in map(Path, unix):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        folder = path.parent.stat()
        assert (stat.S_IMODE(folder.st_mode), folder.st_uid) == (0o700, os.getuid()), path.parent


def test_another_user_gets_nothing(place: Place, request: pytest.FixtureRequest) -> None:
    """As root the test is another user; else it is its own without the secret, and the modes above are all that keeps
    others from the files."""
    connection, workspace = place.azure.connection, place.azure.workspace
    identity = Home(place.home).identity()
    arm, api = "management.azure.com", "?api-version=2024-10-01"
    identity_url = "http://169.254.169.254/metadata/identity/oauth2/token?resource=https://management.azure.com"
    account = f"{identity.storage_account}.blob.core.windows.net"
    deployment = {"properties": {"codeConfiguration": {"codeId": "x", "scoringScript": "evil.py"}}}
    login = f"client_id={identity.client_id}&grant_type=client_credentials"
    requests = [
        ["", "GET", identity_url, {"Metadata": "true"}, ""],
        ["", "GET", "http://169.254.169.254/metadata/instance", {"Metadata": "true"}, ""],
        ["login.microsoftonline.com", "POST", f"/{identity.tenant_id}/oauth2/v2.0/token", {}, login],
        [arm, "GET", f"{workspace}{api}", {}, ""],
        [arm, "POST", f"{workspace}/onlineEndpoints/stage/listKeys{api}", {}, ""],
        [arm, "POST", f"{workspace}/datastores/workspaceblobstore/listSecrets{api}", {}, "{}"],
        [arm, "PUT", f"{workspace}/onlineEndpoints/stage/deployments/evil{api}", {}, json.dumps(deployment)],
        [account, "PUT", f"/{identity.container}/code/evil.py", {"x-ms-blob-type": "BlockBlob"}, "import os"],
        ["nosuchaccount.blob.core.windows.net", "GET", "/?comp=list", {}, ""],
        ["eastus.api.azureml.ms", "GET", "/discovery", {}, ""],
        ["stage.eastus.inference.ml.azure.com", "POST", "/score", {}, json.dumps(chat("Hi"))],
        ["example.org", "GET", "/", {}, ""],
        ["", "GET", "http://example.org/", {}, ""],
        ["", "GET", f"{workspace}{api}", {"Host": arm}, ""],
        *(["", "GET", f"/{name}", {}, ""] for name in ("status", "requests", "faults", "settings", "quota", "assumed")),
        *(["", "POST", f"/{name}", {}, ""] for name in ("stop", "reset", "faults")),
        ["", "PUT", "/storage", {}, "{}"],
    ]
    is_root = os.getuid() == 0
    files = [str(path) for path in place.home.rglob("*") if path.is_file()] if is_root else []
    folders = [str(place.home), *(str(path) for path in place.home.iterdir() if path.is_dir())] if is_root else []
    _, unix = place.listeners() if Path("/proc/net/unix").exists() else ([], [])
    known = {
        "uid": NOBODY if is_root else None,
        "port": connection.port,
        "pid": connection.pid,
        "files": files,
        "folders": folders,
        "sockets": unix if is_root else [],
        "requests": requests,
    }
    done = subprocess.run(
        [sys.executable, "-I", str(PROGRAM)], input=json.dumps(known), capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told.pop("uid") == (NOBODY if is_root else os.getuid())
    asked = {step: said for step, said in told.items() if " with " in step}
    assert len(asked) == 3 * len(requests)
    assert {step: said for step, said in asked.items() if "407" not in said} == {}
    secrets = (identity.storage_account, identity.subscription_id, identity.proxy_secret, identity.client_secret)
    assert not [said for said in asked.values() if any(secret in said for secret in secrets)]
    rest = {step: said for step, said in told.items() if step not in asked}
    if is_root:
        assert len(rest) == len(files) + len(folders) + len(unix) + 3
        assert {step: said for step, said in rest.items() if said != "permission denied"} == {}
    who = f"as user {NOBODY}" if is_root else "without the secret, as the same user: the files were not tried"
    request.node.user_properties.append(("tried", f"{len(told)} steps of an attack {who}: all refused"))
    assert place.azure.admin("GET", "/status")["pid"] == connection.pid
    assert place.azure.call("GET", "onlineEndpoints/stage/deployments/evil").status_code == 404


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="command lines are read from /proc")
def test_no_command_line_tells_the_secret(place: Place) -> None:
    """Those of processes are everybody's to read."""
    identity = Home(place.home).identity()
    for pid in place.processes():
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        assert identity.proxy_secret not in words
        assert identity.client_secret not in words
