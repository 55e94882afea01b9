"""A stand-in for the Azure CLI: the commands of exported scripts, with the arguments of its reference.

The extension `ml` of the Azure CLI is not a package that a test can install. It reads its YAML with the loaders of
azure-ai-ml and sends it with MLClient, as this does. A command or an argument that is not listed below is an error, as
are more arguments than the real command has.

    python azcli.py ml job show --name NAME ...    one command
    serving()                                      a folder with `az`, whose commands run in forks of one process
"""

from __future__ import annotations

import argparse
import array
import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["main", "serving"]

_CLIENT = """\
import array, json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect(sys.argv[1])
asked = json.dumps({"words": sys.argv[2:], "folder": os.getcwd(), "environment": dict(os.environ)}).encode()
server.sendmsg([b"%08d" % len(asked)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
server.sendall(asked)
sys.exit(int(server.recv(8) or b"70"))
"""

# https://learn.microsoft.com/cli/azure/ml: the options that scripts use, by command; "" marks a flag.
_WORKSPACE = ("--resource-group", "--workspace-name")
_COMMANDS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("ml", "compute", "create"): ("--file", "--set", *_WORKSPACE),
    ("ml", "compute", "show"): ("--name", *_WORKSPACE),
    ("ml", "data", "create"): ("--file", *_WORKSPACE),
    ("ml", "data", "show"): ("--name", "--version", *_WORKSPACE),
    ("ml", "job", "create"): ("--file", *_WORKSPACE),
    ("ml", "job", "show"): ("--name", *_WORKSPACE),
    ("ml", "job", "stream"): ("--name", *_WORKSPACE),
    ("ml", "model", "create"): ("--file", *_WORKSPACE),
    ("ml", "model", "show"): ("--name", "--version", *_WORKSPACE),
    ("ml", "environment", "create"): ("--file", *_WORKSPACE),
    ("ml", "environment", "show"): ("--name", "--version", *_WORKSPACE),
    ("ml", "online-endpoint", "create"): ("--file", *_WORKSPACE),
    ("ml", "online-endpoint", "show"): ("--name", *_WORKSPACE),
    ("ml", "online-endpoint", "update"): ("--name", "--traffic", *_WORKSPACE),
    ("ml", "online-endpoint", "invoke"): ("--name", "--deployment-name", "--request-file", *_WORKSPACE),
    ("ml", "online-deployment", "create"): ("--file", "--set", *_WORKSPACE),
    ("ml", "online-deployment", "show"): ("--name", "--endpoint-name", *_WORKSPACE),
    ("rest",): ("--method", "--uri", "--body"),
    ("storage", "blob", "upload-batch"): (
        *("--account-name", "--destination", "--destination-path", "--source", "--auth-mode", "--overwrite"),
    ),
}
_FLAGS = {"--overwrite"}
_REPEATED = {"--set"}
_LONGEST_PAUSE = 0.2
"""Seconds between two looks at a job or an operation: the SDK pauses for up to a minute."""
_GLOBAL = ("--output", "--query", "--subscription")


