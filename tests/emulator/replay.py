"""Replaying recorded exchanges: the request is sent as it was, the answer compared key by key.

An entry of recorded/*.yaml:

    name            its own; other entries and steps refer to it
    recorded        year and month the service answered so
    given           what comes first: names of entries, which are sent, or of steps (replay_steps.py)
    request         method, path, api (version), query, headers, body or text, host, sas
    status, headers, absent, body, text      the answer. absent: headers that it does not have
    also            names of the other headers that it had: with `headers` all of them, but for those of the connection.
                    (arm), (reads), (writes) and (deletes) stand for several
    not_applicable  why the entry is not replayed

`{name}` stands for a variable: those of the workspace, those that steps set, and for every other one a name of its own
in each replay. In an answer a text that begins with `$` is a pattern:

    $text $string $int $any $guid $time $timez $httpdate $base64 $etag $hex $hex16 $hex32 $url $jwt
    $like A*B        `*` for any text, `?` for one character        $lower TEXT    the text in lower case
    $guid not TEXT   another GUID                                   $arm:TYPE      the id of a resource of that type
    $list $text      a list, not empty, of such                     $map $text     an object of such
    [$each, X]       a list, not empty, of X                        {$same: NAME, at: KEY}   another entry's body
"""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.emulator.client import Azure

__all__ = ["ENTRIES", "Replay", "differences"]

ARM = "https://management.azure.com"
ENTRIES: dict[str, dict[str, Any]] = {
    entry["name"]: entry
    for path in sorted((Path(__file__).parent / "recorded").glob("*.yaml"))
    for entry in yaml.safe_load(path.read_text(encoding="utf-8"))
}

_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?"
_DAYS, _MONTHS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun", "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_PATTERNS = {
    "$text": r".+",
    "$string": r".*",
    "$guid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "$time": _TIME + r"\+00:00",
    "$timez": _TIME + "Z",
    "$httpdate": rf"({_DAYS}), \d\d ({_MONTHS}) \d{{4}} \d\d:\d\d:\d\d GMT",
    "$base64": r"[A-Za-z0-9+/]+={0,2}",
    "$etag": r'"0x[0-9A-F]+"',
    "$hex": r"[0-9a-f]+",
    "$hex16": r"[0-9a-f]{16}",
    "$hex32": r"[0-9a-f]{32}",
    "$url": r"https://[^ ]+",
    "$jwt": r"[\w-]+\.[\w-]+\.[\w-]*",
}
_PATTERN = re.compile(r"\$(any|int|list|map|lower|like|arm:|" + "|".join(name[1:] for name in _PATTERNS) + r")")


_LIMITS = {
    f"({kind})": {f"x-ms-ratelimit-remaining-subscription-{scope}{kind}" for scope in ("", "global-")}
    for kind in ("reads", "writes", "deletes")
}
GROUPS: dict[str, set[str]] = {
    "(arm)": {
        *("cache-control", "date", "expires", "pragma", "request-context", "strict-transport-security", "vary"),
        *("x-cache", "x-content-type-options", "x-ms-correlation-request-id", "x-ms-response-type", "x-msedge-ref"),
        *("x-ms-routing-request-id", "x-request-time", "azureml-served-by-cluster"),
    },
    **_LIMITS,
}
"""Headers that an answer of Resource Manager has, as of 2026."""
_CONNECTION = {"connection", "content-encoding", "content-length", "content-type", "transfer-encoding"}
_OWN = {"x-phift-emulator", "x-ms-retry-after-ms", "x-ms-client-request-id"}
_SINCE_2026 = {"azureml-served-by-cluster", "mise-correlation-id"}
_NOT_ALWAYS_LISTED = {"x-ms-operation-identifier", *_LIMITS["(deletes)"]}
"""Some recordings of one kind of answer have these, and others have not."""


