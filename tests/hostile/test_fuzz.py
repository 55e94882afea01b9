"""Specs, lock files and saved plans with something wrong anywhere: each is read, or refused with words of ours."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import plans
import pytest
from hostile import SPEC

from phift.address import Address
from phift.cli import planfile
from phift.diagnostics import Diagnostic, Mark, Severity
from phift.errors import DiagnosticsError, PhiftError
from phift.lock import Lock, PinnedComponent, PinnedData, PinnedModel, StackLock, read_lock
from phift.phases import Request
from phift.plan.action import Action, ChangeAction, ChangedBy
from phift.plan.model import FieldChange, Plan, PlannedResource
from phift.spec import load_all, render_yaml
from phift.views import json as json_view
from phift.views import markdown
from phift.views.base import PlanOptions
from phift.views.human import diagnostics, errors
from phift.views.human import plan as text

CONFIGS = Path(__file__).parents[2] / "configs"
MORE = """\
extends: base.yaml
vars: {a: 1, b: "{{ vars.a + 1 }}", c: [1, x, {d: 2}], e: "{{ vars.c | length }}-{{ env.USER | default('me') }}"}
matrix: {size: [small, large], rate: [5e-6, 1.0e-5]}
description: "{{ vars.b }} of {{ vars.size }} ${{ parent.x }}"
tags: &tags {team: a, other: "{{ target.name }}"}
endpoint: {auth_mode: key, tags: *tags, azure: {properties: {x: [1, 2]}}}
deployment:
  instance_type: Standard_NC24ads_A100_v4
  environment_variables: {LEVEL: info, API_TOKEN: {secret: env:A}, OTHER_TOKEN: hunter2hunter2}
targets:
  local: {default: true}
  prod: {workspace: {subscription_id: s, resource_group: r, name: w}, compute: {finetune: {max_instances: 2}}}
