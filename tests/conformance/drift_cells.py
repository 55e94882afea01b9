"""The cells of drift: what is done to an object outside phift is told, and set right by an apply."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from conformance.bed import Bed

from phift.errors import RefusedError
from phift.plan.action import Action
from phift.plan.standing import LOST
from phift.state.overrides import leaves
from phift.state.ownership import PREFIX
from phift.state.traits import Nature
from phift.views.human import drift as drift_text

__all__ = ["another", "changed_outside", "observed_values", "removed_outside", "tags_lost"]


def changed_outside(bed: Bed) -> None:
    """Every field that the spec declares and the object shows: a change of it is seen as somebody else's, whatever
    the field is; one apply sets a tag, or where it has none that field, right again."""
    bed.applied()
    declared = {path for path, value in leaves(bed.desired.properties) if value not in (None, {})}
    seen, last = set(), None
    for container, key, fields in observed_values(bed):
        fields &= declared
        if not fields:
            continue
        old, container[key] = container[key], another(container[key])
        _is_drift(bed, fields)
        container[key] = old
        seen |= fields
        last = last if last and last[1] == "team" else (container, key)
    assert seen == declared, f"changes of these are not seen: {sorted(declared - seen)}"
    assert last is not None
    was, last[0][last[1]] = last[0][last[1]], another(last[0][last[1]])
    bed.apply()
    bed.settled()
    assert was in [container[key] for container, key, _ in observed_values(bed)]


def _is_drift(bed: Bed, fields: set[str]) -> None:
    """Told as a change by somebody else; or refused under its address, as a cluster is that can train no more."""
    try:
        found = bed.drift()
    except RefusedError as error:
        refused = error.diagnostics
    else:
        (resource,) = [r for r in found.outside if r.address == bed.address]
        assert fields <= {c.path for c in resource.visible_changes}
        assert f"{bed.address} was changed outside phift" in drift_text.render(found)
        assert bed.address not in {r.address for r in found.unapplied}
        return
    assert str(bed.address) in {d.address for d in refused}


def observed_values(bed: Bed) -> Iterator[tuple[Any, Any, set[str]]]:
    """Where the object's document holds a plain value, and the fields that are observed otherwise if it is another."""
    for container, key in _values(bed.document()):
        yield container, key, _fields_of(bed, container, key)


def _values(document: Any) -> Iterator[tuple[Any, Any]]:
    """The place of every plain value in a document, and of every set of names, but for marks and what names the
    object."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    names = {"id", "name", "systemData", "provisioningState"} if "systemData" in document else {"provisioningState"}
    for key, value in list(items):
        if str(key).startswith(PREFIX) or key in names:
            continue
        if isinstance(value, dict) and value and not any(value.values()):
            yield document, key
        elif isinstance(value, dict | list):
            yield from _values(value)
        elif isinstance(value, str | int | float):
            yield document, key


def another(value: Any) -> Any:
    """A value of the same shape."""
    if isinstance(value, dict):
        return {f"{name}x": inner for name, inner in value.items()}
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return "PT47S" if re.match(r"^PT[0-9]", value) else f"{value}x"


def _fields_of(bed: Bed, container: Any, key: Any) -> set[str]:
    """The fields that are observed otherwise where a value of the document is another."""
    document = bed.document()
    before, old = dict(leaves(bed.kind.wire.observe(document))), container[key]
    container[key] = another(old)
    try:
        after = dict(leaves(bed.kind.wire.observe(document)))
    finally:
        container[key] = old
    return {path for path in before if before[path] != after.get(path)}


def removed_outside(bed: Bed) -> None:
    """Drift says so, and an apply makes it again; a record of what was done is done without."""
    bed.applied()
    before, gone = bed.paths(), bed.there().object_id
    bed.memory.remove(gone)
    found = bed.drift()
    if bed.kind.traits.historic:
        assert not found.plan.changes_something
        assert bed.apply().added == 0
        return
    assert bed.address in {r.address for r in found.outside}
    assert f"{bed.address} was removed outside phift" in drift_text.render(found)
    bed.apply()
    bed.settled()
    assert bed.paths() == before


def tags_lost(bed: Bed) -> None:
    """What is known by its tags alone is refused, but for what stacks share; drift says so, and --take-over claims it.
    What carries its marks as properties, too, stays the stack's."""
    bed.applied()
    before = bed.paths()
    bed.lose_tags()
    if bed.kind.traits.nature is not Nature.MUTABLE:
        assert bed.there().ours
        assert not bed.planned(bed.plan()).action.adds, "made a second time"
    else:
        found = bed.drift()
        (resource,) = [r for r in found.claimable if r.address == bed.address]
        assert resource.reason == LOST
        if bed.kind.traits.shared:
            assert bed.planned(bed.plan()).action is Action.NO_OP
        else:
            with pytest.raises(RefusedError) as refused:
                bed.plan()
            (error,) = refused.value.diagnostics
            assert (error.code, error.address) == ("tags-removed", str(bed.address))
        plan = bed.plan(take_over=True)
        assert bed.planned(plan).action is Action.ADOPT
        bed.apply(plan)
    bed.apply()
    assert bed.there().ours
    bed.settled()
    assert bed.paths() == before
