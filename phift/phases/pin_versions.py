"""Pin versions in the lock file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from phift.data.checks import Found
from phift.data.hub.pins import HubRequest, HubSplit
from phift.diagnostics import Diagnostic, errors_of
from phift.display import Displayed
from phift.errors import InvalidSpecError
from phift.lock import PinnedData, read_lock, update_lock
from phift.workbench.open import Workbench, open_workbench
from phift.workbench.request import Connector, Request
from phift.workbench.rows import asks_checks, checked_recipes, counter_of, judged, pins_with, run

__all__ = ["LockReport", "MovedData", "lock"]


@dataclass(frozen=True)
class MovedData:
    """The pin of a split. requested: id@revision, or an address; before, now: the commits, or with digest the SHA-256
    of the content; before "" where there was no pin. effect: consequence for the training, for display.
    """

    split: str
    requested: str
    before: str
    now: str
    effect: str
    digest: bool = False


@dataclass(frozen=True)
class LockReport(Displayed):
    """path: of the lock file. changes: (what, before, now) written to it. newer: (what, pinned, newest) left alone.

    data: the splits of the hub or at an address whose pins were written. notes: versions that could not be determined.
    checked: results of the data checks by split; findings: those according to the spec. written: whether the file
    changed.
    """

    path: Path
    changes: tuple[tuple[str, str, str], ...]
    newer: tuple[tuple[str, str, str], ...]
    data: tuple[MovedData, ...] = ()
    notes: tuple[str, ...] = ()
    checked: Mapping[str, Found] = field(default_factory=dict)
    findings: tuple[Diagnostic, ...] = ()
    written: bool = False

    @property
    def refused(self) -> bool:
        """Whether a check rejects the data."""
        return bool(errors_of(self.findings))


def lock(request: Request, connect: Connector, *, upgrade: bool = False, check: bool = False) -> LockReport:
    """Pin versions that are not pinned yet. upgrade: update all pins to the newest versions.

    check: also run the data checks, including those with pinned results, and pin the results. Raises RefusedError for
    unfit rows.
    """
    bench = open_workbench(request, connect, upgrade=upgrade)
    recipes = checked_recipes(bench.resolved.facts.data.values()) if check else {}
    checked = run(recipes, counter_of(bench.loaded)) if asks_checks(bench.loaded) else {}
    if checked:
        pins = bench.resolved.pins.model_copy(update={"data": pins_with(bench.resolved.pins.data, checked)})
        bench = replace(bench, resolved=replace(bench.resolved, pins=pins))
    bench, added = _with_inputs(bench)
    before = bench.pinned.plain()
    now = bench.resolved.pins.plain()
    moved = (
        *_moved(_hub(bench.pinned.data), _hub(bench.resolved.pins.data)),
        *_moved_addresses(_addresses(bench.pinned.data), _addresses(bench.resolved.pins.data)),
    )
    written = update_lock(bench.lock_path, {bench.loaded.stack: bench.resolved.pins})
    behind, notes = ((), ()) if upgrade else _behind(bench)
    if check and not asks_checks(bench.loaded):
        notes = (*notes, "the spec does not define data.checks: nothing to check")
    for data in (before.get("data"), now.get("data")):
        if data:
            data.pop("hub", None)  # reported by split
            data.pop("addresses", None)
            data.pop("checks", None)
    return LockReport(
        bench.lock_path,
        (*_changes(before, now), *added),
        (*((n.what, n.pinned, n.newest) for n in bench.resolved.newer), *behind),
        moved,
        notes,
        checked,
        tuple(judged(bench.loaded, recipes, checked)),
        written,
    )


def _with_inputs(bench: Workbench) -> tuple[Workbench, list[tuple[str, str, str]]]:
    """Return the bench with the inputs of the component in its pins, and the change that this is to the lock file."""
    pins, component = bench.resolved.pins, bench.resolved.facts.component
    if component is None or pins.component is None or component.id in read_lock(bench.lock_path).inputs:
        return bench, []
    pinned = pins.component.model_copy(update={"inputs": component.interface.plain})
    bench = replace(bench, resolved=replace(bench.resolved, pins=pins.model_copy(update={"component": pinned})))
    return bench, [("component.inputs", "", f"{len(component.interface.inputs)} inputs")]


def _hub(pinned: PinnedData | None) -> dict[str, HubSplit]:
    """Return the valid pins by split. Damaged ones that are in use were rejected before."""
    found = {}
    for split, pin in ((pinned.hub if pinned else None) or {}).items():
        with contextlib.suppress(InvalidSpecError):
            found[split] = HubSplit.from_plain(pin)
    return found


def _moved(before: Mapping[str, HubSplit], now: Mapping[str, HubSplit]) -> Iterator[MovedData]:
    for split, new in now.items():
        old = before.get(split)
        if old != new:
            yield MovedData(split, new.requested, old.revision if old else "", new.revision, _effect(old, new))


def _addresses(pinned: PinnedData | None) -> Mapping[str, Mapping[str, Any]]:
    return (pinned.addresses if pinned else None) or {}


def _moved_addresses(
    before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> Iterator[MovedData]:
    for split, new in now.items():
        old = before.get(split, {})
        if old != new:
            was = str(old.get("sha256", ""))
            same = was == new["sha256"]
            effect = "pinned" if not was else "the same content" if same else "other content: a new data version"
            yield MovedData(split, str(new["requested"]), was, str(new["sha256"]), effect, digest=True)


def _effect(old: HubSplit | None, new: HubSplit) -> str:
    """Describe the effect of a new pin: the same files are the same data version, whatever the commit."""
    if old is None:
        return "pinned"
    if old.contents() == new.contents():
        return "the same files: no new data version"
    known = {file.sha256 for file in old.files}
    changed = sum(file.sha256 not in known for file in new.files)
    if not changed or not old.files:
        return "other files: a new data version"
    noun = "file" if len(new.files) == 1 else "files"
    return f"{changed} of {len(new.files)} {noun} changed: a new data version"


def _behind(bench: Workbench) -> tuple[tuple[tuple[str, str, str], ...], tuple[str, ...]]:
    """Return the branches and tags of the hub that have changed since they were pinned, and notes about failed
    reads."""
    from phift.data.hub import HubClient, HubError, newest

    pins = _hub(bench.resolved.pins.data)
    fresh = _hub(bench.pinned.data)
    asked = {pin.requested: pin for split, pin in pins.items() if fresh.get(split) == pin}
    behind, notes = [], []
    for requested, pin in sorted(asked.items()):
        id, _, reference = requested.partition("@")
        # A configuration may follow the revision, which has slashes of its own.
        request = HubRequest(id, reference.removesuffix(f"/{pin.config}"))
        if request.revision == pin.revision:
            continue
        try:
            with HubClient() as client:
                commit = newest(request, client)
        except HubError as error:
            notes.append(f"cannot determine whether {requested} has changed: {error}")
            continue
        if commit != pin.revision:
            behind.append((requested, pin.revision[:8], commit[:8]))
    return tuple(behind), tuple(notes)


def _changes(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if isinstance(new, Mapping) and isinstance(old, Mapping | None):
            yield from _changes(old or {}, new, f"{prefix}{key}.")
        elif old != new:
            yield f"{prefix}{key}", "" if old is None else str(old), "" if new is None else str(new)