"""
SPECS = [path.read_text(encoding="utf-8") for path in sorted(CONFIGS.glob("*.yaml"))] + [SPEC, SPEC + MORE]
PINS = StackLock(
    base_model=PinnedModel(requested="r", id="i", version="15", model_defaults={"learning_rate": "5e-6", "n": 3}),
    component=PinnedComponent(requested="r", id="i", version="1"),
    data=PinnedData(preparation=1, revisions={"train": "3d5f"}),
)
LOCKS = [Lock(stacks={"base": PINS, "other": PINS}).text(), "version: 1\nstacks: {base: {data: {preparation: 1}}}\n"]
PLAN = plans.plan(
    resources=(
        PlannedResource(
            Address("compute", "finetune"),
            Action.UPDATE,
            "gpu",
            "size changed",
            changes=(FieldChange("size", "a", "b", ChangeAction.UPDATE, by=ChangedBy.OUTSIDE, applied="a"),),
            desired={"size": "a", "tags": {"team": "a", "n": [1, 2.5, None, True]}},
            details={"gpus": 4, "instance_count": 1},
            depends_on=(Address("data", "train"),),
            notes=("a note",),
        ),
        PlannedResource(Address("job", "finetune"), Action.RUN, "s-1", desired={"parameters": {"a": "1"}}),
    ),
    warnings=(Diagnostic("odd", Severity.WARNING, mark=Mark("s.yaml", 3, 1), code="c"),),
    notes=("n",),
    lock={"base_model": {"version": "16"}},
    env_names=("USER",),
)
REQUEST = {"request": {"target": "local", "variables": {"a": "1"}, "variable_files": ["v.yaml"]}}
PLANS = [json.dumps(PLAN.to_dict() | REQUEST, indent=2), json.dumps(PLAN.to_dict())]
TOKENS = (
    *("{", "}", "[", "]", ":", ": ", "- ", "\n", "\n  ", ",", "#", "&a ", "*a", "!!int ", "|", ">", "'", '"', "? "),
    *("{{ ", " }}", "{% ", " %}", "${{", "}}", "{{ vars.a }}", "{{ 1 | round(-9) }}", "{{ [vars.c, vars.c] }}", "~"),
    *("null", "true", "1e400", ".nan", "-.inf", "0x" + "f" * 90, "9" * 400, "1.5", "-1", "[]", "{}", "<<: ", "---\n"),
    *("\x00", "\x1b[2J", "\u202e", "\ufeff", "\ue000", "\u2028", "é", "\U0001f600", "\t", "\r", "\\ud800", "\\u0000"),
    *(
        "extends: spec.yaml\n",
        "matrix: {a: [1, 2]}\n",
        "vars: 3\n",
        "targets: []\n",
        "version: 2\n",
        "../..",
        "/dev/zero",
    ),
    *("(" * 50, "[" * 90, "{a: " * 90, "- " * 90, '"a": ' * 9, "NaN", "Infinity", '"format_version": "1.0",'),
)


def mutated(rnd: random.Random, source: str) -> bytes:
    """The text with a few things wrong."""
    for _ in range(rnd.choice((1, 1, 1, 2, 5))):
        start = rnd.randrange(len(source) + 1)
        end = min(len(source), start + rnd.choice((0, 1, 3, 12, 60)))
        match rnd.randrange(8):
            case 0:
                source = source[:start] + source[end:]
            case 1:
                source = source[:start] + source[start:end] * rnd.choice((2, 3, 30)) + source[end:]
            case 2 | 3 | 4:
                source = source[:start] + rnd.choice(TOKENS) + source[end:]
            case 5:
                lines = source.splitlines(keepends=True) or [""]
                one, other = rnd.randrange(len(lines)), rnd.randrange(len(lines))
                lines[one], lines[other] = lines[other], lines[one]
                source = "".join(lines)
            case 6:
                at = source.find(":", start)
                after = source.find("\n", at)
                if 0 <= at < after:
                    source = f"{source[:at]}: {rnd.choice(TOKENS)}{source[after:]}"
            case _:
                source = source[:start] if rnd.random() < 0.2 else source.replace("  ", " ", 1)
    raw = source.encode("utf-8", "surrogatepass")
    if rnd.random() < 0.05 and raw:
        at = rnd.randrange(len(raw))
        raw = raw[:at] + bytes([rnd.randrange(256)]) + raw[at + 1 :]
    return raw


def spec(path: Path) -> None:
    for loaded in load_all(path, environ={"AZURE_SUBSCRIPTION_ID": "s"}):
        assert len(loaded.digest) == 64
        assert render_yaml(loaded)
        assert set(loaded.origins)
        assert "hunter2hunter2" not in diagnostics.render(loaded.warnings)


def lock(path: Path) -> None:
    read_lock(path).text()


def plan(path: Path) -> None:
    if not planfile.is_plan(path):
        return
    found, request = planfile.read(path)
    assert isinstance(request, Request)
    assert Plan.from_dict(json.loads(json_view.plan(found))).stack == found.stack
    assert text.render(found, PlanOptions(show_unchanged=True))
    assert len(markdown.plan(found)) < markdown.LIMIT + 600


KINDS: tuple[tuple[str, list[str], Callable[[Path], None]], ...] = (
    ("spec.yaml", SPECS, spec),
    ("spec.yaml", SPECS, spec),
    ("phift.lock", LOCKS, lock),
    ("plan.json", PLANS, plan),
    ("plan", PLANS, plan),
)


def require_words(error: PhiftError) -> None:
    assert errors.render(error)
    assert not isinstance(error, DiagnosticsError) or error.diagnostics


def fuzz(folder: Path, count: int, seed: int) -> Counter[str]:
    """How many were read and refused. Whatever else is raised names its number and the input."""
    (folder / "base.yaml").write_text("tags: {from: base}\n", encoding="utf-8")
    came: Counter[str] = Counter()
    for number in range(count):
        rnd = random.Random(f"{seed}-{number}")
        name, sources, read = rnd.choice(KINDS)
        raw = mutated(rnd, rnd.choice(sources))
        path = folder / name
        path.write_bytes(raw)
        start = time.process_time()
        try:
            read(path)
            came[f"{read.__name__} read"] += 1
        except PhiftError as error:
            require_words(error)
            came[f"{read.__name__} refused"] += 1
        except BaseException as error:
            raise AssertionError(f"number {number}, seed {seed}: {error!r} of {name}:\n{raw!r}") from error
        assert time.process_time() - start < 2, f"number {number}, seed {seed}: {raw!r}"
    return came


@pytest.mark.parametrize(
    "count", [pytest.param(400, id="some"), pytest.param(20_000, id="all", marks=pytest.mark.matrix)]
)
def test_nothing_but_words_of_ours(tmp_path: Path, count: int, record_property: Callable[[str, object], None]) -> None:
    came = fuzz(tmp_path, count, seed=7)
    assert min(came.values()) > count // 100, came
    record_property("tried", f"fuzzed input: {', '.join(f'{n} {what}' for what, n in sorted(came.items()))}")
