"""The models that Azure's clients are generated with, as a strict check of answers.

azure-ai-ml carries them for the resource manager (api-version 2025-12-01, all operations) and for the data plane. The
release of azure-mgmt-machinelearningservices has less: api-version 2020-08-01, without jobs, assets and endpoints.
"""

from __future__ import annotations

import enum
import functools
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["Difference", "Found", "differences", "model_of"]

_PACKAGE = "azure.ai.ml._restclient"
_ARM, _HISTORY, _DATASETS = f"{_PACKAGE}.arm_ml_service", f"{_PACKAGE}.runhistory", f"{_PACKAGE}.dataset_dataplane"
_URL = re.compile(r'(?:_url = \(?\s*|"template_url", )"([^"]+)"')
_METHOD = re.compile(r'HttpRequest\(\s*method="(\w+)"')
_MODEL = re.compile(
    r'(?<!failsafe)_deserialize\(\s*(?:List\[_models\.(?P<item>\w+)\],\s*deserialized\.get\("(?P<key>\w+)"|_models\.(?P<one>\w+),)'
)
_DURATION = re.compile(r"P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(\d+H)?(\d+M)?([\d.]+S)?)?")
_PROVIDER = "Microsoft.MachineLearningServices/"
_ERROR_STATUS = 400


@dataclass(frozen=True)
class Difference:
    """Where an answer is not what a model says. model: its name. key: of the answer. kind: unknown, missing, null,
    type or value. detail: what was there."""

    model: str
    key: str
    kind: str
    detail: str = ""

    @property
    def name(self) -> str:
        """Its name in the list of allowed differences: all but what was there."""
        return f"{self.model}.{self.key} {self.kind}"


@dataclass(frozen=True)
class Found:
    """The model of an operation's answer. many: the key with a list of them, "" where the answer is one."""

    package: str
    name: str
    many: str = ""


def model_of(host: str, method: str, path: str, status: int) -> Found | None:
    """The model of the answer of a route of the emulator; None where the clients have no model."""
    if path.startswith("/mlflow/"):
        return None  # MLflow's own server answers, with errors of its own
    if "/providers/" in path and not path.rpartition("/providers/")[2].startswith(_PROVIDER):
        return None  # another provider answers
    if status >= _ERROR_STATUS:
        return Found(_ARM, "ErrorResponse") if host == "arm" else Found(_HISTORY, "RunHistoryErrorResponse")
    key = (method, _normal(path.removeprefix("/mferp/managementfrontend")))
    packages = (_ARM,) if host == "arm" or path.startswith("/mferp/") else (_HISTORY, _DATASETS)
    return next((found for package in packages if (found := _operations(package).get(key))), None)


def differences(found: Found, body: Any) -> Iterator[Difference]:
    """All that is not as the model says, in an answer of it."""
    if not found.many:
        yield from _of(found.package, body, found.name)
        return
    if not isinstance(body, dict) or not isinstance(body.get(found.many), list):
        yield Difference(f"list of {found.name}", found.many, "type", type(body).__name__)
        return
    for name in body.keys() - {found.many, "nextLink"}:
        yield Difference(f"list of {found.name}", name, "unknown")
    for each in body[found.many]:
        yield from _of(found.package, each, found.name)


def _of(package: str, body: Any, name: str) -> Iterator[Difference]:
    model = getattr(import_module(f"{package}.models"), name)
    yield from _model(model, body, name, "")


@functools.cache
def _operations(package: str) -> dict[tuple[str, str], Found]:
    """The model of each (method, path): from the source of the clients, since they keep no table of it."""
    spec = import_module(f"{package}.operations")
    assert spec.__file__
    return _operations_in(Path(spec.__file__).with_name("_operations.py").read_text(encoding="utf-8"), package)


