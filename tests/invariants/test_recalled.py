"""What a plan leaves as it is and its other resources need: where that is gone, the apply says so."""

from __future__ import annotations

from pathlib import Path

from worlds import World

from phift import phases
from phift.apply.events import ResourceFailed
from phift.errors import StalePlanError


def test_an_unchanged_resource_that_is_gone_is_an_event_and_not_only_an_exit_code(tmp_path: Path) -> None:
    world = World(tmp_path)
    request = world.write("spec.yaml", "gone")
    world.apply(request)
    text = request.path.read_text(encoding="utf-8")
    request.path.write_text(text.replace("0.001", "0.002"), encoding="utf-8")
    plan = world.plan(request)
    world.memory.blobs.forget("phift/data/")
    world.events.clear()
    result = phases.apply(
        plan, request, world.memory.connect, listener=world.events.append, options=phases.ApplyOptions()
    )
    assert result.exit_code == StalePlanError.exit_code
    failed = {str(e.address): e.error for e in world.events if isinstance(e, ResourceFailed)}
    assert set(failed) == {str(address) for address in result.failed} == {"data.train"}
    assert isinstance(failed["data.train"], StalePlanError)
