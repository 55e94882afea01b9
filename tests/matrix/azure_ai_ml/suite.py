"""Azure's own tests of azure-ai-ml, run against an emulator.

The tests are in the package's source distribution, which pip downloads once into the virtual environment. Files that
they load and that the distribution lacks are made of configs/; what they need of unpublished packages is in standin/.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from phift.emulator.host import lifecycle
from phift.emulator.host.lifecycle import Connection
from tests.emulator.client import Azure

__all__ = ["Verdict", "run", "unpack"]

VERSION = metadata.version("azure-ai-ml")
HELPERS = ("pytest-mock==3.15.1",)
"""Packages that the tests import and phift does not."""
SECONDS_A_TEST = 90
SECONDS = 2400

_HERE = Path(__file__).parent
_CACHE = Path(sys.prefix) / "azure-ai-ml-tests"
_CLUSTERS = ("cpu-cluster", "gpu-cluster", "testCompute")
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_FILE = re.compile(
    r"(?:No such file or directory:?|There is no (?:dir|file) on target path:) '?\S*test_configs/(?P<path>[^'\s]*)"
)
_MODULE = re.compile(r"No module named '([\w.]+)'")
_NO_ROUTE = re.compile(r"(?P<method>GET|PUT|POST|PATCH|DELETE|HEAD) (?P<path>/subscriptions/\S+)")
_REFUSED = re.compile(r"\(NotImplemented\) (?P<words>[^\n]+?)(?:[.:] |\.?$)", re.MULTILINE)
_REGISTRY = re.compile(r"not allowed to access registry ([\w-]+)")


@dataclass(frozen=True)
class Verdict:
    """How a test ended. kind: passes; skipped, by Azure's own mark; refused, what the emulator answers with 501 or as
    to a stranger; needs, a file that the distribution lacks or a module that is not installed; fails. about: the
    reason, operation, file, module or error."""

    kind: str
    about: str = ""


def unpack(folder: Path) -> Path:
    """A folder with Azure's tests, ready to run; downloads what is not in the cache yet."""
    archive = _CACHE / f"azure_ai_ml-{VERSION}.tar.gz"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    if not archive.exists():
        source = ["--no-deps", "--no-build-isolation", "--no-binary", "azure-ai-ml", f"azure-ai-ml=={VERSION}"]
        subprocess.run([*pip, "download", *source, "--dest", str(_CACHE)], check=True)
    helpers = _CACHE / "helpers"
    if not helpers.exists():
        subprocess.run([*pip, "install", "--no-deps", "--target", str(helpers), *HELPERS], check=True)
    with tarfile.open(archive) as stream:
        stream.extractall(folder, filter="data")
    [root] = folder.glob("azure_ai_ml-*")
    shutil.rmtree(root / "azure")  # the installed package is tested, not its source
    for path in sorted((_HERE / "configs").glob("*.yaml")):
        for name, content in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            _write(root / "tests" / "test_configs" / name, content)
    _train(root / "tests" / "test_configs" / "deployments" / "model-1" / "model" / "sklearn_regression_model.pkl")
    (root / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return root


class _Plain(yaml.SafeDumper):
    """Writes what the files of configs/ share in full, as in files of their own."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _train(path: Path) -> None:
    """A model that the scoring script of Azure's tests can load."""
    import joblib
    from sklearn.linear_model import LinearRegression

    path.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(LinearRegression().fit([[0.0] * 10, [1.0] * 10], [0.0, 1.0]), path)


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, str):
        content = json.dumps(content) if path.suffix == ".json" else yaml.dump(content, Dumper=_Plain, sort_keys=False)
    path.write_text(content, encoding="utf-8")


def run(root: Path, home: Path, *only: str) -> dict[str, Verdict]:
    """Run the end-to-end tests in `root` against the emulator of a home that has none yet; the verdict of each, by
    name. only: files or tests, relative to `root`; all of them otherwise."""
    os.environ.update(PHIFT_EMULATOR_JOBS="rehearse", PHIFT_EMULATOR_DEPLOYMENTS="rehearse")
    connection = lifecycle.ensure(home, idle_seconds=SECONDS)
    report = root / "report.jsonl"
    report.unlink(missing_ok=True)
    try:
        _furnish(Azure(connection))
        files = only or tuple(str(path.relative_to(root)) for path in sorted(root.glob("tests/**/e2etests/test_*.py")))
        options = [
            "-q",
            "-n",
            "2",
            "--dist",
            "loadfile",  # tests of a file share names of assets
            "-m",
            "e2etest",
            "-p",
            "no:cacheprovider",
            "-W",
            "ignore",
            "--no-header",
            "--tb=short",
        ]
        plugins = ["-p", "devtools_testutils.proxy_fixtures", "-p", "judge", "--continue-on-collection-errors"]
        with (root / "output.txt").open("w") as output:
            subprocess.run(
                [sys.executable, "-m", "pytest", "-c", "pytest.ini", *plugins, *options, *files],
                cwd=root,
                env=_environment(connection, root, report),
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=SECONDS,
                check=False,
            )
    finally:
        lifecycle.stop(home)
    return _verdicts(report)


