"""Check what a spec says of parameters and VM sizes without a workspace: against phift.lock and the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phift import catalog
from phift.catalog import ComponentInterface
from phift.catalog.vm_sizes import nearest_size
from phift.diagnostics import Diagnostic, Severity
from phift.kinds.job.parameters import Effective, effective_parameters
from phift.kinds.job.trainer import Setting, is_catalogued, trainer_findings
from phift.kinds.shared.sizes import retired_size
from phift.spec import AssetRef, ComputeRef, LoadedSpec
from phift.workbench.parameter_files import parameter_files

if TYPE_CHECKING:
    from phift.lock import Lock, StackLock  # takes long to import, and most folders have no lock file yet

__all__ = ["Rows", "parameter_findings", "size_findings"]


_INTERFACES: dict[str, tuple[Mapping[str, Mapping[str, Any]], ComponentInterface]] = {}
"""Interfaces by the id of the component, with the pinned inputs that they were built from."""


@dataclass(frozen=True)
class Rows:
    """Of data.train: its rows, the tokens of the longest one, and those that it has at least; None if unknown."""

    count: int | None = None
    longest: int | None = None
    least: int | None = None


@dataclass(frozen=True)
class _Known:
    """The interface of the component. exact: whether it is that of the version in use. label: name:version."""

    interface: ComponentInterface
    label: str
    exact: bool


def parameter_findings(
    loaded: LoadedSpec, lock: Lock | None, rows: Rows, data_root: Path | None = None
) -> Iterator[Diagnostic]:
    """Yield the findings about finetune.parameters. lock: None without a lock file. data_root: the folder that must
    contain local files.

    Errors, if phift.lock has the interface of the component, or the version in use is that of the catalogue. Otherwise
    an unknown name, an enum and a bound are only warnings, as another version may have other ones.
    """
    block = loaded.spec.finetune
    if block is None:
        return
    pins = lock.stack(loaded.stack) if lock else None
    known = _known(loaded, lock, pins)
    if known is None:
        yield replace(_unchecked(loaded), mark=loaded.mark("finetune.component"))
        return
    defaults = _model_defaults(loaded, pins)
    effective = effective_parameters(known.interface, block.parameters, defaults, block.model_defaults)
    yield from parameter_files(loaded, known.interface, data_root)[1]
    for problem in effective.problems:
        path = f"finetune.parameters.{problem.name}"
        certain = known.exact or problem.code == "type"
        yield Diagnostic(
            problem.summary,
            severity=Severity.ERROR if certain else Severity.WARNING,
            detail=f"Valid parameters are the inputs of {known.label}." if known.exact else _dated(known),
            remedy=problem.remedy,
            mark=loaded.mark(path),
            path=path,
            code=f"parameter-{problem.code}",
        )
    yield from _of_the_trainer(loaded, effective, rows)


def _of_the_trainer(loaded: LoadedSpec, effective: Effective, rows: Rows) -> Iterator[Diagnostic]:
    block, base = loaded.spec.finetune, loaded.spec.base_model
    assert block is not None
    setting = Setting(
        model=base.name if base else "",
        size=_size_of(loaded.spec.compute.finetune),
        nodes=block.instance_count,
        splits=frozenset(loaded.spec.data.splits if loaded.spec.data else ()),
        rows=rows.count,
        longest=rows.longest,
        least=rows.least,
    )
    for finding in trainer_findings(effective, setting, catalogued=is_catalogued(block.component)):
        yield replace(finding, mark=loaded.mark(finding.path))


def _known(loaded: LoadedSpec, lock: Lock | None, pins: StackLock | None) -> _Known | None:
    block = loaded.spec.finetune
    assert block is not None
    reference = block.component
    pinned = pins.component_for(str(reference)) if pins else None
    if lock is not None and pinned is not None and (inputs := lock.inputs.get(pinned.id)):
        return _Known(_interface(pinned.id, inputs), f"{reference.name}:{pinned.version}", exact=True)
    version = reference.version or (pinned.version if pinned else None)
    listed = catalog.component(reference.name) if is_catalogued(reference) else None
    if listed is None:
        return None
    return _Known(listed.interface, f"{listed.name}:{listed.version}", version == listed.version)


def _interface(id: str, inputs: Mapping[str, Mapping[str, Any]]) -> ComponentInterface:
    """Return the interface of pinned inputs, the same object for the stacks of a run that share them."""
    held = _INTERFACES.get(id)
    if held is None or held[0] is not inputs:
        held = _INTERFACES[id] = (inputs, ComponentInterface.from_spec({"inputs": inputs}))
    return held[1]


def _model_defaults(loaded: LoadedSpec, pins: StackLock | None) -> dict[str, str | int | float | bool]:
    base = loaded.spec.base_model
    if base is None:
        return {}
    if pins and (pinned := pins.model_for(str(base))):
        return pinned.model_defaults
    listed = catalog.model(base.name) if isinstance(base, AssetRef) and base.registry == "azureml" else None
    return dict(listed.defaults) if listed else {}


def _dated(known: _Known) -> str:
    return (
        f"These are the inputs of {known.label}, in phift's catalogue of {catalog.AS_OF}; the version in use may have "
        "others. To pin it, and to check against it, run `phift lock`."
    )


def _unchecked(loaded: LoadedSpec) -> Diagnostic:
    block = loaded.spec.finetune
    return Diagnostic(
        f"finetune.parameters are not checked: the inputs of {block.component if block else ''} are not known",
        severity=Severity.WARNING,
        detail="The component is neither in phift's catalogue nor pinned in phift.lock.",
        remedy="Run `phift lock`, which reads and pins its inputs.",
        path="finetune.component",
        code="parameters-unchecked",
    )


def size_findings(loaded: LoadedSpec) -> Iterator[Diagnostic]:
    """Yield size-retired, and size-unlisted for a size that is not in the catalogue."""
    base = loaded.spec.base_model
    listed = catalog.model(base.name) if base else None
    compute, deployment = loaded.spec.compute, loaded.spec.deployment
    trains = listed.finetune_computes if listed else ()
    serves = listed.inference_computes if listed else ()
    for path, size, others in (
        ("compute.finetune.size", _size_of(compute.finetune), trains),
        ("compute.other_steps.size", _size_of(compute.other_steps), ()),
        ("deployment.instance_type", deployment.instance_type if deployment else "", serves),
    ):
        if size and (finding := _of_size(size, others)):
            yield replace(finding, mark=loaded.mark(path), path=path)


def _size_of(compute: object) -> str:
    if isinstance(compute, ComputeRef):
        return compute.serverless
    return str(getattr(compute, "size", None) or "")


def _of_size(size: str, others: tuple[str, ...]) -> Diagnostic | None:
    known = catalog.vm_size(size)
    if known is None:
        close = nearest_size(size, (one.name for one in catalog.vm_sizes().values()))
        guess = f"Did you mean {close}? " if close else ""
        return Diagnostic(
            f"VM size {size} is not in phift's catalogue of {catalog.AS_OF}",
            severity=Severity.WARNING,
            remedy=f"{guess}`phift plan` checks whether the region of the workspace offers it.",
            code="size-unlisted",
        )
    if known.retired is None or known.retired > datetime.now(UTC).date():
        return None
    current = [name for name in others if (one := catalog.vm_size(name)) and one.retired is None]
    remedy = f"Use one of: {', '.join(current)}." if current else "Use a size of a later series."
    return retired_size(known.name, known.retired, remedy)
