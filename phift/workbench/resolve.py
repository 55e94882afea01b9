"""Facts of a spec: versions from the pins of the lock file, other facts from the workspace.

A pinned version is never resolved again, so a new release never changes a plan; newer versions are reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from phift.azure.facts import RemoteFacts
from phift.data.blobs import Stores
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError, RefusedError
from phift.lock import PinnedComponent, PinnedModel, StackLock
from phift.spec import AssetRef, ComputeRef, HubModelRef, LoadedSpec, ModelFolderRef
from phift.state.facts import BaseModel, Component, Facts, ImportedNames
from phift.workbench.assets import (
    Pinned,
    local_folders,
    not_found,
    outside_folders,
    pinned_environment,
    pinned_served,
)
from phift.workbench.newer import Newer
from phift.workbench.own_models import own_model
from phift.workbench.parallel import reading
from phift.workbench.parameter_files import parameter_files
from phift.workbench.sessions import Shared
from phift.workbench.sources import Sources, resolved_sources

__all__ = ["Newer", "Resolved", "resolve"]


@dataclass(frozen=True)
class Resolved:
    """The facts for the compiler, the new pins of the stack, and newer versions of pinned assets.

    notes: for the plan. unidentified: splits whose source is not available, with reasons.
    """

    facts: Facts
    pins: StackLock
    newer: tuple[Newer, ...] = ()
    notes: tuple[str, ...] = ()
    unidentified: Mapping[str, str] = field(default_factory=dict)


def resolve(
    loaded: LoadedSpec,
    pinned: StackLock,
    remote: RemoteFacts,
    shared: Shared,
    stores: Callable[[], Stores],
    *,
    arm_id: str,
    location: Callable[[], str],
    neutral: frozenset[str],
    upgrade: bool = False,
) -> Resolved:
    """Resolve the references of the spec, concurrently. stores: datastores of the workspace. upgrade: ignore the pins.

    Raises RefusedError if the base model or the component does not exist, InvalidSpecError for data that cannot be
    identified and for files of parameters that cannot be read, and AzureError.
    """
    spec = loaded.spec
    before, pinned = pinned, StackLock() if upgrade else pinned
    base, component = spec.base_model, spec.finetune.component if spec.finetune else None
    model_pin = pinned.model_for(str(base)) if base else None
    component_pin = pinned.component_for(str(component)) if component else None
    asked: dict[str, Callable[[], Any]] = {
        "model": lambda: (
            _Found(own_model(loaded, base, model_pin, shared))
            if isinstance(base, HubModelRef | ModelFolderRef)
            else _find("models", base, model_pin.version if model_pin else None, remote)
        ),
        "component": lambda: _find("components", component, component_pin.version if component_pin else None, remote),
        "sizes": remote.sizes,
        "size": lambda: _referenced_size(loaded, remote),
        "data": lambda: resolved_sources(loaded, pinned.data, shared, stores),
    }
    if spec.endpoint is not None or spec.deployment is not None:
        asked |= {
            "environment": lambda: pinned_environment(loaded, pinned, remote, shared, arm_id),
            "served": lambda: pinned_served(loaded, pinned, remote, shared),
            "folders": lambda: local_folders(loaded, shared),
        }
    found = _all(asked, inline=shared.inline)
    sources: Sources = found["data"]
    facts = Facts(
        arm_id=arm_id,
        location=location(),
        sizes=found["sizes"],
        data=sources.facts,
        referenced_size=found["size"],
        neutral=neutral,
        folders=found.get("folders", {}),
        today=remote.today(),
    )
    references: list[_Found] = [found["model"], found["component"]]
    environment: Pinned = found.get("environment", Pinned())
    served: Pinned = found.get("served", Pinned())
    every: tuple[_Found | Pinned, ...] = (*references, environment, served)
    if missing := [f.missing for f in every if f.missing]:
        raise RefusedError([replace(d, mark=loaded.mark(d.path)) for d in missing])
    kept = before.environment.kept_in(environment.pin) if before.environment and environment.pin else environment.pin
    as_written = bool(kept and kept.as_written)
    facts = replace(facts, environment=environment.asset, environment_as_written=as_written, served=served.asset)
    if (names := before.deployment) is not None:
        facts = replace(facts, imported=ImportedNames(names.name, names.digest, names.setting or ""))
    pins = StackLock(data=sources.pins, environment=kept, served_model=served.pin, deployment=before.deployment)
    model, resolved = (f.value for f in references)
    if isinstance(model, BaseModel):
        # Pin the values in addition to the version: a publisher can edit the tags of a version.
        if model_pin and model_pin.version == model.version and model.weights is None:
            model = replace(model, defaults=model_pin.model_defaults)
        facts = replace(facts, base_model=model)
        pin = PinnedModel(requested=str(base), id=model.id, version=model.version, model_defaults=dict(model.defaults))
        if model.weights is not None:
            pin = PinnedModel(requested=str(base), id=model.id, version=re.split("[@:]", model.id)[-1])
        pins = pins.model_copy(update={"base_model": pin})
    if isinstance(resolved, Component):
        files, problems = parameter_files(loaded, resolved.interface, shared.data_root)
        if problems and not shared.looking:
            raise InvalidSpecError(problems)
        facts = replace(facts, component=resolved, files=files)
        # An existing pin stays as it is: `phift lock` adds the inputs to those of earlier releases.
        inputs = None if component_pin and component_pin.id == resolved.id else resolved.interface.plain
        pinned_component = PinnedComponent(
            requested=str(component), id=resolved.id, version=resolved.version, inputs=inputs
        )
        pins = pins.model_copy(update={"component": pinned_component})
    newer = tuple(f.newer for f in every if f.newer)
    notes = (*sources.notes, *outside_folders(loaded, shared))
    return Resolved(facts, pins, newer, notes, sources.unidentified)


def _all(asked: Mapping[str, Callable[[], Any]], *, inline: bool) -> dict[str, Any]:
    """Return the results by name. inline: run the calls sequentially instead of concurrently."""
    if inline:
        return {name: ask() for name, ask in asked.items()}
    with reading(len(asked)) as pool:
        futures = {name: pool.submit(ask) for name, ask in asked.items()}
        return {name: future.result() for name, future in futures.items()}


@dataclass(frozen=True)
class _Found:
    value: BaseModel | Component | None = None
    newer: Newer | None = None
    missing: Diagnostic | None = None


def _find(kind: str, reference: AssetRef | None, pinned: str | None, remote: RemoteFacts) -> _Found:
    """Return the pinned version of the reference, or resolve it."""
    if reference is None:
        return _Found()
    registry = reference.registry or ""
    newest = remote.newest(kind, registry, reference.name) if reference.floats else None
    version = reference.version or pinned or newest
    read = remote.base_model if kind == "models" else remote.component
    value = read(registry, reference.name, version) if version else None
    if value is None:
        what = "base model" if kind == "models" else "component"
        place = "base_model" if kind == "models" else "finetune.component"
        return _Found(missing=not_found(what, reference, version, place, command=kind.rstrip("s")))
    moved = newest is not None and newest != version
    return _Found(value, Newer(reference.name, str(version), str(newest)) if moved else None)


def _referenced_size(loaded: LoadedSpec, remote: RemoteFacts) -> str:
    compute = loaded.spec.compute.finetune
    if isinstance(compute, ComputeRef) and compute.name:
        return remote.compute_size(compute.name) or ""
    return compute.serverless if isinstance(compute, ComputeRef) else ""
