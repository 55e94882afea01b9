"""Compare two versions of a model: what they were trained with, the rows, the metrics, and their answers. Read-only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from phift.compile.naming import data_name
from phift.data.compare import compare
from phift.display import Displayed
from phift.errors import AzureError, UsageError
from phift.kinds.model.lookup import Trained
from phift.kinds.registry import KINDS
from phift.kinds.shared.answers import answer_of
from phift.kinds.shared.scoring import questions
from phift.phases.call_endpoint import caller_of, rows_of
from phift.phases.choose_versions import two_versions
from phift.phases.compare_data import SplitDiff, rows_of_version
from phift.phases.compare_metrics import MetricsComparison, compared_metrics
from phift.state.live import Live
from phift.state.overrides import leaves
from phift.workbench.open import Workbench, open_read_only, open_workbench
from phift.workbench.request import Connector, Request

__all__ = ["AnswerDiff", "Answers", "InputChange", "SplitChange", "VersionDiff", "version_diff"]

_LINEAGE = ("base_model", "component", "gpus", "type", "path")
_PARAMETERS, _DATA = "parameters", "data"


@dataclass(frozen=True)
class InputChange:
    """An input that differs. name: of the parameter, or of what the version is made of. before, after: None if that
    side does not have it."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class SplitChange:
    """A split whose data versions differ. rows: how its rows differ; None if they were not compared. why: then the
    reason."""

    split: str
    before: str
    after: str
    rows: SplitDiff | None = None
    why: str = ""


@dataclass(frozen=True)
class AnswerDiff:
    """The answers to one row. ground_truth: "" if unknown."""

    prompt: str
    ground_truth: str
    before: str
    after: str

    @property
    def equal(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True)
