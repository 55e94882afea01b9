"""The attack of another user of the machine, for test_other_user.py: a program of its own, standard library only.

It reads what it may know from standard input, as JSON: {"uid", "port", "pid", "files", "folders", "sockets",
"requests": [[host or "" for the proxy itself, method, path, headers, body]]}. uid: whom to become, null to stay. It
writes what came of each step to standard output: {step: words}.
"""

import encodings.idna  # noqa: F401 - another user may not be able to import it later
import http.client
import json
import os
import signal
import socket
import sys
from base64 import b64encode


def became(step, *arguments):
    try:
        return str(step(*arguments))
    except PermissionError:
        return "permission denied"
    except OSError as error:
        return f"{type(error).__name__}: {error}"


def asked(port, own, host, method, path, headers, body):
    """The status of a request, or what a tunnel for it was answered."""
    channel = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        if host:
            channel.set_tunnel(host, 443, own)
        channel.request(method, path, body, {**headers, **own})
        answer = channel.getresponse()
        return f"{answer.status} {answer.read(300)!r}"
    finally:
        channel.close()


def read(path):
    with open(path, "rb") as file:
        return f"read {len(file.read())} bytes"


def listed(path):
    return f"listed {len(os.listdir(path))} names"


def connected(path):
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(10)
        channel.connect(path)
    return "connected"


def signalled(pid):
    os.kill(pid, signal.SIGCONT)
    return "signalled"


def main():
    known = json.load(sys.stdin)
    if known["uid"] is not None:
        os.setgroups([])
        os.setgid(known["uid"])
        os.setuid(known["uid"])
    told = {"uid": os.getuid()}
    guesses = ("", "Basic " + b64encode(b"phift:" + b"0" * 32).decode(), "Bearer x")
    for guess in guesses:
        own = {"Proxy-Authorization": guess} if guess else {}
        for host, method, path, headers, body in known["requests"]:
            step = became(asked, known["port"], own, host, method, path, headers, body)
            told[f"{method} {host}{path} with {guess or 'nothing'}"] = step
    for path in known["files"]:
        told[f"read {path}"] = became(read, path)
    for path in known["folders"]:
        told[f"list {path}"] = became(listed, path)
    for path in known["sockets"]:
        told[f"connect to {path}"] = became(connected, path)
    for name in ("environ", "maps"):
        told[f"read /proc/.../{name}"] = became(read, f"/proc/{known['pid']}/{name}")
    told["signal"] = became(signalled, known["pid"])
    print(json.dumps(told))


main()
