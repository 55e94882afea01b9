"""The facts of the base model and the component in their registry that doctor checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from phift import catalog
from phift.azure.rest import Rest
from phift.errors import AzureError
from phift.lock import lock_path, read_lock
from phift.phases.doctor_look import Fact, Look, fact, failure
from phift.spec import AssetRef

__all__ = ["registry"]

_DATA_PLANE = "2021-10-01-dataplanepreview"
_TRAINING, _SERVING = "fine-tuning", "serving"
_LISTS = {
    _TRAINING: ("model-allow-list", "finetuneComputes", "finetune_compute_allow_list"),
    _SERVING: ("model-serving-list", "inferenceComputes", "inference_compute_allow_list"),
}
"""The fact about the list of VM sizes for a use, and the names of the list: in system metadata, and as a tag."""


def registry(look: Look) -> Iterator[Fact]:
    spec = look.loaded.spec
    lock = read_lock(lock_path(look.loaded.path)).stacks.get(look.loaded.stack)
    model = spec.base_model
    if isinstance(model, AssetRef) and model.registry:
        pin = lock.model_for(str(model)) if lock else None
        uses = (_TRAINING, _SERVING) if spec.deployment else (_TRAINING,)
        yield from _model(look, model, model.version or (pin.version if pin else None), uses)
    _, served = spec.served or ("", None)
    if isinstance(served, AssetRef) and served.registry:
        served_pin = lock.served_for(str(served)) if lock else None
        yield from _model(look, served, served.version or (served_pin.version if served_pin else None), (_SERVING,))
    component = spec.finetune.component if spec.finetune else None
    if isinstance(component, AssetRef) and component.registry:
        found_pin = lock.component_for(str(component)) if lock else None
        yield from _component(look, component, component.version or (found_pin.version if found_pin else None))


def _asset(look: Look, kind: str, ref: AssetRef, version: str | None) -> tuple[dict[str, Any] | None, str]:
    """Return a version of an asset of a registry, the newest without one; and a failure."""
    try:
        rest: Rest = look.azure.registry(ref.registry or "")
    except AzureError as error:
        return None, failure(error)
    host = "registry"
    if version is None:
        newest = {"$orderBy": "createdtime desc", "$top": "1"}
        found, failed = look.recorder.get(rest, host, f"{kind}/{ref.name}/versions", _DATA_PLANE, query=newest)
        items = (found or {}).get("value") or []
        return (items[0], "") if items else (None, failure(failed) or "no version")
    found, failed = look.recorder.get(rest, host, f"{kind}/{ref.name}/versions/{version}", _DATA_PLANE)
    return found, failure(failed)


def _model(look: Look, model: AssetRef, version: str | None, uses: Sequence[str]) -> Iterator[Fact]:
    document, failed = _asset(look, "models", model, version)
    properties = (document or {}).get("properties") or {}
    computes, tags = (
        (properties.get("systemMetadata") or {}).get("supportedComputes") or {},
        properties.get("tags") or {},
    )
    for use in uses:
        name, metadata, tag = _LISTS[use]
        lists = [where for where, has in (("system metadata", computes.get(metadata)), ("tags", tags.get(tag))) if has]
        yield fact(
            name,
            f"{_shown(model)} publishes its VM sizes for {use} in system metadata or tags",
            "recorded",
            None if document is None else bool(lists),
            failed or " and ".join(lists) or "neither",
            "The plan checks sizes with it; without it, with phift's catalogue.",
        )
    if _TRAINING in uses:
        yield fact(
            "model-defaults",
            f"{_shown(model)} publishes recommended parameters in its tag model_specific_defaults",
            "recorded",
            None if document is None else "model_specific_defaults" in tags,
            failed or ("present" if "model_specific_defaults" in tags else "missing"),
            "They complete the parameters of the spec.",
        )


def _component(look: Look, component: AssetRef, version: str | None) -> Iterator[Fact]:
    document, failed = _asset(look, "components", component, version)
    inputs = (((document or {}).get("properties") or {}).get("componentSpec") or {}).get("inputs") or {}
    known = catalog.component(component.name)
    missing = sorted(set(known.inputs) - set(inputs)) if known and inputs else []
    yield fact(
        "component-interface",
        f"{_shown(component)} has the inputs that phift's catalogue lists",
        "catalogue",
        None if document is None or known is None else bool(inputs) and not missing,
        failed or (f"missing: {', '.join(missing[:5])}" if missing else f"{len(inputs)} inputs"),
        "The plan takes the published interface; `phift validate` without a lock file, that of the catalogue.",
    )


def _shown(ref: AssetRef) -> str:
    """Return the name of a public asset; others are not named in a recording."""
    return ref.name if ref.registry == "azureml" else f"the {ref.kind.removesuffix('s') or 'asset'} of the registry"
