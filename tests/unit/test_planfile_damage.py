"""A saved plan that is not what it was: told as such, whatever is wrong with it, and never a traceback."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plans
import pytest

from phift.address import Address
from phift.cli import planfile
from phift.diagnostics import Diagnostic, Mark, Severity
from phift.errors import UsageError
from phift.phases import Request
from phift.plan.action import Action, ChangeAction
from phift.plan.model import FieldChange, Plan, PlannedResource

PLAN = plans.plan(
    resources=(
        PlannedResource(
            Address("compute", "finetune"),
            Action.UPDATE,
            "gpu",
            changes=(FieldChange("size", "a", "b", ChangeAction.UPDATE, applied="a"),),
            depends_on=(Address("data", "train"),),
            notes=("a note",),
        ),
    ),
    warnings=(Diagnostic("odd", Severity.WARNING, mark=Mark("s.yaml", 3, 1), code="c"),),
    notes=("n",),
    lock={"base_model": {"version": "16"}},
    env_names=("USER",),
)
REQUEST = {"request": {"target": "local", "variables": {"a": "1"}, "variable_files": ["v.yaml"]}}
DOCUMENT: dict[str, Any] = json.loads(json.dumps(PLAN.to_dict() | REQUEST))
OTHERS = (None, True, 7, 1.5, "text", [], {}, ["x"], [None], {"x": "y"}, [{"x": 1}], [["x"]])
FREE = {"wanted", "live", "applied"}


def keys(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every key of the document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*path, key)
        if key not in ("lock", "desired", "details"):
            yield from keys(inner, (*path, key))


def changed(path: tuple[str | int, ...], value: Any) -> str:
    document = json.loads(json.dumps(DOCUMENT))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize("path", list(keys(DOCUMENT)), ids=lambda path: ".".join(map(str, path)))
def test_a_value_of_another_type_is_damage_whatever_the_key(tmp_path: Path, path: tuple[str | int, ...]) -> None:
    file = tmp_path / "plan.json"
    told = []
    for value in OTHERS:
        file.write_text(changed(path, value))
        try:
            assert isinstance(planfile.read(file)[0], Plan)
        except UsageError as error:
            told.append(error.summary)
    assert told or path[-1] in FREE
    assert [said for said in told if "not a valid plan" not in said and "format version" not in said] == []


def test_a_later_minor_version_may_have_more_keys(tmp_path: Path) -> None:
    document = json.loads(json.dumps(DOCUMENT | {"more": 1, "format_version": "1.9"}))
    document["resources"][0]["more"] = {}
    document["resources"][0]["changes"][0]["more"] = 1
    document["warnings"][0]["more"] = 1
    document["warnings"][0]["mark"]["more"] = 1
    document["request"]["more"] = 1
    (tmp_path / "plan.json").write_text(json.dumps(document))
    assert planfile.read(tmp_path / "plan.json")[0] == PLAN


def test_an_earlier_one_may_have_fewer(tmp_path: Path) -> None:
    document = json.loads(json.dumps(DOCUMENT))
    for key in ("reason", "by", "rule", "sensitive", "applied"):
        del document["resources"][0]["changes"][0][key]
    for key in ("detail", "remedy", "mark", "path", "address", "code"):
        del document["warnings"][0][key]
    del document["request"], document["counts"], document["spec"]["env"]
    (tmp_path / "plan.json").write_text(json.dumps(document))
    assert planfile.read(tmp_path / "plan.json")[0].stack == "s"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"not JSON", "not JSON"),
        (b"\xff\xfe{", "not JSON"),
        (b"[]", "not a JSON object"),
        (json.dumps(DOCUMENT).encode()[:-1], "not JSON: unexpected end of data, line 1, column"),
        (json.dumps(DOCUMENT).encode()[:9], "not JSON"),
        (json.dumps(DOCUMENT | {"notes": float("nan")}).encode(), "not JSON"),
        (json.dumps(DOCUMENT).replace('"unchanged": 0', '"unchanged": 1e999').encode(), "not JSON"),
        (json.dumps(DOCUMENT).replace('"unchanged": 0', '"unchanged": ' + "9" * 9000).encode(), "not JSON"),
        (json.dumps(DOCUMENT).replace('"unchanged": 0', '"unchanged": ' + "9" * 30).encode(), "unchanged must be"),
        (b'{"format_version": "1.0", "a": ' + b"[" * 100_000, "not JSON"),
        (json.dumps(DOCUMENT | {"lock": {"a": "@"}}).replace('"@"', "[" * 90 + "]" * 90).encode(), "64 levels deep"),
        (b'{"format_version": "1.0"}', "is missing"),
    ],
)
def test_it_says_what_is_wrong(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    assert planfile.is_plan(file)
    with pytest.raises(UsageError) as damaged:
        planfile.read(file)
    assert damaged.value.summary.startswith(f"{file} is not a valid plan: ")
    assert why in damaged.value.summary
    assert damaged.value.exit_code == 1


def test_a_plan_is_told_from_a_spec_by_its_name_and_its_first_key(tmp_path: Path) -> None:
    for name, content, is_plan in (
        ("a.json", '{"version": 1, "name": "a"}', False),
        ("b.json", "{version: 1}", False),
        ("c.json", '{"format_version": "1.0"', True),
        ("d", '{"format_version": "1.0"', True),
        ("e.yaml", "version: 1", False),
        ("f", "", False),
    ):
        (tmp_path / name).write_text(content)
        assert planfile.is_plan(tmp_path / name) is is_plan, name


def test_a_plan_goes_through_links_and_over_nothing_but_files(tmp_path: Path) -> None:
    request = Request(Path("s.yaml"))
    planfile.write(tmp_path / "real", PLAN, request)
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "two").symlink_to("link")
    planfile.write(tmp_path / "two", PLAN, request)
    assert planfile.read_plan(tmp_path / "real") == PLAN
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "two").is_symlink()
    assert (tmp_path / "link").is_symlink()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to-pipe").symlink_to("pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "out").symlink_to("/dev/stdout")
    for name in ("pipe", "to-pipe", "loop", "out", ".", "missing/a", "/dev/fd/1", "/proc/self/fd/1"):
        with pytest.raises(UsageError, match="cannot write"):
            planfile.write(tmp_path / name, PLAN, request)
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "loop", "out", "pipe", "real", "to-pipe", "two"]


def test_a_kind_of_a_newer_release_is_named(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(DOCUMENT).replace("compute.finetune", "schedule.nightly"))
    with pytest.raises(UsageError, match=r"schedule\.nightly, a kind that this phift does not know") as raised:
        planfile.read(path)
    assert "compute, data, job" in raised.value.remedy