def _operations_in(source: str, package: str) -> dict[tuple[str, str], Found]:
    built: dict[str, tuple[str, str]] = {}
    for part in re.split(r"^def ", source, flags=re.MULTILINE)[1:]:
        if (url := _URL.search(part)) and (method := _METHOD.search(part)):
            built[part.partition("(")[0]] = (method[1], _normal(url[1]))
    found = {}
    for group in re.split(r"^class ", source, flags=re.MULTILINE)[1:]:
        asked: dict[str, tuple[str, str]] = {}
        for part in re.split(r"^    def ", group, flags=re.MULTILINE)[1:]:
            name = part.partition("(")[0]
            if (request := re.search(r"\b(build_\w+_request)\(", part)) and request[1] in built:
                asked[name] = built[request[1]]
            model = _MODEL.search(part)
            key = asked.get(name) or asked.get(f"_{name.removeprefix('begin_')}_initial")
            if key and model:
                found[key] = Found(package, model["item"] or model["one"], model["key"] or "")
    return found


def _normal(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path).lower()


@functools.cache
def _fields(model: type) -> dict[str, tuple[str, Any]]:
    """(attribute, annotation) by key."""
    module = import_module(model.__module__)
    hints = typing.get_type_hints(model, vars(module), {"_models": import_module(model.__module__.rpartition(".")[0])})
    return {
        field._rest_name_input or name: (name, hints[name])
        for base in reversed(model.__mro__)
        for name, field in vars(base).items()
        if type(field).__name__ == "_RestField"
    }


def _model(model: Any, body: Any, name: str, key: str) -> Iterator[Difference]:
    if body is ...:
        return  # anything, in a recording
    if not isinstance(body, dict):
        yield Difference(name, key, "type", _shown(body))
        return
    mapping: Mapping[str, Any] = model.__dict__.get("__mapping__") or {}
    if mapping:
        word = next((body[each] for each in _discriminators(model) if each in body), None)
        if special := mapping.get(str(word)):
            yield from _model(special, body, special.__name__, key)
            return
    fields = _fields(model)
    for given in body.keys() - fields.keys():
        yield Difference(model.__name__, given, "unknown")
    for wanted, (_, hint) in fields.items():
        if wanted in body:
            yield from _value(hint, body[wanted], model.__name__, wanted)
        elif not _optional(hint):
            yield Difference(model.__name__, wanted, "missing")


def _discriminators(model: Any) -> list[str]:
    return [
        field._rest_name_input or name
        for base in model.__mro__
        for name, field in vars(base).items()
        if type(field).__name__ == "_RestField" and field._is_discriminator
    ]


def _optional(hint: Any) -> bool:
    return hint is Any or type(None) in typing.get_args(hint)


def _value(hint: Any, value: Any, model: str, key: str) -> Iterator[Difference]:
    kinds = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    if hint is Any or Any in kinds or value is ...:
        return
    if value is None:
        if type(None) not in kinds:
            yield Difference(model, key, "null")
        return
    kinds = tuple(kind for kind in kinds if kind is not type(None))
    enums = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, enum.Enum)]
    if enums and isinstance(value, str):
        # the clients read the values of enums case-insensitively
        if all(value.casefold() not in {each.value.casefold() for each in kind} for kind in enums):
            yield Difference(model, key, "value", value)
        return
    yield from _kind(kinds[0], value, model, key)


def _kind(kind: Any, value: Any, model: str, key: str) -> Iterator[Difference]:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        if str(value).casefold() not in {str(getattr(each, "value", each)).casefold() for each in inner}:
            yield Difference(model, key, "value", _shown(value))
    elif origin in (list, dict):
        if not isinstance(value, origin):
            yield Difference(model, key, "type", _shown(value))
            return
        for each in value.values() if isinstance(value, dict) else value:
            yield from _value(inner[-1], each, model, key)
    elif hasattr(kind, "__mapping__") or hasattr(kind, "_deserialize"):
        yield from _model(kind, value, kind.__name__, key)
    elif not _is(kind, value):
        yield Difference(model, key, "type", _shown(value))


def _is(kind: type, value: Any) -> bool:
    if kind is datetime:
        return isinstance(value, str) and _time(value)
    if kind is timedelta:
        return isinstance(value, str) and bool(_DURATION.fullmatch(value))
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _time(text: str) -> bool:
    try:
        datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return False
    return True


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else type(value).__name__
