"""The rules of the trainer (phift/catalog/rules.py) on the effective parameters of a fine-tune, as diagnostics."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeGuard

from phift import catalog
from phift.catalog.rules import Rule, broken
from phift.diagnostics import Diagnostic, Severity
from phift.kinds.job.parameters import Effective

__all__ = ["Setting", "is_catalogued", "trainer_findings"]

Value = str | int | float | bool


class Named(Protocol):
    """A component, or a reference to one. registry: None or empty for the workspace."""

    @property
    def registry(self) -> str | None: ...
    @property
    def name(self) -> str: ...


def is_catalogued(component: Named) -> bool:
    """Return whether phift's catalogue describes a component: others of its name may have other rules."""
    return component.registry == "azureml" and catalog.component(component.name) is not None


@dataclass(frozen=True)
class Setting:
    """What the rules need in addition to the parameters; unknown values are left out.

    model: the name of the base model. size: the VM size of the cluster. nodes: of the fine-tune step. splits: the
    splits of the spec. rows, longest: of data.train, its rows and the tokens of its longest row; None if unknown.
    least: the tokens that its longest row has at least, by its bytes, for rows whose tokens are not counted.
    """

    model: str = ""
    size: str = ""
    nodes: int = 1
    splits: frozenset[str] = field(default_factory=frozenset)
    rows: int | None = None
    longest: int | None = None
    least: int | None = None

    def values(self, parameters: Mapping[str, Value]) -> dict[str, Value]:
        """Return the known values by the names that the rules use."""
        found: dict[str, Value | None] = {
            "data.rows": self.rows,
            "data.longest": self.least if self.longest is None else self.longest,
            "data.tokens": f"about {self.least:,}" if self.longest is None and self.least else str(self.longest),
            "data.validation": "validation" in self.splits,
            "data.test": "test" in self.splits,
        }
        if size := catalog.vm_size(self.size):
            found["gpu.count"] = size.gpus * self.nodes or None
            if gpu := catalog.gpu(size.gpu):
                found |= {"gpu.name": gpu.name, "gpu.bf16": gpu.bf16}
        if self.model:
            found |= self._of_model(parameters)
        return {name: value for name, value in found.items() if value is not None}

    def _of_model(self, parameters: Mapping[str, Value]) -> dict[str, Value | None]:
        found: dict[str, Value | None] = {"model.name": self.model}
        limited = _positive(parameters.get("max_seq_length")) or (self.longest or self.least) is not None
        if limited or parameters.get("precision") in ("4", "8"):  # the table takes long to read
            shape, listed = catalog.architecture(self.model), catalog.model(self.model)
            context = listed.context_window if listed else None
            if shape is not None:
                found |= {"model.family": shape.model_types[0], "model.context": context or shape.window}
        return found


def trainer_findings(effective: Effective, setting: Setting, *, catalogued: bool = True) -> Iterator[Diagnostic]:
    """Yield parameter-bounds, parameter-conflict and parameter-effect for the parameters that break a rule.

    A rule that only defaults of the model or the component break is a warning, unless the trainer fails for sure.
    catalogued: False for a component that is not in the catalogue, which may not enforce the rules: only warnings.
    The path of each is that of a parameter in the spec, or `finetune` if the spec sets none of those involved.
    """
    parameters = effective.values()
    values = {**parameters, **setting.values(parameters)}
    values |= _schedule(values)
    for rule in broken(values):
        mine = [n for n in sorted(rule.names, key=lambda n: n != rule.parameter) if _from_spec(effective, n)]
        if rule.severity == "warning" and not mine and not any("." in name for name in rule.names):
            continue  # the publisher of the model recommends it
        certain = rule.severity == "error" and catalogued and (bool(mine) or rule.certain)
        breaks = "parameter-bounds" if rule.bounds else "parameter-conflict"
        yield Diagnostic(
            rule.message(values),
            severity=Severity.ERROR if certain else Severity.WARNING,
            detail=_why(rule, effective, mine),
            remedy=rule.remedy or _default(rule, effective),
            path=f"finetune.parameters.{mine[0]}" if mine else "finetune",
            code="parameter-effect" if rule.severity == "warning" else breaks,
        )


def _default(rule: Rule, effective: Effective) -> str:
    default = effective.defaults.get(rule.parameter)
    if default is None or rule.breaks({**effective.values(), rule.parameter: default}):
        return "Use such a value."
    return f"Use such a value; the default of the component is {default}."


def _from_spec(effective: Effective, name: str) -> bool:
    parameter = effective.parameters.get(name)
    return parameter is not None and parameter.origin == "spec"


def _why(rule: Rule, effective: Effective, mine: list[str]) -> str:
    others = sorted(n for n in rule.names if n in effective.parameters and n not in mine)
    origins = [f"{n} is the {effective.parameters[n].origin}" for n in others if n != rule.parameter or not mine]
    return " ".join([rule.why, *([f"{'; '.join(origins)}."] if origins else [])])


def _schedule(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the rows per optimizer step and the number of steps, where they can be computed."""
    each, accumulated = values.get("per_device_train_batch_size"), values.get("gradient_accumulation_steps")
    gpus, rows = values.get("gpu.count"), values.get("data.rows")
    found: dict[str, Value] = {}
    batch = None
    if values.get("auto_find_batch_size") != "true" and _positive(each) and _positive(accumulated) and _positive(gpus):
        batch = found["job.batch"] = each * accumulated * gpus
    steps, epochs = values.get("max_steps"), values.get("num_train_epochs")
    if _positive(steps):
        found["job.last_step"] = steps
    elif batch and _positive(rows) and _positive(epochs):
        found["job.last_step"] = math.ceil(rows / batch) * epochs
    return found


def _positive(value: Value | None) -> TypeGuard[int]:
    return isinstance(value, int) and value > 0
