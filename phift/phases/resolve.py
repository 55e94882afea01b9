"""Facts for a spec: what floats is pinned by the lock file, the rest is read.

A pinned thing is never looked up anew, so a plan never changes because something newer came out; what is newer is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from phift.compile.facts import BaseModel, Component, DataFacts, Facts
from phift.data import PREPARATION_VERSION, recipe_digest
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError, RefusedError
from phift.lock import PinnedComponent, PinnedData, PinnedModel, StackLock
from phift.phases.readings import Readings
from phift.phases.sharing import Shared
from phift.spec import AssetRef, ComputeRef, DataSource, LoadedSpec

__all__ = ["Newer", "Resolved", "resolve"]


@dataclass(frozen=True)
class Newer:
    """A pinned thing of which a newer version exists."""

    what: str
    pinned: str
    newest: str


@dataclass(frozen=True)
class Resolved:
    """facts for the compiler, what the lock file should now say of the stack, and what is newer than what is pinned.

    notes: what the plan should say of them.
    """

    facts: Facts
    pins: StackLock
    newer: tuple[Newer, ...] = ()
    notes: tuple[str, ...] = ()


def resolve(
    loaded: LoadedSpec,
    pinned: StackLock,
    readings: Readings,
    shared: Shared,
    *,
    arm_id: str,
    location: str,
    neutral: frozenset[str],
    upgrade: bool = False,
) -> Resolved:
    """Reads what the spec refers to, several things at once. upgrade: forget what was pinned.

    Raises RefusedError when the base model or the component does not exist, InvalidSpecError for data that cannot be
    identified, AzureError when the service says no.
    """
    spec = loaded.spec
    pinned = StackLock() if upgrade else pinned
    base, component = spec.base_model, spec.finetune.component if spec.finetune else None
    model_pin = pinned.model_for(str(base)) if base else None
    component_pin = pinned.component_for(str(component)) if component else None
    asked: dict[str, Callable[[], Any]] = {
        "model": lambda: _find("models", base, model_pin.version if model_pin else None, readings),
        "component": lambda: _find("components", component, component_pin.version if component_pin else None, readings),
        "sizes": readings.sizes,
        "size": lambda: _referenced_size(loaded, readings),
        "data": lambda: _data(loaded, shared),
    }
    found = _all(asked, inline=shared.inline)
    facts = Facts(
        arm_id=arm_id,
        location=location,
        sizes=found["sizes"],
        data=found["data"],
        referenced_size=found["size"],
        neutral=neutral,
    )
    references: list[_Found] = [found["model"], found["component"]]
    if missing := [f.missing for f in references if f.missing]:
        raise RefusedError([replace(d, mark=loaded.mark(d.path)) for d in missing])
    pins = StackLock(data=PinnedData(preparation=PREPARATION_VERSION) if spec.data else None)
    model, made = (f.value for f in references)
    if isinstance(model, BaseModel):
        # The values are pinned, not only the version: a publisher may edit the tags of a version.
        if model_pin and model_pin.version == model.version:
            model = replace(model, defaults=model_pin.model_defaults)
        facts = replace(facts, base_model=model)
        pin = PinnedModel(requested=str(base), id=model.id, version=model.version, model_defaults=dict(model.defaults))
        pins = pins.model_copy(update={"base_model": pin})
    if isinstance(made, Component):
        facts = replace(facts, component=made)
        pins = pins.model_copy(
            update={"component": PinnedComponent(requested=str(component), id=made.id, version=made.version)}
        )
    notes = tuple(_outside(loaded, shared))
    return Resolved(facts, pins, tuple(f.newer for f in references if f.newer), notes)


def _all(asked: Mapping[str, Callable[[], Any]], *, inline: bool) -> dict[str, Any]:
    """The answers by name, one after another or all at once."""
    if inline:
        return {name: ask() for name, ask in asked.items()}
    with ThreadPoolExecutor(max_workers=len(asked)) as pool:
        futures = {name: pool.submit(ask) for name, ask in asked.items()}
        return {name: future.result() for name, future in futures.items()}


@dataclass(frozen=True)
class _Found:
    value: BaseModel | Component | None = None
    newer: Newer | None = None
    missing: Diagnostic | None = None


def _find(kind: str, reference: AssetRef | None, pinned: str | None, readings: Readings) -> _Found:
    """The version the lock file pins for this very reference, else what the reference means now."""
    if reference is None:
        return _Found()
    registry = reference.registry or ""
    newest = readings.newest(kind, registry, reference.name) if reference.floats else None
    version = reference.version or pinned or newest
    read = readings.base_model if kind == "models" else readings.component
    value = read(registry, reference.name, version) if version else None
    if value is None:
        return _Found(missing=_missing(kind, reference, version))
    moved = newest is not None and newest != version
    return _Found(value, Newer(reference.name, str(version), str(newest)) if moved else None)


def _missing(kind: str, reference: AssetRef, version: str | None) -> Diagnostic:
    what = "base model" if kind == "models" else "component"
    where = f"registry {reference.registry}" if reference.registry else "the workspace"
    named = f"{reference.name}:{version}" if version else reference.name
    return Diagnostic(
        f"there is no {what} {named} in {where}",
        remedy=f"`az ml {kind.rstrip('s')} list` shows what there is; phift.lock may pin a version that was removed: "
        "`phift lock --upgrade`."
        if version and reference.floats
        else f"`az ml {kind.rstrip('s')} list` shows what there is.",
        path="base_model" if kind == "models" else "finetune.component",
        code=f"{what.replace(' ', '-')}-missing",
    )


def _referenced_size(loaded: LoadedSpec, readings: Readings) -> str:
    compute = loaded.spec.compute.finetune
    if isinstance(compute, ComputeRef) and compute.name:
        return readings.compute_size(compute.name) or ""
    return compute.serverless if isinstance(compute, ComputeRef) else ""


def _sources(loaded: LoadedSpec) -> dict[str, DataSource]:
    """The sources of rows by split. A test may have rows of its own; they are identified like a split."""
    tests = {f"tests.{name}": test.path for name, test in loaded.spec.tests.items() if test.path is not None}
    splits = loaded.spec.data.splits if loaded.spec.data else {}
    return {**splits, **{name: DataSource(path=path) for name, path in tests.items()}}


def _outside(loaded: LoadedSpec, shared: Shared) -> Iterator[str]:
    """A note for each source that lies outside of the repository: whoever reviews the spec does not see it."""
    for split, wanted in _sources(loaded).items():
        if wanted.path is None or not (files := shared.outside(wanted.path, loaded.path.parent)):
            continue
        name = split if split.startswith("tests.") else f"data.{split}"
        more = f" and {len(files) - 1} more files" if len(files) > 1 else ""
        yield f"{name} lies outside the repository: {files[0]}{more}"


def _data(loaded: LoadedSpec, shared: Shared) -> dict[str, DataFacts]:
    """What each split is, from its files' content; everything wrong with any of them is told at once."""
    block = loaded.spec.data
    found: dict[str, DataFacts] = {}
    problems: list[Diagnostic] = []
    for split, wanted in _sources(loaded).items():
        if wanted.asset is not None:
            found[split] = DataFacts(split, str(wanted.asset.version))
            continue
        try:
            identity = shared.identity(str(wanted.path), loaded.path.parent)
            version = recipe_digest(
                identity, take=wanted.take, seed=wanted.seed, messages=block.messages if block else None
            )
        except InvalidSpecError as error:
            path = split if split.startswith("tests.") else f"data.{split}"
            problems += [d if d.mark else replace(d, mark=loaded.mark(path), path=path) for d in error.diagnostics]
        else:
            found[split] = DataFacts(split, version, identity, identity.size)
    if problems:
        raise InvalidSpecError(problems)
    return found
