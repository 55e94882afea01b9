"""The cells of the table, as they hold for any kind by its traits. Each is a check that raises AssertionError."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from codes import codes_below
from conformance.bed import Bed, spec

from phift import phases
from phift.errors import AzureError, RefusedError
from phift.explain import explanations
from phift.kinds.base import Kind
from phift.phases import ApplyOptions
from phift.phases.expire_stacks import expire_drafts
from phift.plan.action import Action
from phift.plan.model import Plan
from phift.state.states import Provisioning
from phift.state.traits import Nature
from phift.views import json as json_view
from phift.views import markdown
from phift.views.base import PlanOptions
from phift.views.human import plan as plan_text
from phift.views.human import status as status_text

__all__ = [
    "archived",
    "destroyed",
    "documented",
    "explained",
    "folder_of",
    "killed",
    "not_due_after_apply",
    "plan_as_json",
    "plan_as_markdown",
    "plan_as_text",
    "recorded",
    "shown_by_status",
    "taken_over",
    "takes_quota",
    "within_quota",
]

ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema.Draft202012Validator(
    json.loads((ROOT / "schemas" / "plan.schema.json").read_text(encoding="utf-8"))
)


def _plans(bed: Bed) -> Iterator[Plan]:
    """Of a stack that is not there, that is as it should be, that was edited, and that is to go."""
    yield bed.plan()
    bed.apply()
    yield bed.plan()
    bed.write(spec("two"))
    yield bed.plan()
    yield bed.destroy(archive=True)


def plan_as_text(bed: Bed) -> None:
    """Whatever changes something has its line and its name; what does not, where that is asked for."""
    told = 0
    for plan in _plans(bed):
        resource, text = bed.planned(plan), plan_text.render(plan)
        line = re.compile(rf"^  # {re.escape(str(bed.address))} (will|must) be [a-z]+", re.MULTILINE)
        changes = resource.action.changes_something
        assert bool(line.search(text)) is changes
        named = f'{resource.action.symbol} {bed.kind.name} "{resource.identity}"'
        assert (named in text) is changes
        assert f"  # {bed.address} " in plan_text.render(plan, PlanOptions(show_unchanged=True))
        told += changes
    assert told, "no plan had anything to tell of it"


def plan_as_markdown(bed: Bed) -> None:
    told = 0
    for plan in _plans(bed):
        resource, text = bed.planned(plan), markdown.plan(plan)
        rows = [_without_tags(line) for line in text.splitlines() if f"<b>{bed.address}</b>" in line]
        assert len(rows) == resource.action.changes_something
        for row in rows:
            assert row.startswith(f"{resource.action.symbol} {bed.address} ")
            assert resource.identity in row
            assert resource.reason in row
        told += len(rows)
    assert told, "no plan had anything to tell of it"


def _without_tags(line: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", line)).split())


def plan_as_json(bed: Bed) -> None:
    """It says what the plan says, as its schema has it, and reads back as the same plan."""
    for plan in _plans(bed):
        document, resource = json.loads(json_view.plan(plan)), bed.planned(plan)
        SCHEMA.validate(document)
        (entry,) = [r for r in document["resources"] if r["address"] == str(bed.address)]
        assert (entry["action"], entry["identity"], entry["reason"]) == (
            resource.action.value,
            resource.identity,
            resource.reason,
        )
        assert Plan.from_dict(plan.to_dict()).resource(bed.address) == resource


def shown_by_status(bed: Bed) -> None:
    """A row each, under its name there and with its state; as missing before it is made and after it is removed."""
    absent = "missing" if bed.kind.traits.leaves_object else "none"
    assert _row(bed)[1] == absent
    bed.apply()
    live = bed.there()
    assert _row(bed) == (bed.kind.identity(live), live.state)
    bed.memory.remove(live.object_id)
    assert _row(bed)[1] == absent


def _row(bed: Bed) -> tuple[str, str]:
    status = bed.status()
    (row,) = [r for r in status.rows if r.address == str(bed.address)]
    line = next(t for t in status_text.render(status).splitlines() if t.startswith(row.address))
    assert row.identity in line
    assert line.endswith(row.state)
    (entry,) = [r for r in json.loads(json_view.status(status))["resources"] if r["address"] == row.address]
    assert (entry["identity"], entry["state"]) == (row.identity, row.state)
    return row.identity, row.state


def destroyed(bed: Bed) -> None:
    """What costs goes, with what it hosts; what was learned stays."""
    bed.applied()
    _destroyed(bed, archive=False)
    kept = bed.kind.traits.nature is not Nature.MUTABLE and bed.kind.traits.leaves_object
    assert (bed.live() is not None) is kept
    if kept:
        assert bed.there().state not in (Provisioning.ARCHIVED, "Canceled")


def archived(bed: Bed) -> None:
    """The same, and versions are archived; the next apply restores them and makes no second one."""
    bed.applied()
    before = bed.paths()
    _destroyed(bed, archive=True)
    live = bed.live()
    if bed.kind.traits.nature is Nature.VERSION:
        assert live is not None
        assert live.state == Provisioning.ARCHIVED
        assert bed.planned(bed.plan()).reason == "archived: will be restored"
    else:
        assert (live is not None) is (bed.kind.traits.nature is Nature.RUN and bed.kind.traits.leaves_object)
    assert not bed.destroy(archive=True).changes_something, "nothing is left to destroy"
    bed.apply()
    bed.settled()
    assert bed.paths() == before


def _destroyed(bed: Bed, *, archive: bool) -> None:
    plan, traits = bed.destroy(archive=archive), bed.kind.traits
    goes = not traits.hosted and (traits.nature is Nature.MUTABLE or (archive and traits.nature is Nature.VERSION))
    resource = bed.planned(plan)
    assert resource.action is (Action.DELETE if goes else Action.NO_OP)
    assert resource.reason, "a plan to destroy says why of everything"
    bed.apply(plan)


def killed(bed: Bed) -> None:
    """An apply that dies when the first write of the kind is done: the next one converges, there is nothing that an
    undisturbed apply would not have made, and the ledger is closed."""
    fresh = bed.another(same_workspace=False).applied()
    bed.apply_and_die()
    (intent,) = bed.left_open()
    assert intent.address == str(bed.address)
    bed.apply()
    bed.settled()
    assert bed.paths() == fresh.paths()
    assert bed.left_open() == []


def taken_over(bed: Bed) -> None:
    """What another spec of the same name made is refused, or used as what it is, until it is claimed; then it is this
    stack's and no longer the other's."""
    traits = bed.kind.traits
    other = bed.another(same_workspace=True).applied()
    before = bed.paths()
    assert other.there().ours
    assert not bed.there().ours
    with pytest.raises(RefusedError) as refused:
        bed.plan()
    told = " ".join(f"{d.summary} {d.detail}" for d in refused.value.diagnostics if d.code == "owned-by-another")
    assert (f"{bed.kind.name} {bed.there().name}" in told) is not (traits.shared or traits.historic)
    plan = bed.plan(take_over=True)
    if traits.historic:
        assert not bed.planned(plan).action.changes_something
    else:
        assert bed.planned(plan).action is Action.ADOPT
        assert bed.planned(plan).reason.startswith("taken over from ")
    bed.apply(plan)
    bed.settled()
    assert bed.paths() == before
    assert bed.there().ours is not traits.historic
    assert other.there().ours is traits.historic


def recorded(bed: Bed) -> None:
    """An intent before each write and its result after, under the address, with what was applied."""
    bed.apply()
    (made,) = bed.written()
    assert (made.intent.address, made.outcome) == (str(bed.address), "done")
    assert made.intent.verb == "create"
    assert made.intent.identity == bed.desired.name
    assert made.intent.facts["applied"] == json.loads(json.dumps(dict(bed.desired.properties)))
    _failed_write_is_recorded(bed)
    plan = bed.destroy(archive=True)
    bed.apply(plan)
    verbs = [r.intent.verb for r in bed.written() if r.outcome == "done"]
    assert verbs == ["create", *(["delete"] if bed.planned(plan).action is Action.DELETE else [])]


def _failed_write_is_recorded(bed: Bed) -> None:
    """Where an edit of the spec is written, the refusal of that write is recorded under the same address."""
    bed.write(spec("two"))
    plan = bed.plan()
    if bed.planned(plan).action is not Action.UPDATE:
        bed.write()
        return
    wire = bed.kind.wire

    def refuse(*arguments: Any) -> Any:
        raise AzureError("no", status=403, code="AuthorizationFailed")

    wire.update = refuse  # type: ignore[method-assign]
    try:
        options = ApplyOptions()
        result = phases.apply(plan, bed.request, bed.memory.connect, listener=bed.world.events.append, options=options)
    finally:
        del wire.update  # type: ignore[misc]
    assert bed.address in result.failed
    last = list(bed.written())[-1]
    assert (last.intent.address, last.intent.verb, last.outcome) == (str(bed.address), "update", "failed")
    bed.write()


def takes_quota(bed: Bed) -> None:
    """Without any the plan is refused under its address; one vCPU too few is told, as many as are needed are not."""
    assert bed.kind.demand is not _default("demand"), "say in the table why it takes none"
    bed.memory.grant(0)
    with pytest.raises(RefusedError) as refused:
        bed.plan()
    (found,) = [d for d in refused.value.diagnostics if d.address == str(bed.address)]
    assert found.code == "quota-exceeded"
    assert found.path, "it says where in the spec"
    needed = re.search(r"needs ([0-9]+) vCPUs", found.summary)
    assert needed
    bed.memory.grant(int(needed[1]) - 1)
    assert str(bed.address) in _quota_findings(bed)
    bed.memory.grant(int(needed[1]))
    assert str(bed.address) not in _quota_findings(bed)
    bed.memory.grant(10_000)
    bed.apply()
    bed.memory.grant(0)
    assert not bed.plan().changes_something, "what it holds is not asked for again"


def _quota_findings(bed: Bed) -> set[str]:
    """The addresses that are short of quota by themselves, as errors or warnings."""
    try:
        warnings: Any = bed.plan().warnings
    except RefusedError as refused:
        warnings = refused.diagnostics
    return {d.address for d in warnings if d.code == "quota-exceeded"}


def within_quota(bed: Bed) -> None:
    """It is never named for want of quota, though there is none at all."""
    assert bed.kind.demand is _default("demand")
    bed.memory.grant(0)
    short = _quota_findings(bed)
    assert short
    assert str(bed.address) not in short


def _default(hook: str) -> Any:
    return Kind.__dataclass_fields__[hook].default


def not_due_after_apply(bed: Bed) -> None:
    """What an apply has just made is not overdue: `phift expire` plans nothing of it, before and after."""
    for step in (lambda: None, bed.applied):
        step()
        (found,) = expire_drafts([bed.request], bed.memory.connect)
        assert (found.error, found.items) == (None, ())
        assert found.draft is not None
        assert not found.draft.plan.changes_something


def documented(bed: Bed) -> None:
    """The table of docs/engine.md tells its address, what it is found by and how it changes, and docs/spec.md speaks of
    it."""
    text = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    (row,) = [r for r in rows if r[0] == bed.kind.name and len(r) == 4]
    assert re.match(rf"`{bed.kind.name}\.", row[1])
    names = re.findall(r"`([^`]+)`", row[1])
    assert str(bed.address) in names or f"{bed.kind.name}.NAME" in names
    assert all(row)
    spec = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8")
    assert re.search(rf"\b{bed.kind.name}s?\b", spec)


def folder_of(kind: Kind[Any, Any]) -> str:
    """Where its code lies, as the codes of diagnostics name it."""
    return "/".join(kind.load_wire.__module__.split(".")[:-1]) + "/"


def explained(bed: Bed) -> None:
    """Every code that its folder can give has its text in `phift explain`, and its heading in docs/diagnostics.md."""
    bed.wanted()
    codes = codes_below(folder_of(bed.kind))
    assert codes, "say in the table that it gives none"
    assert codes <= set(explanations())
    page = (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    assert {code for code in codes if f"\n### {code}\n" not in page} == set()
