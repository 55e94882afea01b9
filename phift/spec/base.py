"""The basis of all blocks of the spec: strictness, field types, and the errors of validators."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from phift.concealing import FEEDING, concealed, concealed_tree
from phift.spec.forms import ASSET, FILE, FOLDER, HUB_MODEL, SECRET
from phift.spec.references import (
    AssetRef,
    ComputeRef,
    DatastoreRef,
    EnvironmentRef,
    HubModelRef,
    ModelFolderRef,
    SecretRef,
    base_model_reference,
    data_reference,
)
from phift.spec.rules import BlockRules, Spelling
from phift.spec.template_values import Mixed
from phift.spec.yaml12 import plain_scalar

__all__ = [
    "ANY_CASE",
    "MEANINGS",
    "AnyCase",
    "Azure",
    "BaseModelReference",
    "Before",
    "Block",
    "Coerced",
    "Component",
    "Compute",
    "DataAsset",
    "Environment",
    "Meanings",
    "Model",
    "Parameter",
    "Scalar",
    "Secret",
    "SecretOnly",
    "Strict",
    "Tags",
    "Texts",
    "fault",
    "matching",
]


ANY_CASE, MEANINGS = "x-any-case", "x-meanings"
"""Keys of the JSON schema of a field, which phift.spec.jsonschema replaces: whether its texts are case-insensitive, and
what they mean."""


def fault(summary: str, remedy: str = "") -> PydanticCustomError:
    """Return the error of a validator. summary: follows the name of the field. remedy: what to do."""
    return PydanticCustomError("phift", "{summary}", {"summary": summary, "remedy": remedy})


class Strict(BaseModel):
    """A block of the spec: unknown keys and values of the wrong type are errors. Immutable."""

    rules: ClassVar[BlockRules] = BlockRules()
    spellings: ClassVar[tuple[Spelling, ...]] = ()
    """What `az ml` YAML writes differently in this block."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Conceal literal secrets, as a repr gets into logs and messages."""
        for name, value in super().__repr_args__():
            feeds = name in FEEDING and isinstance(value, Mapping)
            yield name, concealed_tree(value) if feeds else concealed({name or "": value})[name or ""]


def _typed(value: Any) -> Any:
    """Read text that a template produced as a YAML scalar, and quoted numbers and flags, as `az ml` does."""
    if isinstance(value, Mixed):
        return plain_scalar(value)
    if isinstance(value, str) and isinstance(found := plain_scalar(value), int | float):
        return found
    return value


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise fault("must be a finite number")
    return value


def _json(value: Any) -> Any:
    """Require a plain JSON value."""
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return str(value) if isinstance(value, Mixed) else _finite(value)


def _azure(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise fault("must be a mapping: it is merged into the request body")
    plain: dict[str, Any] = _json(value)
    return plain


def _scalar(value: Any) -> str | int | float | bool:
    if value is None:
        raise fault("has no value", "Remove the line to use the default.")
    if isinstance(value, Mixed):
        return str(value)
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(_finite(value))
    raise fault("must be a number, text, true or false")


def _parameter(value: Any) -> str | int | float | bool:
    """Return a scalar, or the path of `{type: uri_file, path: FILE}`, as `az ml` pipelines write a file."""
    if not isinstance(value, dict) or "path" not in value:
        return _scalar(value)
    if unknown := sorted(set(value) - {"path", "type", "mode"}):
        raise fault(f"has the unknown key {unknown[0]!r}", "Write the path alone.")
    if str(value.get("type", "uri_file")).lower() != "uri_file":
        raise fault("must be a file", "Only inputs of type uri_file take a path.")
    if not isinstance(value["path"], str) or not value["path"]:
        raise fault("must have a path of text", "Write the path of a file next to the spec.")
    return str(value["path"])


class Before:
    """Annotation of a type: a function to apply to a value before validation.

    Like Pydantic's BeforeValidator, which inspects the signature of each function first and is slower.
    """

    def __init__(self, change: Callable[[Any], Any]) -> None:
        self._change = change

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._change, handler(source))


