"""The table of kinds: what must hold of each, cell by cell.

A kind of the registry gets every cell with its default, which goes by its traits. What is special is written down
here: a check of the kind's own, or why the cell is empty, with a check that it is. A new kind fails in the cells that
its traits do not answer until its row says what holds instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest
from conformance import cells, drift_cells
from conformance.bed import SIZE, Bed, spec
from conformance.secret_cell import kept_secret, no_place_for_secrets

from phift.errors import RefusedError
from phift.kinds.registry import KINDS
from phift.plan.action import Action
from phift.state.traits import Nature

__all__ = ["CELLS", "TABLE", "Empty", "Row", "cell_of", "row_of", "text"]

Check = Callable[[Bed], None]


@dataclass(frozen=True)
class Empty:
    """Why a cell does not apply to a kind. proof: fails where it does apply after all."""

    reason: str
    proof: Check


@dataclass(frozen=True)
class Row:
    """block: where the spec describes the kind. special: the cells that are not as the traits say."""

    block: tuple[str, ...]
    special: Mapping[str, Check | Empty] = field(default_factory=dict)


CELLS: Mapping[str, Check] = {
    "plan-text": cells.plan_as_text,
    "plan-markdown": cells.plan_as_markdown,
    "plan-json": cells.plan_as_json,
    "drift-changed": drift_cells.changed_outside,
    "drift-removed": drift_cells.removed_outside,
    "drift-tags-lost": drift_cells.tags_lost,
    "status": cells.shown_by_status,
    "destroy": cells.destroyed,
    "destroy-archive": cells.archived,
    "killed": cells.killed,
    "expire": cells.not_due_after_apply,
    "take-over": cells.taken_over,
    "secrets": lambda bed: kept_secret(bed, row_of(bed.kind.name).block),
    "ledger": cells.recorded,
    "quota": cells.takes_quota,
    "docs": cells.documented,
    "explain": cells.explained,
}


def never_compared(bed: Bed) -> None:
    """Whatever is changed of a run that is done, nothing is planned and nothing is drift."""
    assert bed.kind.traits.nature is Nature.RUN
    bed.applied()
    changed: set[str] = set()
    for container, key, fields in drift_cells.observed_values(bed):
        container[key] = drift_cells.another(container[key])
        changed |= fields
    assert changed
    assert bed.drift().outside == ()
    bed.settled()


def leaves_nothing(bed: Bed) -> None:
    """A run after which there is no object, nor a row of it in `phift status`."""
    assert bed.kind.traits.nature is Nature.RUN
    assert not bed.kind.traits.leaves_object
    bed.applied()
    assert bed.live() is None
    assert [r for r in bed.status().rows if r.address == str(bed.address)] == []


def carries_no_tags(bed: Bed) -> None:
    """Its object has no marks of its own, and is the stack's all the same."""
    bed.applied()
    assert (bed.there().marks, bed.there().ours) == ({}, True)


def shares_taken_away(bed: Bed) -> None:
    """Somebody empties the split."""
    bed.applied()
    split = bed.document()["properties"]["traffic"]
    given = dict(split)
    split.clear()
    assert bed.address in {r.address for r in bed.drift().outside}
    bed.apply()
    bed.settled()
    assert bed.document()["properties"]["traffic"] == given


def shares_taken_over(bed: Bed) -> None:
    """The share of a deployment that is not the stack's stays, with a warning, until it is claimed."""
    bed.applied()
    endpoint = bed.there().object_id
    own = next(iter(bed.document()["properties"]["traffic"]))
    foreign = {"location": "eastus", "properties": {"provisioningState": "Succeeded"}, "tags": {}}
    path = f"{endpoint}/deployments/theirs"
    bed.memory.keep(path, {**foreign, "id": path, "name": "theirs"})
    bed.document()["properties"]["traffic"] = {own: 60, "theirs": 40}
    plan = bed.plan()
    assert bed.planned(plan).action is Action.NO_OP
    assert [w.address for w in plan.warnings if w.code == "traffic-diverted"] == [str(bed.address)]
    assert bed.address in {r.address for r in bed.drift().claimable}
    bed.apply(bed.plan(take_over=True))
    bed.settled()
    assert bed.document()["properties"]["traffic"] == {own: 100}


