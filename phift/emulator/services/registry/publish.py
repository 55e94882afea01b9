"""The documents of the local registry, made from the catalogue and versions.yaml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from phift.catalog.components import component, components
from phift.catalog.files import read_facts
from phift.catalog.models import CatalogModel, model, models
from phift.emulator.core.documents import timestamp
from phift.emulator.runtime.foundation.weights import RealWeights
from phift.emulator.services.assets.component_spec import component_spec_text
from phift.emulator.services.registry.environments import curated, curated_names, curated_properties

__all__ = ["REGISTRY", "names", "no_weights", "recommended", "registries", "stands_in", "versions"]

REGISTRY = "azureml"
_PUBLISHER = "azureml"
_SCHEMA = "https://azuremlschemas.azureedge.net/latest/pipelineComponent.schema.json"


@cache
def _local() -> dict[str, Any]:
    text = (Path(__file__).parent / "versions.yaml").read_bytes()
    facts: dict[str, Any] = yaml.safe_load(text)
    return facts


def stands_in(name: str) -> bool:
    """Whether the stand-in replaces the weights of a registry model; names are case-insensitive."""
    return name.lower() in {listed.lower() for listed in _local()["stand_in"]["models"]}


def registries() -> tuple[str, ...]:
    """The names of the registries that can be read."""
    return (REGISTRY, *_local()["other_registries"])


def no_weights(name: str, otherwise: str = "") -> str:
    """The message for a model without weights and without a stand-in. otherwise: another remedy."""
    stand_ins = ", ".join(_local()["stand_in"]["models"])
    remedy = f"Add them: phift emulator weights add {name} FOLDER" + (f"; {otherwise}" if otherwise else "")
    return f"The weights of {name} are not here: the emulator has a stand-in for {stand_ins} only. {remedy}."


def names(kind: str, registry: str = REGISTRY, added: Iterable[str] = ()) -> list[str]:
    """The names of all models, components or environments; [] for other kinds.

    Parses every file of the kind at first use. registry: in lower case. added: models with real weights, of which the
    catalogue need not know.
    """
    if registry != REGISTRY:
        return list(_local()["other_registries"].get(registry, ())) if kind == "models" else []
    if kind == "models":
        return [*models(), *(name for name in added if model(name) is None)]
    if kind == "environments":
        return curated_names()
    return list(components()) if kind == "components" else []


@cache
def versions(
    kind: str, name: str, registry: str = REGISTRY, weights: RealWeights | None = None
) -> tuple[dict[str, Any], ...]:
    """The version documents of a model, component or environment, oldest first.

    () for a name the registry does not have. registry: in lower case. weights: those that replace the stand-in of a
    model, or are published under a name of their own.
    """
    if registry != REGISTRY and name.lower() not in {listed.lower() for listed in names(kind, registry)}:
        return ()
    if kind == "models" and (found := model(name)):
        return _model_versions(found, registry, weights)
    if kind == "models" and weights:
        return (_own_version(weights, registry),)
    if kind == "components" and (found_component := component(name)):
        return (_component_version(found_component.name, found_component.version),)
    if kind == "environments" and (found_environment := curated(name)):
        full, newest = found_environment
        return tuple(_environment_version(full, str(number)) for number in range(1, newest + 1))
    return ()


def _model_versions(current: CatalogModel, registry: str, weights: RealWeights | None) -> tuple[dict[str, Any], ...]:
    local = _local()
    defaults = dict(current.defaults)
    tags = _text_tags({key: value for key, value in current.tags.items() if key != "model_specific_defaults"})
    tags |= {"license": current.license, "task": ",".join(current.inference_tasks)}
    stand_in = stands_in(current.name)
    tags |= _weights_tags(weights) if weights else local["stand_in" if stand_in else "no_weights"]["tags"]
    published = []
    if earlier := local["earlier"].get(current.name):
        old_tags = {**tags, **_defaults_tag(defaults), **_allow_list_tags(current)}
        published.append(
            _model(current, registry, earlier["version"], earlier["date"], old_tags, {}, archived=current.archived)
        )
    today = {**tags, **_defaults_tag(defaults)}
    metadata = dict(current.system_metadata)
    published.append(
        _model(current, registry, current.version, local["catalogue_date"], today, metadata, archived=current.archived)
    )
    if stand_in or weights:
        rule = local["stand_in"]["local_version"]
        kept = {key: value for key, value in defaults.items() if key not in rule["drop_defaults"]}
        own_tags = {**tags, **_defaults_tag(kept)}
        own_metadata = {key: value for key, value in metadata.items() if key not in rule["drop_system_metadata"]}
        number = int(current.version) + 1
        # other weights are another version: what pins the one before, or was trained from it, is told from them
        local_versions = [(number, rule["date"])] if stand_in else []
        if weights:
            local_versions.append((number + weights.number, max(rule["date"], _day(weights))))
        published += [
            _model(current, registry, str(local_version), day, own_tags, own_metadata, archived=rule["archived"])
            for local_version, day in local_versions
        ]
    return tuple(published)


def _own_version(weights: RealWeights, registry: str) -> dict[str, Any]:
    """Of a model that the catalogue does not have."""
    tasks = ("chat-completion", "text-generation") if weights.chat else ("text-generation",)
    own = CatalogModel(
        name=weights.name,
        version=str(weights.number),
        archived=False,
        license="",
        finetune_tasks=tasks,
        inference_tasks=tasks[:1],
        context_window=weights.context_window or None,
        tags={},
        system_metadata={},
    )
    tags = {"task": tasks[0], **_weights_tags(weights), **_defaults_tag(recommended(weights))}
    return _model(own, registry, own.version, _day(weights), tags, {}, archived=False)


def recommended(weights: RealWeights) -> dict[str, Any]:
    """Fine-tune parameters with which LoRA learns on a CPU, as the tag model_specific_defaults recommends them.

    Measured with models of half a million, 135 million and 3.8 billion parameters.
    """
    sizes = ((10_000_000, 5e-3, 32), (1_000_000_000, 2e-3, 8))
    rate, rank = next(((rate, rank) for most, rate, rank in sizes if weights.parameters < most), (3e-4, 8))
    # below this width arithmetic of 16 bits is slower than of 32
    precision = "16" if weights.hidden_size >= 256 else "32"
    lora = {"apply_lora": "true", "lora_r": rank, "lora_alpha": 2 * rank}
    return {**lora, "learning_rate": rate, "precision": precision}


def _weights_tags(weights: RealWeights) -> dict[str, str]:
    return {"phift.weights": "true", "phift.weights.source": weights.source}


def _day(weights: RealWeights) -> date:
    return datetime.fromisoformat(weights.added).date()


def _defaults_tag(defaults: Mapping[str, Any]) -> dict[str, str]:
    """A tag's value is text; clients read this one as a Python literal."""
    return {"model_specific_defaults": repr(dict(defaults))} if defaults else {}