class _AnyCase:
    """Annotation of a Literal: accept its texts in any letter case, with and without underscores and dashes.

    `az ml` and the service spell enumerations differently: `low_priority`, `LowPriority`, `lowpriority`.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        known = {_folded(text): text for text in _literals(source)}

        def spelled(value: Any) -> Any:
            return known.get(_folded(value), value) if isinstance(value, str) else value

        return core_schema.no_info_before_validator_function(spelled, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), ANY_CASE: True}


class Meanings:
    """Annotation of a Literal: what each of its texts means, for editors. Keys: the texts."""

    def __init__(self, **texts: str) -> None:
        self._texts = texts

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), MEANINGS: self._texts}


def _folded(text: str) -> str:
    return text.lower().replace("_", "").replace("-", "")


def _literals(annotation: Any) -> Iterator[str]:
    """Yield the texts that a type allows, however it is wrapped."""
    if get_origin(annotation) is Literal:
        yield from (value for value in get_args(annotation) if isinstance(value, str))
    else:
        for inner in get_args(annotation):
            yield from _literals(inner)


class _Parsed:
    """Annotation of a type unknown to Pydantic: how to parse and serialize it, and its JSON schema.

    Pydantic's PlainValidator would do, but builds a schema of the annotated class that is never used.
    """

    def __init__(self, parse: Callable[[Any], Any], schema: dict[str, Any], write: Callable[[Any], Any] | None = None):
        self._parse = parse
        self._schema = schema
        self._write = write

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(self._write) if self._write else None
        return core_schema.no_info_plain_validator_function(self._parse, serialization=written)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return self._schema


def _reference(parse: Callable[[Any], Any], accepts: tuple[type, ...], forms: str) -> Callable[[Any], Any]:
    def validate(value: Any) -> Any:
        if not isinstance(value, accepts):
            raise fault("must be a reference", f"Write {forms}.")
        try:
            return parse(value)
        except ValueError as cause:
            raise fault(f"is invalid: {cause}", _meant(value, forms) or f"Write {forms}.") from None

    return validate


def _meant(value: Any, forms: str) -> str:
    """Return the remedy for a text that `az ml` accepts as a reference, and the spec does not; "" for any other."""
    if not isinstance(value, str):
        return ""
    if value.startswith("file:"):
        return f"Write the content of {value.removeprefix('file:')} here, as a block."
    if forms == _COMPUTE_FORMS:
        if value.lower().removeprefix("azureml:").strip(":") == "serverless":
            return "Write serverless:VM_SIZE, such as serverless:Standard_NC24ads_A100_v4."
        return f"Write azureml:{value} for the cluster of that name, or serverless:VM_SIZE." if _is_word(value) else ""
    if forms not in (_MODEL_FORMS, _BASE_MODEL_FORMS):
        return ""
    if value.startswith(("./", "../", "/")):
        return f"To use local files, write {{path: {value}}}."
    if _is_word(value):
        return f"Write azureml://registries/azureml/models/{value}/labels/latest, or azureml:{value}:VERSION."
    if forms == _BASE_MODEL_FORMS and _is_word(value.replace("/", "", 1)):
        return f"Write {{huggingface_id: {value}}}, or {_MODEL_FORMS}."
    return ""


def _is_word(value: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", value) is not None


def _asset(kind: str, forms: str, of: Callable[[Any], Any] | None = None) -> _Parsed:
    parse = _reference(of or (lambda value: AssetRef.parse(value).of_kind(kind)), (str, dict), forms)
    text = {"type": "string", "pattern": "^azureml:", "errorMessage": f"Write {forms}."}
    return _Parsed(parse, {"anyOf": [text, ASSET]}, str)


def _secret(value: Any) -> str | SecretRef:
    if SecretRef.is_written(value):
        try:
            return SecretRef.parse(value)
        except ValueError as cause:
            raise fault(f"is invalid: {cause}") from None
    if isinstance(value, str):
        return str(value)
    raise fault("must be text or a secret", 'Quote it, or write {secret: env:NAME} or "${{keyvault:URL}}".')


def _secret_only(value: Any) -> SecretRef:
    if isinstance(value, str) and not SecretRef.is_written(value):
        raise fault("must not be written in plain text", "Write {secret: env:NAME}, and set NAME for `phift apply`.")
    found = _secret(value)
    if not isinstance(found, SecretRef) or found.source != "env":
        raise fault(
            "must be {secret: env:NAME}",
            "Azure resolves references to a key vault in environment variables of deployments only.",
        )
    return found


def _plain_secret(value: str | SecretRef) -> Any:
    return {"secret": str(value)} if isinstance(value, SecretRef) else value


_SECRET_SCHEMA: dict[str, Any] = {"anyOf": [{"type": "string"}, SECRET]}


def matching(pattern: str, explanation: str) -> tuple[Any, ...]:
    """Return a constraint on text whose error contains an explanation instead of a regular expression."""

    def validate(value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            raise fault(f"must be {explanation}; got {str(value)!r}")
        return value

    described: dict[str, Any] = {"pattern": f"^(?:{pattern})$", "errorMessage": f"Write {explanation}."}
    return Before(validate), Field(json_schema_extra=described)


_MODEL_FORMS = "azureml://registries/azureml/models/NAME/versions/VERSION (or labels/latest), or azureml:NAME:VERSION"
_BASE_MODEL_FORMS = f"{_MODEL_FORMS}, {{huggingface_id: ORG/NAME}}, or {{path: FOLDER}}"
_COMPUTE_FORMS = "azureml:CLUSTER or serverless:VM_SIZE"
_COMPONENT_FORMS = (
    "azureml://registries/azureml/components/NAME/versions/VERSION (or labels/latest), or azureml:NAME:VERSION"
)

_ENVIRONMENT_FORMS = (
    "azureml:NAME:VERSION (or azureml:NAME@latest), azureml://registries/REGISTRY/environments/NAME/versions/VERSION, "
    "the name of a curated environment (AzureML-...), or {image, conda_file}"
)

Coerced = Before(_typed)  # last in an annotation, so that bounds before it are those of the type itself
AnyCase = _AnyCase()
Texts = Annotated[tuple[str, ...], Field(strict=False)]
Tags = dict[str, str]
Scalar = Annotated[str | int | float | bool, _Parsed(_scalar, {"type": ["string", "number", "boolean"]})]
Parameter = Annotated[
    str | int | float | bool,
    _Parsed(_parameter, {"anyOf": [{"type": ["string", "number", "boolean"]}, FILE]}),
]
Model = Annotated[AssetRef, _asset("models", _MODEL_FORMS)]


def _plain_base(value: AssetRef | HubModelRef | ModelFolderRef) -> Any:
    match value:
        case HubModelRef(id=id):
            return {"huggingface_id": id}
        case ModelFolderRef(path=path, type=type):
            return {"path": path, **({"type": type} if type else {})}
        case _:
            return str(value)


BaseModelReference = Annotated[
    AssetRef | HubModelRef | ModelFolderRef,
    _Parsed(
        _reference(base_model_reference, (str, dict), _BASE_MODEL_FORMS),
        {
            "anyOf": [
                {"type": "string", "pattern": "^azureml:", "errorMessage": f"Write {_BASE_MODEL_FORMS}."},
                ASSET,
                HUB_MODEL,
                FOLDER,
            ]
        },
        _plain_base,
    ),
]
Component = Annotated[AssetRef, _asset("components", _COMPONENT_FORMS)]
DataAsset = Annotated[
    AssetRef | DatastoreRef,
    _asset("data", "azureml:NAME:VERSION, azureml:NAME@latest or azureml://datastores/NAME/paths/PATH", data_reference),
]
Compute = Annotated[
    ComputeRef,
    _Parsed(
        _reference(ComputeRef.parse, (str,), _COMPUTE_FORMS),
        {"type": "string", "pattern": "^(azureml|serverless):", "errorMessage": f"Write {_COMPUTE_FORMS}."},
        str,
    ),
]
Environment = Annotated[
    EnvironmentRef,
    _Parsed(
        _reference(lambda value: EnvironmentRef.parse(str(value)), (str,), _ENVIRONMENT_FORMS),
        {
            "type": "string",
            "pattern": "^(azureml:|AzureML-|/subscriptions/)",
            "errorMessage": f"Write {_ENVIRONMENT_FORMS}.",
        },
        str,
    ),
]
Secret = Annotated[str | SecretRef, _Parsed(_secret, _SECRET_SCHEMA, _plain_secret)]
SecretOnly = Annotated[SecretRef, _Parsed(_secret_only, SECRET, _plain_secret)]
Azure = Annotated[dict[str, Any], _Parsed(_azure, {"type": "object"})]


class Block(Strict):
    """A block that becomes a request to Azure ML. azure: merged last into the request's body."""

    azure: Azure = Field(
        default={},
        description="Merged last into the request body and shown in the plan, for fields that phift does not have.",
    )