class Answers:
    """The answers of the deployments of both versions. before, after: names of the deployments.

    why: the reason, if the answers were not compared; then there are no rows.
    """

    before: str = ""
    after: str = ""
    rows: tuple[AnswerDiff, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class VersionDiff(Displayed):
    """The differences between two versions of a model.

    lineage: base model, component and number of GPUs, or the files. parameters: of the fine-tuning. data: the splits
    whose versions differ. same_parameters, same_splits: numbers of equal ones. metrics: None if they were not compared.
    answers: None if not requested. notes: what is not known.
    """

    stack: str
    before: Trained
    after: Trained
    lineage: tuple[InputChange, ...]
    parameters: tuple[InputChange, ...]
    data: tuple[SplitChange, ...]
    same_parameters: int
    same_splits: int
    metrics: MetricsComparison | None = None
    answers: Answers | None = None
    notes: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether both are known to result from the same inputs."""
        return bool(self.before.inputs and self.after.inputs) and not (self.lineage or self.parameters or self.data)


def version_diff(
    request: Request,
    connect: Connector,
    before: str = "",
    after: str = "",
    *,
    rows: bool = True,
    answers: int = 0,
) -> VersionDiff:
    """Compare two versions of the model of a stack; default: the last two.

    before, after: versions, NAME:VERSION, or job names. rows: compare the rows of data versions that differ, which may
    read them from the workspace. answers: send this many rows of the data to the deployments of both versions; creates
    nothing. Raises UsageError if a version does not exist, and AzureError.
    """
    bench = open_workbench(request, connect, looking=True) if answers else open_read_only(request, connect)
    old, new = two_versions(bench, before, after)
    inputs = [_parts(one) for one in (old, new)]
    notes = [
        f"The inputs of {one.label} are not recorded: phift did not create it." for one in (old, new) if not one.inputs
    ]
    metrics = None
    try:
        metrics = compared_metrics(bench, old, new)
    except UsageError as error:
        notes.append(f"Metrics are not compared: {error.summary}.")
    recorded = bool(old.inputs and new.inputs)
    parameters = _changes(inputs[0][_PARAMETERS], inputs[1][_PARAMETERS]) if recorded else ()
    data = tuple(_splits(bench, old, new, inputs, rows=rows)) if recorded else ()
    every = {*inputs[0][_DATA], *inputs[1][_DATA]}
    return VersionDiff(
        stack=bench.stack.name,
        before=old,
        after=new,
        lineage=_changes(inputs[0][""], inputs[1][""]) if recorded else (),
        parameters=parameters,
        data=data,
        same_parameters=len({*inputs[0][_PARAMETERS], *inputs[1][_PARAMETERS]}) - len(parameters) if recorded else 0,
        same_splits=len(every) - len(data) if recorded else 0,
        metrics=metrics,
        answers=_answers(bench, old, new, answers) if answers else None,
        notes=tuple(notes),
    )


def _parts(one: Trained) -> dict[str, dict[str, Any]]:
    """Return the inputs by group: parameters, data versions by split, and under "" the others."""
    groups: dict[str, dict[str, Any]] = {"": {}, _PARAMETERS: {}, _DATA: {}}
    for name, content in one.inputs.items():
        if name in (_PARAMETERS, _DATA) and isinstance(content, Mapping):
            groups[name] = dict(leaves(content))
        else:
            groups[""][name] = content
    groups[""] = dict(sorted(groups[""].items(), key=lambda item: (item[0] not in _LINEAGE, item[0])))
    return groups


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[InputChange, ...]:
    return tuple(
        InputChange(name, before.get(name), after.get(name))
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    )


def _splits(
    bench: Workbench, old: Trained, new: Trained, inputs: list[dict[str, dict[str, Any]]], *, rows: bool
) -> Iterator[SplitChange]:
    for change in _changes(inputs[0][_DATA], inputs[1][_DATA]):
        split, versions = change.name, (str(change.before or ""), str(change.after or ""))
        if not rows or not all(versions):
            yield SplitChange(split, *versions)
            continue
        try:
            with ExitStack() as stack:
                paths = [
                    rows_of_version(bench.azure, data_name(one.stack, split), version, stack)
                    for one, version in zip((old, new), versions, strict=True)
                ]
                yield SplitChange(split, *versions, SplitDiff(split, *versions, compare(*paths)))
        except (UsageError, AzureError) as error:
            yield SplitChange(split, *versions, why=error.summary)


def _answers(bench: Workbench, old: Trained, new: Trained, count: int) -> Answers:
    """Ask the deployments that serve the two versions, by header, whatever their traffic."""
    endpoint = next((d for d in bench.stack.resources if d.traits.hosts), None)
    if endpoint is None:
        return Answers(why=f"stack {bench.stack.name} does not define an endpoint")
    deployments = _deployments(bench)
    serving = [next((d for d in deployments if _serves(d, one)), None) for one in (old, new)]
    if missing := [one.label for one, live in zip((old, new), serving, strict=True) if live is None]:
        found = ", ".join(f"{live.name} serves {_model_in(live)}" for live in deployments) or "none"
        return Answers(
            why=f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not deployed (deployments: {found}). "
            "`rollout: {keep_previous: 1}` keeps the previous deployment, which is billed"
        )
    first, last = (live.name for live in serving if live is not None)
    tests = bench.loaded.spec.tests
    parameters = next(iter(tests.values())).parameters if tests else {}
    caller = caller_of(bench, endpoint)
    found_rows = []
    for asked in questions(rows_of(bench), count, parameters):
        said = [answer_of(caller.ask(asked.body, deployment=name)).strip() for name in (first, last)]
        found_rows.append(AnswerDiff(asked.prompt, asked.truth, *said))
    return Answers(first, last, tuple(found_rows))


def _deployments(bench: Workbench) -> list[Live]:
    found = []
    for desired in (d for d in bench.stack.resources if d.traits.serves):
        seen = KINDS[desired.address.kind].wire.read(bench.context, desired)
        found += [live for live in (seen.live, *seen.others) if live is not None]
    return found


def _model_in(live: Live) -> str:
    """Return `NAME:VERSION` of the model that a deployment serves."""
    parts = str(live.facts.get("model") or "").split("/")
    return f"{parts[-3]}:{parts[-1]}" if len(parts) > 3 else str(live.facts.get("model") or "an unknown model")


def _serves(live: Live, one: Trained) -> bool:
    return bool(one.version) and _model_in(live).lower() == one.label.lower()