def main(words: list[str]) -> int:
    """Run one command. Returns the exit code: 2 for wrong usage, 1 for an error of the service, like `az`."""
    command = next((known for known in _COMMANDS if tuple(words[: len(known)]) == known), None)
    if command is None:
        print(f"ERROR: '{shlex.join(words[:3])}' is not a command that the stand-in knows", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser(prog="az", allow_abbrev=False)
    for option in (*_COMMANDS[command], *_GLOBAL):
        how: dict[str, Any] = {"action": "append" if option in _REPEATED else "store"}
        parser.add_argument(option, **({"action": "store_true"} if option in _FLAGS else how))
    given = parser.parse_args(words[len(command) :])  # exits with 2
    from azure.core.exceptions import AzureError

    try:
        _show(_run(command, given), given)
    except (AzureError, OSError, RuntimeError, ValueError) as error:
        print(f"ERROR: {type(error).__name__}: {str(error)[:2000]}", file=sys.stderr)
        return 3 if "NotFound" in f"{type(error).__name__} {error}" else 1
    return 0


def _run(command: tuple[str, ...], given: argparse.Namespace) -> Any:
    match command:
        case ("rest",):
            return _rest(given)
        case ("storage", *_):
            return _upload(given)
        case (_, noun, verb):
            return _ML[verb](noun, given)
    raise AssertionError(command)


def _client(given: argparse.Namespace) -> Any:
    from azure.ai.ml import MLClient
    from azure.identity import DefaultAzureCredential

    credential = DefaultAzureCredential()
    return MLClient(credential, given.subscription, given.resource_group, given.workspace_name, enable_telemetry=False)


_LOADERS = {
    "compute": "load_compute",
    "data": "load_data",
    "job": "load_job",
    "model": "load_model",
    "environment": "load_environment",
    "online-endpoint": "load_online_endpoint",
    "online-deployment": "load_online_deployment",
}
_OPERATIONS = {
    "compute": "compute",
    "data": "data",
    "job": "jobs",
    "model": "models",
    "environment": "environments",
    "online-endpoint": "online_endpoints",
    "online-deployment": "online_deployments",
}


def _create(noun: str, given: argparse.Namespace) -> Any:
    import azure.ai.ml

    overrides = [dict([pair.split("=", 1)]) for pair in getattr(given, "set", None) or ()]
    entity = getattr(azure.ai.ml, _LOADERS[noun])(given.file, params_override=overrides)
    operations = getattr(_client(given), _OPERATIONS[noun])
    if hasattr(operations, "begin_create_or_update"):
        return operations.begin_create_or_update(entity).result()
    return operations.create_or_update(entity)


def _read(noun: str, given: argparse.Namespace) -> Any:
    operations = getattr(_client(given), _OPERATIONS[noun])
    if noun == "online-deployment":
        return operations.get(given.name, given.endpoint_name)
    if hasattr(given, "version"):
        return operations.get(given.name, given.version)
    return operations.get(given.name)


def _update(noun: str, given: argparse.Namespace) -> Any:
    operations = _client(given).online_endpoints
    endpoint = operations.get(given.name)
    endpoint.traffic = {name: int(share) for name, _, share in (p.partition("=") for p in given.traffic.split())}
    return operations.begin_create_or_update(endpoint).result()


def _stream(noun: str, given: argparse.Namespace) -> Any:
    _client(given).jobs.stream(given.name)


def _invoke(noun: str, given: argparse.Namespace) -> Any:
    operations = _client(given).online_endpoints
    return operations.invoke(
        endpoint_name=given.name, deployment_name=given.deployment_name, request_file=given.request_file
    )


_ML: dict[str, Callable[[str, argparse.Namespace], Any]] = {
    "create": _create,
    "show": _read,
    "update": _update,
    "stream": _stream,
    "invoke": _invoke,
}


def _rest(given: argparse.Namespace) -> Any:
    import requests
    from azure.identity import DefaultAzureCredential

    token = DefaultAzureCredential().get_token("https://management.azure.com/.default").token
    body = given.body and Path(given.body.removeprefix("@")).read_bytes()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = requests.request(given.method.upper(), given.uri, data=body, headers=headers, timeout=60)
    if not answer.ok:
        raise RuntimeError(f"{answer.status_code} {answer.text}")
    return answer.json() if answer.content else None


def _upload(given: argparse.Namespace) -> Any:
    from azure.identity import DefaultAzureCredential
    from azure.storage.blob import ContainerClient

    if given.auth_mode != "login":
        raise ValueError("the stand-in signs in")
    url = f"https://{given.account_name}.blob.core.windows.net"
    with ContainerClient(url, given.destination, credential=DefaultAzureCredential()) as container:
        for path in sorted(p for p in Path(given.source).rglob("*") if p.is_file()):
            name = f"{given.destination_path}/{path.relative_to(given.source).as_posix()}"
            container.upload_blob(name, path.read_bytes(), overwrite=given.overwrite)


def _show(found: Any, given: argparse.Namespace) -> None:
    if found is None or given.output == "none":
        return
    plain = found if isinstance(found, str | dict) else json.loads(json.dumps(found._to_dict(), default=str))
    if hasattr(found, "status"):
        plain["status"] = str(getattr(found.status, "value", found.status))  # of a job, without the name of its class
    for key in given.query.split(".") if given.query else ():
        plain = plain.get(key) if isinstance(plain, dict) else None
    print(plain if given.output == "tsv" else json.dumps(plain, indent=2))


@contextmanager
def serving() -> Iterator[Path]:
    """A folder with the program `az`, for as long as the block lasts. Python and its imports start only once."""
    folder = Path(tempfile.mkdtemp(prefix="az-"))  # a socket's path must be short
    path = folder / "socket"
    (folder / "client.py").write_text(_CLIENT, encoding="utf-8")
    program = folder / "az"
    command = shlex.join([sys.executable, "-IS", str(folder / "client.py"), str(path)])
    program.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    process = subprocess.Popen([sys.executable, __file__, "--serve", str(path)], stdin=subprocess.DEVNULL)
    try:
        for _ in range(600):
            if path.exists() or process.poll() is not None:
                break
            time.sleep(0.1)
        yield folder
    finally:
        process.terminate()
        process.wait(10)
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


def _serve(path: str) -> None:
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, _LONGEST_PAUSE))

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are not awaited
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(8)
        while True:
            connection, _ = server.accept()
            with connection:
                if os.fork() == 0:
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    with contextlib.suppress(BaseException):
                        _answer(connection)
                    os._exit(0)


def _answer(connection: socket.socket) -> None:
    """Run one command with the folder, the environment and the streams of its caller."""
    size, ancillary, _, _ = connection.recvmsg(8, socket.CMSG_SPACE(12))
    text = b""
    while len(text) < int(size):
        text += connection.recv(65_536)
    asked = json.loads(text)
    for number, descriptor in enumerate(array.array("i", ancillary[0][2])):
        os.dup2(descriptor, number)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    try:
        code = main(asked["words"])
    except SystemExit as ended:
        code = int(ended.code or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(str(code).encode())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        _serve(sys.argv[2])
    sys.exit(main(sys.argv[1:]))
