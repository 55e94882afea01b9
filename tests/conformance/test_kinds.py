"""Every kind of the registry: what it writes is what it reads, in the emulator.

The stacks are compiled from specs, a minimal one and one that declares whatever it can. A kind that is new in the
registry and in neither of them fails here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from support import Embedded, Project

from phift.address import Address
from phift.kinds.base import Kind
from phift.kinds.context import Context
from phift.kinds.progress import Progress
from phift.kinds.progress import Written as Outcome
from phift.kinds.registry import KINDS
from phift.plan.diff import diff
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.overrides import leaves
from phift.state.ownership import APPLIED, STACK, applied_digest
from phift.state.rules import rules_of
from phift.workbench.open import open_workbench

SERVING = """\
endpoint: {auth_mode: key}
deployment:
  instance_type: Standard_NC24ads_A100_v4
  code_configuration: {code: code, scoring_script: score.py}
  environment: {image: "image:1"}
  autoscale: {maximum: 2, rules: [{metric: GpuUtilizationPercentage, above: 70, add: 1}]}
tests:
  smoke: {rows: 1}
"""

SCRIPT = "def init(): ...\ndef run(data): return {'output': 'yes'}\n"

EVERYTHING = """\
endpoint:
  auth_mode: aml_token
  description: answers
  tags: {team: e}
  public_network_access: enabled
  identity:
    type: user_assigned
    user_assigned_identities:
      - /subscriptions/0/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id
  properties: {purpose: test}
deployment:
  instance_type: Standard_NC24ads_A100_v4
  description: serves
  autoscale:
    minimum: 2
    initial: 3
    maximum: 6
    rules:
      - {metric: GpuUtilizationPercentage, above: 70.5, add: 1, window_minutes: 10, cooldown_minutes: 90}
      - {metric: GpuUtilizationPercentage, at_most: 25, remove: 50%, statistic: maximum, time_aggregation: last}
      - {metric: RequestLatency_P95, at_least: 800, add: 2, grain_minutes: 5, statistic: minimum}
      - {metric: RequestsPerMinute, below: 10, set: 2, per_instance: true, time_aggregation: total}
      - {metric: ConnectionsActive, above: 100, add: 1, statistic: sum}
    schedules:
      office: {days: [weekdays], begin: "08:00", end: "18:00", time_zone: Europe/Berlin, minimum: 3, maximum: 8}
      night: {days: [sunday, daily], begin: "22:00", end: "6:30", time_zone: Europe/Berlin, rules: []}
      weekend: {days: [weekend], begin: "00:00", maximum: 3}
      sale: {begin: 2026-11-27T00:00, end: 2026-11-30 12:30:15, time_zone: Tokyo Standard Time, initial: 6}
  tags: {team: d}
  environment_variables: {LEVEL: info}
  app_insights_enabled: true
  code_configuration: {code: code, scoring_script: score.py}
  environment:
    name: answering
    build: {path: code, dockerfile_path: score.py}
    description: an image
    tags: {team: v}
    inference_config:
      liveness_route: {path: /, port: 5001}
      readiness_route: {path: /, port: 5001}
      scoring_route: {path: /score, port: 5001}
  data_collector:
    collections:
      model_inputs: {enabled: true, client_id: "0"}
      model_outputs: {enabled: false, sampling_rate: 1}
    rolling_rate: day
    sampling_rate: 0.25
    request_logging: {capture_headers: [x-ms-client]}
  properties: {purpose: test}
  liveness_probe: {initial_delay: 600, period: 11, timeout: 3, success_threshold: 1, failure_threshold: 31}
  readiness_probe: {initial_delay: 10, period: 12, timeout: 4, success_threshold: 2, failure_threshold: 32}
  request_settings: {request_timeout_ms: 90000, max_concurrent_requests_per_instance: 2}
tests:
  smoke: {rows: 1, parameters: {temperature: 0.6}}
