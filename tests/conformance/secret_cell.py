"""The cell of secrets: one that is written out in a kind's block reaches the service and nothing else."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from conformance.bed import Bed, spec

from phift import phases
from phift.cli import planfile
from phift.concealing import AREAS
from phift.errors import InvalidSpecError
from phift.phases import ApplyOptions
from phift.plan.model import Plan
from phift.spec import render_yaml
from phift.views import json as json_view
from phift.views import markdown
from phift.views.base import PlanOptions, Streams
from phift.views.human import diagnostics
from phift.views.human import drift as drift_text
from phift.views.human import history as history_text
from phift.views.human import plan as plan_text
from phift.views.human import status as status_text
from phift.views.human.apply import PlainApply
from phift.views.ndjson import JsonApply

__all__ = ["kept_secret", "no_place_for_secrets"]

BY_NAME, BY_SHAPE = "hunter2-hunter2", "hf_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"
EDITED, FOREIGN = "swordfish-swordfish", "opensesame-opensesame"
SECRETS = (BY_NAME, BY_SHAPE, EDITED, FOREIGN)


def kept_secret(bed: Bed, block: tuple[str, ...]) -> None:
    """Planned, applied, edited, and changed outside: nothing that phift prints, saves or logs holds the value, and the
    service has it. block: of the kind, in the spec."""
    bed.write(_with(block, _areas(bed, block), BY_NAME))
    with _logged() as log:
        said = [*_planned(bed), *_carried_out(bed)]
        held = json.dumps(bed.document())
        assert BY_NAME in held, "it must reach the service"
        assert BY_SHAPE in held
        bed.settled()
        _replace(bed.document(), BY_NAME, FOREIGN)
        found = bed.drift()
        said += [repr(found), drift_text.render(found), json_view.drift(found)]
        bed.write(_with(block, _areas(bed, block), EDITED))
        said += [*_planned(bed), *_carried_out(bed), *_looked_at(bed)]
    for text in (*said, log.getvalue(), _ledger(bed)):
        assert [secret for secret in SECRETS if secret in text] == []
    assert any("fingerprint" in text for text in said), "it is told that there is one"


def no_place_for_secrets(bed: Bed, block: tuple[str, ...]) -> None:
    """Its block takes none of what may hold one, and what the resource writes has no tags either."""
    assert _accepted(bed, block) == []
    assert set(bed.desired.properties) & set(AREAS) == set()


def _areas(bed: Bed, block: tuple[str, ...]) -> list[str]:
    found = _accepted(bed, block)
    assert found, "say in the table that its block takes no secret"
    return found


def _accepted(bed: Bed, block: tuple[str, ...]) -> list[str]:
    """The areas of literal secrets that the block may have."""
    found = []
    for area in AREAS:
        request = bed.world.write("probe.yaml", "probe", **_with(block, [area], BY_NAME))
        try:
            phases.load(request)
        except InvalidSpecError:
            continue  # the block has no such key
        found.append(area)
    (bed.world.folder / "probe.yaml").unlink()
    return found


def _with(block: tuple[str, ...], areas: list[str], value: str) -> dict[str, Any]:
    """The spec with secrets in those areas of the block, and in the tags that all its objects get."""
    blocks = json.loads(json.dumps(spec()))
    inner = blocks
    for name in block:
        inner = inner.setdefault(name, {})
    flat = {"deployKey": value, "NOTE": BY_SHAPE}
    for area in areas:
        inner[area] = {**inner.get(area, {}), **({"properties": flat} if area == "azure" else flat)}
    blocks["tags"] = {**blocks["tags"], "hubToken": value}
    return dict(blocks)


def _planned(bed: Bed) -> Iterator[str]:
    loaded, plan = phases.load(bed.request), bed.plan()
    assert [w for w in plan.warnings if w.code == "literal-secret"]
    file = bed.world.folder / "plan.json"
    planfile.write(file, plan, bed.request)
    yield from (
        repr(plan),
        plan_text.render(plan, PlanOptions(show_unchanged=True, show_suppressed=True)),
        markdown.plan(plan),
    )
    yield from (json_view.plan(plan), json_view.rendered(loaded), render_yaml(loaded), repr(loaded))
    yield from (repr(bed.bench().stack), repr(bed.live()))
    yield from (diagnostics.render(plan.warnings), file.read_text(encoding="utf-8"))
    file.unlink()


def _carried_out(bed: Bed) -> Iterator[str]:
    """What an apply prints, in either format."""
    plan: Plan = bed.plan()
    out, lines = io.StringIO(), io.StringIO()
    views = (PlainApply(Streams(out=lines, err=lines)), JsonApply(Streams(out=out, err=out)))
    for view in views:
        view.planned(plan)

    def tell(event: Any) -> None:
        bed.world.events.append(event)
        for view in views:
            view(event)

    result = phases.apply(plan, bed.request, bed.memory.connect, listener=tell, options=ApplyOptions())
    assert result.exit_code == 0
    for view in views:
        view.finish(result)
    yield from (repr(result), repr(bed.world.events), out.getvalue(), lines.getvalue())


def _looked_at(bed: Bed) -> Iterator[str]:
    status = phases.status(bed.request, bed.memory.connect)
    history = phases.history(bed.request, bed.memory.connect)
    yield from (repr(status), status_text.render(status), json_view.status(status))
    yield from (repr(history), history_text.render(history), json_view.history(history))
    yield json_view.document(phases.outputs(bed.request, bed.memory.connect))


def _ledger(bed: Bed) -> str:
    blobs = bed.memory.blobs
    return b"".join(blobs.get(name) for name in blobs.list("phift/stacks/")).decode()


def _replace(document: Any, old: str, new: str) -> None:
    for key, value in list(document.items() if isinstance(document, Mapping) else enumerate(document)):
        if value == old:
            document[key] = new
        elif isinstance(value, dict | list):
            _replace(value, old, new)


@contextmanager
def _logged() -> Iterator[io.StringIO]:
    """Everything that is logged, however unimportant."""
    text, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
