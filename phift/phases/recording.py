"""Record read-only requests and their answers in a form that can be sent to others: shapes, and no ids, names or
secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.azure.rest import Rest
from phift.errors import AzureError

__all__ = ["Exchange", "Recorder", "redacted", "redacted_path"]

_KEPT = frozenset(
    (
        "actions", "armregionname", "armskuname", "authmode", "billingcurrency", "code", "computetype",
        "credentialstype", "currencycode", "dataactions", "datastoretype", "family", "instancetype", "kind", "location",
        "notactions", "notdataactions", "ostype", "primaryaggregationtype", "provisioningstate", "publicnetworkaccess",
        "scaletype", "severity", "stage", "state", "status", "supportedaggregationtypes", "supportedcomputetypes",
        "type", "unit", "unitofmeasure", "vmpriority", "vmsize", "vmtier",
    )
)  # fmt: skip
"""Keys whose values are words of the service, in lower case."""
_OF_USERS = frozenset(("tags", "traffic", "mirrortraffic", "environmentvariables", "userassignedidentities", "inputs"))
"""Keys whose objects have keys that users chose, in lower case."""
_WORD = re.compile(r"[A-Za-z0-9][\w.*/ :+-]{0,80}")
_GUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_MOST_ITEMS = 20
_COLLECTIONS = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")


@dataclass(frozen=True)
class Exchange:
    """A request and its answer, redacted. error: code of a failure. body: of a success."""

    host: str
    path: str
    api_version: str
    status: int
    error: str = ""
    body: Any = None


@dataclass
class Recorder:
    """Sends GET requests, and keeps what they and their answers look like."""

    exchanges: list[Exchange] = field(default_factory=list)

    def get(
        self,
        rest: Rest,
        host: str,
        path: str,
        api_version: str,
        *,
        names: bool = False,
        query: Mapping[str, str] | None = None,
    ) -> tuple[dict[str, Any] | None, AzureError | None]:
        """Return the answer, or the error.

        host: as recorded. query: further query values. names: whether the names of items are words of the service, such
        as VM sizes, and are kept.
        """
        try:
            found = rest.get(path, api_version, **(query or {}))
        except AzureError as error:
            status = error.status or 0
            self.exchanges.append(Exchange(host, redacted_path(path), api_version, status, error.code or "none"))
            return None, error
        body = redacted(found, names=names)
        self.exchanges.append(Exchange(host, redacted_path(path), api_version, 200, body=body))
        return found, None


def redacted_path(path: str) -> str:
    """Return an ARM path, or one of a registry, with `*` for each name.

    Segments after `providers/NAMESPACE` alternate between a type and a name.
    """
    parts = [part for part in path.split("/") if part]
    kept: list[str] = []
    types = False
    name_next = False
    skip = False
    for part in parts:
        if skip:
            kept.append(part)
            skip, types, name_next = False, True, False
        elif part.lower() == "providers":
            kept.append(part)
            skip = True
        elif name_next:
            kept.append("*")
            name_next = False
        else:
            kept.append(part if _COLLECTIONS.fullmatch(part) else "*")
            name_next = types or part.lower() in ("subscriptions", "resourcegroups", "models", "components", "versions")
    return "/".join(kept)


def redacted(value: Any, key: str = "", *, names: bool = False, users: bool = False) -> Any:
    """Return a value of an answer with its structure, numbers and words of the service; other texts as what they are.

    key: of the value. users: whether its keys were chosen by users.
    """
    if isinstance(value, Mapping):
        return _redacted_object(value, key, names=names, users=users)
    if isinstance(value, list):
        items = [redacted(item, key, names=names) for item in value[:_MOST_ITEMS]]
        more = len(value) - _MOST_ITEMS
        return [*items, f"<{more} more>"] if more > 0 else items
    if isinstance(value, str):
        return value if _is_word(value, key, names) else _kind_of(value)
    return value if isinstance(value, int | float | bool) or value is None else "<value>"


def _redacted_object(value: Mapping[str, Any], key: str, *, names: bool, users: bool) -> dict[str, Any]:
    found = {}
    for number, (name, item) in enumerate(list(value.items())[:100], 1):
        shown = name
        if users or _GUID.search(name) or not re.fullmatch(r"[A-Za-z@$_][\w.@$-]{0,60}", name):
            shown = name if name.startswith("phift.") else f"<name {number}>"
        # A user's key can be spelled like one of the service: its value is the user's nevertheless.
        found[shown] = redacted(item, "" if users else name, names=names, users=_of_users(name, item, key))
    return found


def _of_users(name: str, value: Any, outer: str) -> bool:
    """Return whether users chose the keys of a value: of a known object, or of the property bag inside `properties`,
    which holds texts alone."""
    bag = name == outer == "properties" and isinstance(value, Mapping)
    return name.lower() in _OF_USERS or (bag and all(isinstance(text, str) for text in value.values()))


def _is_word(text: str, key: str, names: bool) -> bool:
    lower = key.lower()
    kept = lower in _KEPT or (names and lower in ("name", "value", "localizedvalue"))
    return kept and _WORD.fullmatch(text) is not None and "://" not in text and not _GUID.search(text)


def _kind_of(text: str) -> str:
    if not text:
        return ""
    if _GUID.fullmatch(text):
        return "<id>"
    if _TIME.match(text):
        return "<time>"
    if text.startswith(("https://", "http://", "azureml://")):
        return "<url>"
    return "<arm id>" if text.lower().startswith("/subscriptions/") else f"<text of {len(text)}>"
