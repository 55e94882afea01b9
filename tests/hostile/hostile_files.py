"""Files that are not what they are taken for: bases, data, variable files, lock files, saved plans."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from hostile import SPEC, Hostile, spec

__all__ = ["FILES"]


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def plan(**keys: object) -> str:
    """A saved plan, with some of its keys as given."""
    body = {
        "format_version": "1.0",
        "purpose": "apply",
        "stack": "base",
        "target": "local",
        "workspace": "Azure ML emulator",
        "spec": {"path": "spec.yaml", "source": "#spec.yaml", "digest": "0" * 64, "env": []},
        "created": "2026-01-01T00:00:00Z",
        "counts": {"add": 0, "change": 0, "destroy": 0, "unchanged": 0},
        "resources": [],
        "warnings": [],
        "notes": [],
        "lock": {},
        "request": {"target": None, "variables": {}, "variable_files": []},
    }
    return json.dumps({**body, **keys})


def deep_plan(key: str, depth: int) -> str:
    return plan(**{key: "@"}).replace('"@"', "[" * depth + "]" * depth)


SHOW = ("show", "plan.json")
APPLY = ("apply", "plan.json")
RENDER = ("render", "spec.yaml")
LOCK_HEAD = "version: 1\nstacks:\n"
NAMED = (
    "import sys; from pathlib import Path; from phift.data.sources import identify\n"
    "from phift.errors import InvalidSpecError\n"
    "try: identify({{'path': {path!r}}}, Path())\n"
    "except InvalidSpecError as e: print(e.diagnostics[0].code, e.diagnostics[0].summary); sys.stdout.flush(); "
    "import os; os._exit(1)"
)

FILES: tuple[Hostile, ...] = (
    # files
    Hostile("extends: /dev/zero", spec("extends: /dev/zero\n"), "outside", ("file-outside",)),
    Hostile(
        "extends a FIFO",
        spec("extends: pipe.yaml\n") | {"pipe.yaml": fifo},
        "not a regular file",
        ("file-not-regular",),
    ),
    Hostile(
        "extends a symlink loop",
        spec("extends: loop.yaml\n") | {"loop.yaml": link("loop.yaml")},
        "",
        ("file-unreadable",),
    ),
    Hostile(
        "extends ../secrets.txt",
        {"in/spec.yaml": SPEC + "extends: ../secrets.txt\n", "secrets.txt": "PASSWORD: hunter2\n"},
        "",
        ("file-suffix",),
        words=("validate", "--format", "json", "in/spec.yaml"),
    ),
    Hostile("extends with a NUL", spec('extends: "a\\0b.yaml"\n'), "", ("file-unreadable",)),
    Hostile("extends a name of 100,000 characters", spec(f"extends: {'a' * 100_000}.yaml\n"), "", ("file-unreadable",)),
    Hostile(
        "extends in a chain of 1,000",
        {"spec.yaml": "extends: e0.yaml\n" + SPEC, **{f"e{n}.yaml": f"extends: e{n + 1}.yaml\n" for n in range(3000)}},
        "",
        ("extends",),
    ),
    Hostile(
        "extends doubled 20 times",
        {
            "spec.yaml": "extends: [e0.yaml, e0.yaml]\n" + SPEC,
            **{f"e{n}.yaml": f"extends: [e{n + 1}.yaml, e{n + 1}.yaml]\n" for n in range(20)},
        },
        "",
        ("extends",),
    ),
    Hostile(
        "extends itself 10,000 times",
        spec(f"extends: [{', '.join(['e.yaml'] * 10_000)}]\n") | {"e.yaml": "tags: {}\n"},
        "",
        ("extends",),
    ),
    Hostile("a spec that is a FIFO", {"spec.yaml": fifo}, "not a regular file", ("file-not-regular",)),
    Hostile("a spec that is a symlink loop", {"spec.yaml": link("spec.yaml")}, "", ("file-unreadable",)),
    Hostile(
        "a FIFO among the specs of a folder",
        {"all/spec.yaml": SPEC, "all/pipe.yaml": fifo},
        "",
        (),
        words=("validate", "all", "--no-data"),
        exit=0,
    ),
    Hostile("path: /**/*.jsonl", {}, "data-files", words=("python", NAMED.format(path="/**/*.jsonl"))),
    Hostile("path: a name of 100,000 characters", {}, "data-", words=("python", NAMED.format(path="a" * 100_000))),
    Hostile("path: a NUL", {}, "data-", words=("python", NAMED.format(path="a\0b"))),
    Hostile("path: a FIFO", {"pipe.jsonl": fifo}, "data-", words=("python", NAMED.format(path="pipe.jsonl"))),
    Hostile("path: /dev/zero", {}, "data-", words=("python", NAMED.format(path="/dev/zero"))),
    Hostile(
        "path: stars",
        {"a" * 200 + ".jsonl": "{}"},
        "data-",
        words=("python", NAMED.format(path="*a" * 60 + "*b.jsonl")),
    ),
    Hostile("validate /**/*.yaml", {}, "", words=("validate", "/**/*.yaml")),
    Hostile("validate /", {}, "", words=("validate", "/")),
    # the command line
    Hostile(
        "--var of 20,000 digits",
        spec('vars: {x: 1}\ndescription: "{{ vars.x }}"\n'),
        "",
        words=("render", "spec.yaml", "--var", f"x={'9' * 20_000}"),
        exit=0,
    ),
    Hostile(
        "--var x=1e400",
        spec("vars: {x: 1}\n"),
        "finite",
        ("invalid-value",),
        words=("validate", "--format", "json", "spec.yaml", "--var", "x=1e400"),
    ),
    Hostile(
        "--var-file FIFO",
        spec("vars: {x: 1}\n") | {"v.yaml": fifo},
        "not a regular file",
        ("file-not-regular",),
        words=("validate", "--format", "json", "spec.yaml", "--var-file", "v.yaml"),
    ),
    Hostile(
        "--var-file /dev/zero",
        spec("vars: {x: 1}\n"),
        "",
        ("file-outside",),
        words=("validate", "--format", "json", "spec.yaml", "--var-file", "/dev/zero"),
    ),
    Hostile(
        "--var-file [ x 60,000",
        spec("vars: {x: 1}\n") | {"v.yaml": "[" * 60_000},
        "nested",
        ("yaml-depth",),
        words=("validate", "--format", "json", "spec.yaml", "--var-file", "v.yaml"),
    ),
    Hostile(
        "--var-file with 10,000 names",
        spec("vars: {x: 1}\n") | {"v.yaml": "".join(f"name{n}: 1\n" for n in range(10_000))},
        "more",
        ("var-unknown",),
        words=("validate", "--format", "json", "spec.yaml", "--var-file", "v.yaml", "--no-data"),
        exit=0,
    ),
    # locks
    Hostile("a lock [ x 60,000", spec() | {"phift.lock": "[" * 60_000}, "nested", words=RENDER),
    Hostile(
        "a lock with one key 10,000 times",
        spec() | {"phift.lock": LOCK_HEAD + "  base:\n" * 10_000},
        "more",
        words=RENDER,
    ),
    Hostile(
        "a lock with 10,000 unknown keys",
        spec() | {"phift.lock": LOCK_HEAD + "  base: {}\n" + "".join(f"k{n}: 1\n" for n in range(10_000))},
        "more",
        words=RENDER,
    ),
    Hostile(
        "a lock with a deep pin",
        spec() | {"phift.lock": LOCK_HEAD + "  base:\n    data:\n      x: " + "[" * 60_000 + "\n"},
        "nested",
        words=RENDER,
    ),
    Hostile("a lock that is a FIFO", spec() | {"phift.lock": fifo}, "not a regular file", words=RENDER),
    Hostile("a lock that is a symlink loop", spec() | {"phift.lock": link("phift.lock")}, "", words=RENDER),
    Hostile(
        "a lock of 65 MB",
        spec() | {"phift.lock": lambda path: os.truncate(path, 65_000_000) if path.touch() is None else None},
        "64 MB",
        words=RENDER,
    ),
    Hostile(
        "a lock with a number of 20,000 digits",
        spec() | {"phift.lock": LOCK_HEAD + f"  base:\n    data:\n      preparation: {'9' * 20_000}\n"},
        "",
        words=RENDER,
    ),
    Hostile(
        "a lock of version 1 + 900,000 characters",
        spec() | {"phift.lock": f"version: 1{'x' * 900_000}\n"},
        "",
        words=RENDER,
    ),
    # plans
    Hostile("a plan with [ x 100,000", {"plan.json": deep_plan("resources", 100_000)}, "not a valid plan", words=SHOW),
    Hostile(
        "a plan with [ x 100,000, unclosed",
        {"plan.json": '{"format_version": "1.0", "a": ' + "[" * 100_000},
        "not a valid plan",
        words=APPLY,
    ),
    Hostile("a plan file that is [ x 100,000", {"plan.json": "[" * 100_000}, "", words=APPLY),
    Hostile("a plan with a deep value", {"plan.json": deep_plan("lock", 500)}, "not a valid plan", words=SHOW),
    Hostile("a plan cut short", {"plan.json": plan()[:-40]}, "not a valid plan", words=APPLY),
    Hostile("an empty plan", {"plan.json": ""}, "not a valid plan", words=APPLY),
    Hostile(
        "a plan with a number of 20,000 digits",
        {"plan.json": plan(counts=0).replace('"counts": 0', '"counts": ' + "9" * 20_000)},
        "not a valid plan",
        words=APPLY,
    ),
    Hostile("a plan with NaN", {"plan.json": plan(resources=float("nan"))}, "not a valid plan", words=SHOW),
    Hostile(
        "a plan with 1e999",
        {"plan.json": plan(stack=0).replace('"stack": 0', '"stack": 1e999')},
        "not a valid plan",
        words=SHOW,
    ),
    Hostile("a plan that is a FIFO", {"plan.json": fifo}, "not a regular file", words=SHOW),
    Hostile(
        "a plan of 65 MB",
        {"plan.json": lambda path: os.truncate(path, 65_000_000) if path.touch() is None else None},
        "64 MB",
        words=SHOW,
    ),
    Hostile(
        "a plan whose spec is /dev/zero",
        {"plan.json": plan(spec={"path": "/dev/zero", "source": "", "digest": "", "env": []})},
        "not a regular file",
        words=("apply", "plan.json"),
    ),
)