def _allow_list_tags(current: CatalogModel) -> dict[str, str]:
    lists = {
        "finetune_compute_allow_list": current.finetune_computes,
        "inference_compute_allow_list": current.inference_computes,
    }
    return {name: repr(list(sizes)) for name, sizes in lists.items() if sizes}


def _text_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else repr(value) for key, value in tags.items()}


def _model(
    current: CatalogModel,
    registry: str,
    version: str,
    created: date,
    tags: dict[str, str],
    metadata: dict[str, Any],
    *,
    archived: bool,
) -> dict[str, Any]:
    reference = f"azureml://registries/{registry}/models/{current.name}/versions/{version}"
    properties: dict[str, Any] = {
        "description": None,
        "tags": tags,
        "properties": {"finetuning-tasks": ",".join(current.finetune_tasks)},
        "isArchived": archived,
        "isAnonymous": False,
        "autoDeleteSetting": None,
        "flavors": {},
        "modelType": "mlflow_model",
        "modelUri": reference,
        "jobName": None,
        "provisioningState": "Succeeded",
        "stage": "Archived" if archived else "Production",
        "intellectualProperty": None,
    }
    if metadata:
        properties["systemMetadata"] = metadata
    return _document("models", reference, version, created, properties)


def _component_version(name: str, version: str) -> dict[str, Any]:
    facts = read_facts(f"components/{name}.yaml")
    spec = {
        "$schema": _SCHEMA,
        "name": name,
        "version": version,
        "display_name": facts["display_name"],
        "is_deterministic": "False",
        "type": facts["type"],
        "inputs": {key: {"optional": "False", **component_spec_text(body)} for key, body in facts["inputs"].items()},
        "outputs": component_spec_text(facts["outputs"]),
    }
    properties = {
        "description": None,
        "tags": {},
        "properties": {},
        "isArchived": False,
        "isAnonymous": False,
        "autoDeleteSetting": None,
        "componentSpec": spec,
        "provisioningState": "Succeeded",
        "stage": "Production",
        "intellectualProperty": None,
    }
    reference = f"azureml://registries/{REGISTRY}/components/{name}/versions/{version}"
    kind = "Microsoft.MachineLearningServices/registries/components/versions"  # recorded 2022-11
    return _document(kind, reference, version, _local()["catalogue_date"], properties)


def _environment_version(name: str, version: str) -> dict[str, Any]:
    reference = f"azureml://registries/{REGISTRY}/environments/{name}/versions/{version}"
    kind = "Microsoft.MachineLearningServices/registries/environments/versions"
    return _document(kind, reference, version, _local()["catalogue_date"], curated_properties(name, version))


def _document(kind: str, reference: str, version: str, created: date, properties: dict[str, Any]) -> dict[str, Any]:
    moment = timestamp(datetime.combine(created, time(), UTC))
    system = {
        "createdAt": moment,
        "createdBy": _PUBLISHER,
        "createdByType": "User",
        "lastModifiedAt": moment,
        "lastModifiedBy": _PUBLISHER,
        "lastModifiedByType": "User",
    }
    return {"id": reference, "name": version, "type": kind, "properties": properties, "systemData": system}