def it_or_its_compute_asks(bed: Bed) -> None:
    """The nodes of a job on a cluster are asked for under the address of the cluster, those of serverless compute under
    its own."""
    bed.memory.grant(0)
    assert asking(bed) == {"compute.finetune", "deployment.main"}
    bed.write({**spec(), "compute": {"finetune": f"serverless:{SIZE}"}})
    assert asking(bed) == {"job.finetune", "deployment.main"}
    cells.takes_quota(bed)


def asking(bed: Bed) -> set[str | None]:
    with pytest.raises(RefusedError) as refused:
        bed.plan()
    return {d.address for d in refused.value.diagnostics if d.code == "quota-exceeded"}


def only_tags_of_the_spec(bed: Bed) -> None:
    """Its block takes nothing that may hold a secret; its tags are those that all objects of the spec get."""
    kept_secret(bed, ())


def _no_secrets(bed: Bed) -> None:
    no_place_for_secrets(bed, row_of(bed.kind.name).block)


NO_VCPUS = Empty("it runs on no VM of its own", cells.within_quota)
NO_OBJECT = Empty("nothing stays of it in the workspace", leaves_nothing)
NO_SECRETS = Empty("its block takes no variables, tags or `azure:`", _no_secrets)

TABLE: Mapping[str, Row] = {
    "compute": Row(("compute", "finetune")),
    "data": Row(("data", "train"), {"quota": NO_VCPUS}),
    "job": Row(
        ("finetune",),
        {
            "drift-changed": Empty("a run is done once, and never compared: its digest names it", never_compared),
            "quota": it_or_its_compute_asks,
        },
    ),
    "model": Row(("model",), {"quota": NO_VCPUS}),
    "code": Row(("deployment", "code_configuration"), {"secrets": only_tags_of_the_spec, "quota": NO_VCPUS}),
    "environment": Row(("deployment", "environment"), {"quota": NO_VCPUS}),
    "endpoint": Row(("endpoint",), {"quota": NO_VCPUS}),
    "deployment": Row(("deployment",)),
    "test": Row(
        ("tests", "smoke"),
        {
            "drift-changed": NO_OBJECT,
            "drift-removed": NO_OBJECT,
            "drift-tags-lost": NO_OBJECT,
            "status": NO_OBJECT,
            "take-over": NO_OBJECT,
            "secrets": NO_SECRETS,
            "quota": NO_VCPUS,
        },
    ),
    "autoscale": Row(("deployment", "autoscale"), {"quota": Empty("its deployment asks for them", cells.within_quota)}),
    "traffic": Row(
        ("rollout",),
        {
            "drift-removed": shares_taken_away,
            "drift-tags-lost": Empty("whose a share is, its deployment's tags say", carries_no_tags),
            "take-over": shares_taken_over,
            "secrets": NO_SECRETS,
            "quota": NO_VCPUS,
        },
    ),
}


def row_of(kind: str) -> Row:
    """The kind's row; of one that has none the defaults alone."""
    return TABLE.get(kind) or Row((kind,))


def cell_of(kind: str, cell: str) -> Check | Empty:
    """What holds in a cell."""
    return row_of(kind).special.get(cell) or CELLS[cell]


def text() -> str:
    """The table for people: a line for each kind and cell."""
    lines = []
    for kind in KINDS:
        for cell in CELLS:
            found = cell_of(kind, cell)
            own = "covered, by a check of its own" if cell in row_of(kind).special else "covered"
            lines.append(f"{kind:<11} {cell:<16} {f'empty: {found.reason}' if isinstance(found, Empty) else own}")
    return "\n".join(lines)