"""

WITHOUT_OBJECT = {"test"}
"""Kinds that do something and leave no object to observe."""

PATIENCE = 90.0


@dataclass
class Written:
    """A stack all of whose resources were written once, in order."""

    context: Context
    resources: list[Desired[Any]]
    live: dict[Address, Live | None] = field(default_factory=dict)

    def of(self, kind: str) -> list[Desired[Any]]:
        return [d for d in self.resources if d.address.kind == kind]


def wait(kind: Kind[Any, Any], context: Context, desired: Desired, written: Outcome) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        progress: Progress = kind.wire.poll(context, desired, written)
        if progress.error:
            raise progress.error
        if progress.done:
            return
        assert time.monotonic() < deadline, f"{desired.address} is still {progress.state}"
        time.sleep(0.1)


@pytest.fixture(scope="module", params=["minimal", "everything"])
def written(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, embedded: Embedded
) -> Iterator[Written]:
    full = request.param == "everything"
    project = Project.small(tmp_path_factory.mktemp(request.param), f"conform-{request.param[:4]}", embedded)
    project.edit("targets:", (EVERYTHING if full else SERVING) + "targets:")
    if full:
        project.edit("    min_instances: 0", "    tier: low_priority\n    description: d\n    min_instances: 0")
        project.edit("version: 1\n", "version: 1\ndescription: everything\nprotect: true\n")
    code = project.folder / "code"
    code.mkdir()
    (code / "score.py").write_text(SCRIPT, encoding="utf-8")
    bench = open_workbench(project.request, embedded.connector)
    assert bench.stack.findings == ()
    outputs: dict[Address, dict[str, object]] = {}
    context = replace(bench.context, outputs=outputs, snapshot=None)
    made = Written(context, list(bench.stack.resources))
    try:
        for desired in made.resources:
            kind = KINDS[desired.address.kind]
            assert kind.wire.read(context, desired).live is None or desired.address.kind == "traffic"
            written = kind.wire.create(context, desired)
            wait(kind, context, desired, written)
            live = kind.wire.read(context, desired).live
            made.live[desired.address] = live
            outputs[desired.address] = {
                **written.outputs,
                **(kind.wire.outputs(context, desired, live) if live else {}),
            }
        yield made
    finally:
        for kind_name in ("autoscale", "endpoint", "compute"):
            for desired in made.of(kind_name):
                live = KINDS[kind_name].wire.read(context, desired).live
                if live is not None:
                    KINDS[kind_name].wire.delete(context, desired, live)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_what_is_read(written: Written, kind: str) -> None:
    samples = written.of(kind)
    assert samples, f"no stack here has a {kind}: give one to the specs of this module"
    for desired in samples:
        live = written.live[desired.address]
        if kind in WITHOUT_OBJECT:
            assert live is None
            continue
        assert live is not None
        changes, unchanged = diff(desired.properties, live.properties, rules_of(kind))
        assert [c for c in changes if c.action.value != "suppressed"] == []
        assert unchanged + len(changes) >= len([v for _, v in leaves(desired.properties) if v not in (None, {})])


@pytest.mark.parametrize("kind", sorted(set(KINDS) - WITHOUT_OBJECT - {"traffic"}))
def test_it_is_known_as_ours_with_what_was_applied(written: Written, kind: str) -> None:
    for desired in written.of(kind):
        live = written.live[desired.address]
        assert live is not None
        assert live.ours
        assert live.marks[STACK] == written.context.stack
        assert live.marks[APPLIED] == applied_digest(desired.properties)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - WITHOUT_OBJECT - {"job"}))
def test_reading_again_gives_the_same_fingerprint(written: Written, kind: str) -> None:
    for desired in written.of(kind):
        live, again = written.live[desired.address], KINDS[kind].wire.read(written.context, desired).live
        assert live is not None
        assert again is not None
        if kind == "endpoint":  # the split came after it
            assert again.properties == live.properties
        else:
            assert again.fingerprint == live.fingerprint


def test_the_kinds_say_who_they_are() -> None:
    for name, kind in KINDS.items():
        assert kind.name == name
        assert kind.traits.deadline > 0