class Replay:
    """One replay: variables, and the last answer."""

    def __init__(self, azure: Azure, variables: dict[str, str]) -> None:
        self.azure = azure
        self.variables = dict(variables)
        self.answer: requests.Response

    def __getitem__(self, name: str) -> str:
        """A variable; one that is not set yet gets a value of its own, of the kind that its name tells."""
        if name not in self.variables:
            guid = uuid.uuid4()
            forms = {"guid": str(guid), "hash": guid.hex * 2, "hash32": guid.hex}
            self.variables[name] = forms.get(name, f"r{guid.hex[:12]}")
        return self.variables[name]

    def filled(self, value: Any) -> Any:
        """A value of an entry with its variables in it."""
        if isinstance(value, dict):
            return {self.filled(key): self.filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.filled(each) for each in value]
        if isinstance(value, str):
            return re.sub(r"\{(\w+)\}", lambda found: self[found[1]], value)
        return value

    def send(self, entry: dict[str, Any]) -> requests.Response:
        """The entry's request; its answer is kept."""
        request = self.filled(entry["request"])
        url = request["path"]
        if not url.startswith("https://"):
            url = f"https://{request.get('host', 'management.azure.com')}{url}"
        if request.get("sas"):
            url += self["sas"]
        query = {**request.get("query", {}), **({"api-version": request["api"]} if "api" in request else {})}
        headers = request.get("headers", {})
        if not request.get("sas") and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {self.azure.token()}"
        body = request.get("body")
        text = request.get("text")
        data = None if text is None else text.encode()
        session = self.azure.session
        self.answer = session.request(request["method"], url, params=query, headers=headers, json=body, data=data)
        if operation := self.answer.headers.get("Azure-AsyncOperation"):
            self.variables["operation"] = operation
        return self.answer

    def check_names(self, entry: dict[str, Any]) -> list[str]:
        """How the names of the last answer's headers differ from the recorded ones, where all are recorded."""
        if "also" not in entry:
            return []
        given = {name.lower() for name in self.answer.headers} - _CONNECTION - _OWN
        listed = {name.lower() for name in entry.get("headers", {})} - _CONNECTION
        for name in entry["also"]:
            listed |= GROUPS.get(name, {name.lower()})
        allowed = set(_NOT_ALWAYS_LISTED) if "(arm)" in entry["also"] else set()
        if entry["name"] == "workspace":  # of which it is known that the provider itself answers without
            allowed.remove("x-ms-operation-identifier")
        if entry["recorded"] < "2026":
            allowed |= _SINCE_2026
        return [f"header {name}: missing" for name in sorted(listed - given)] + [
            f"header {name}: not in the recording" for name in sorted(given - listed - allowed)
        ]

    def check(self, entry: dict[str, Any]) -> list[str]:
        """How the last answer differs from the recorded one."""
        answer = self.answer
        found = (
            [] if answer.status_code == entry["status"] else [f"status: {answer.status_code}, not {entry['status']}"]
        )
        for name, wanted in self.filled(entry.get("headers", {})).items():
            given = answer.headers.get(name)
            if given is None:
                found.append(f"header {name}: missing")
            else:
                found += differences(wanted, given.removeprefix(ARM), f"header {name}")
        found += [
            f"header {name}: {answer.headers[name]!r}" for name in entry.get("absent", []) if name in answer.headers
        ]
        if "text" in entry:
            found += differences(self.filled(entry["text"]), answer.content.decode("utf-8"), "text")
        elif "body" in entry:
            found += self._check_body(entry)
        return found

    def _check_body(self, entry: dict[str, Any]) -> list[str]:
        wanted = self.filled(_resolved(entry["body"]))
        if wanted is None and "response_raw" not in entry:
            return [f"body: {self.answer.text!r}"] if self.answer.text not in ("", "null") else []
        try:
            return differences(wanted, self.answer.json(), "")
        except ValueError:
            return [f"body is not JSON: {self.answer.text[:200]!r}"]


def _resolved(body: Any) -> Any:
    if isinstance(body, dict):
        if "$same" in body:
            other = _resolved(ENTRIES[body["$same"]]["body"])
            return other[body["at"]] if "at" in body else other
        return {key: _resolved(value) for key, value in body.items()}
    return [_resolved(each) for each in body] if isinstance(body, list) else body


def differences(wanted: Any, given: Any, where: str) -> list[str]:
    """Where a value is not as it should be: keys on both sides, types, nulls, values that are not patterns."""
    if isinstance(wanted, str) and _PATTERN.match(wanted):
        return _matched(wanted, given, where)
    if isinstance(wanted, dict) and isinstance(given, dict):
        found = [f"{where}/{key}: missing" for key in wanted if key not in given]
        found += [f"{where}/{key}: not in the recording ({given[key]!r})" for key in given if key not in wanted]
        for key in wanted:
            if key in given:
                found += differences(wanted[key], given[key], f"{where}/{key}")
        return found
    if isinstance(wanted, list) and isinstance(given, list):
        if wanted[:1] == ["$each"]:
            wanted = [wanted[1]] * max(1, len(given))
        if len(wanted) != len(given):
            return [f"{where}: {len(given)} entries, not {len(wanted)}"]
        pairs = enumerate(zip(wanted, given, strict=True))
        return [text for index, (one, other) in pairs for text in differences(one, other, f"{where}/{index}")]
    same = type(wanted) is type(given) and wanted == given
    return [] if same else [f"{where}: {given!r}, not {wanted!r}"]


def _matched(pattern: str, given: Any, where: str) -> list[str]:
    head, _, rest = pattern.partition(" ")
    if head == "$any":
        return []
    if head == "$int":
        return [] if isinstance(given, int) and not isinstance(given, bool) else [f"{where}: {given!r}, not a number"]
    if head in ("$list", "$map"):
        kind = list if head == "$list" else dict
        if not isinstance(given, kind) or (head == "$list" and not given):
            return [f"{where}: {given!r}, not {pattern}"]
        values = given if isinstance(given, list) else list(given.values())
        return [text for each in values for text in differences(rest, each, where)]
    if not isinstance(given, str):
        return [f"{where}: {given!r}, not {pattern}"]
    if head == "$lower":
        return [] if given == rest.lower() else [f"{where}: {given!r}, not {rest.lower()!r}"]
    if head.startswith("$arm:"):
        expression = rf"/subscriptions/[^/]+/resourceGroups/.+/{re.escape(head[5:].split('/')[-1])}/[^/]+"
    elif head == "$like":
        expression = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in rest)
    else:
        expression = _PATTERNS[head]
        if rest.startswith("not ") and given == rest[4:]:
            return [f"{where}: {given!r}, which it should not be"]
    return [] if re.fullmatch(expression, given, re.DOTALL) else [f"{where}: {given!r}, not {pattern}"]