def _environment(connection: Connection, root: Path, report: Path) -> dict[str, str]:
    paths = (_HERE / "standin", _CACHE / "helpers", root / "tests", Path(*_HERE.parts[:-3]))
    account = Azure(connection).call("GET", "datastores/workspaceblobstore", api="2024-10-01-preview").json()
    # older versions are given the key of the account, newer ones a signature (recorded 2022-10 and 2026-03)
    key = Azure(connection).call("POST", "datastores/workspaceblobstore/listSecrets", api="2022-05-01").json()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "AZURE_"))}
    return {
        **kept,
        **lifecycle.environment(connection),
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "HOME": str(root),  # the SDK keeps a cache of components there
        "JUDGE_REPORT": str(report),
        "JUDGE_SECONDS": str(SECONDS_A_TEST),
        "ML_SUBSCRIPTION_ID": connection.subscription_id,
        "ML_RESOURCE_GROUP": connection.resource_group,
        "ML_WORKSPACE_NAME": connection.workspace_name,
        "ML_TENANT_ID": connection.tenant_id,
        "ML_CLIENT_ID": connection.client_id,
        "ML_CLIENT_SECRET": connection.client_secret,
        "ML_TEST_STORAGE_ACCOUNT_NAME": str(account["properties"]["accountName"]),
        "ML_TEST_STORAGE_ACCOUNT_PRIMARY_KEY": str(key["key"]),
        "AZUREML_RUN_POLLING_INTERVAL_MIN": "1",
        "AZUREML_RUN_POLLING_INTERVAL_MAX": "1",
    }


def _furnish(azure: Azure) -> None:
    """What the workspace of Azure's tests has: clusters, and a container in its storage account."""
    account = azure.call("GET", "datastores/workspaceblobstore", api="2024-10-01-preview").json()["properties"]
    headers = {"Authorization": f"Bearer {azure.token('https://storage.azure.com')}", "x-ms-version": "2025-01-05"}
    url = f"https://{account['accountName']}.blob.core.windows.net/testblob?restype=container"
    assert azure.session.put(url, headers=headers).status_code == 201
    for name in _CLUSTERS:
        scale = {"minNodeCount": 0, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT2M"}
        size = {"vmSize": "Standard_DS3_v2", "vmPriority": "Dedicated", "scaleSettings": scale}
        body = {"location": azure.connection.location, "properties": {"computeType": "AmlCompute", "properties": size}}
        assert azure.call("PUT", f"computes/{name}", body, api="2023-08-01-preview").status_code == 201


def _verdicts(report: Path) -> dict[str, Verdict]:
    found: dict[str, Verdict] = {}
    for line in report.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        verdict = _verdict(entry["outcome"], _COLORS.sub("", entry["text"]))
        if found.get(entry["test"], Verdict("passes")).kind == "passes":
            found[entry["test"]] = verdict  # a failure in tear-down counts, one after a failure does not
    return found


def _verdict(outcome: str, text: str) -> Verdict:
    if outcome == "passed":
        return Verdict("passes")
    if outcome == "skipped":
        return Verdict("skipped", text.removeprefix("Skipped: ").strip())
    if file := _FILE.search(text):
        return Verdict("needs", file["path"])
    if registry := _REGISTRY.search(text):
        return Verdict("refused", f"registry {registry[1]}")
    if outcome == "failed" and (module := _MODULE.search(text)):
        return Verdict("needs", f"module {module[1]}")
    if refused := _REFUSED.search(text):
        route = _NO_ROUTE.search(refused["words"])
        return Verdict("refused", f"{route['method']} {_short(route['path'])}" if route else refused["words"])
    return Verdict("fails", " ".join(text.split())[:300])


def _short(path: str) -> str:
    """A path without what differs between runs: collections alone."""
    below = re.split(r"(?i)/providers/", path)[-1].strip("/.")
    provider, *parts = below.split("/")
    if provider.lower() != "microsoft.machinelearningservices":
        return f"{provider}/{'/'.join(parts[::2])}"
    if parts and parts[0].lower() == "workspaces":
        parts = parts[2:] or ["workspaces"]
    return "/".join(parts[::2])
