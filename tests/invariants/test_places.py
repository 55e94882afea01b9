"""What a stranger's spec may make a plan do: where data lies, how many stacks there are, how much is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from worlds import World

from phift.diagnostics import LISTED
from phift.errors import InvalidSpecError, RefusedError, UsageError

ROW = '{"messages": [{"role": "user", "content": "a?"}, {"role": "assistant", "content": "b"}]}\n'


@pytest.fixture
def world(tmp_path: Path) -> World:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / ".git").mkdir()
    (tmp_path / "out.jsonl").write_text(ROW * 3)
    (tmp_path / "more.jsonl").write_text(ROW * 2)
    (folder / "link.jsonl").symlink_to("../out.jsonl")
    return World(folder)


@pytest.mark.parametrize(
    ("path", "note"),
    [
        ("train.jsonl", None),
        ("../work/train.jsonl", None),
        ("../out.jsonl", "data.train is outside the repository: {}/out.jsonl"),
        ("link.jsonl", "data.train is outside the repository: {}/out.jsonl"),
        ("../*.jsonl", "data.train is outside the repository: {}/more.jsonl and 1 more file"),
    ],
)
def test_a_plan_says_what_lies_outside(world: World, path: str, note: str | None) -> None:
    plan = world.plan(world.write("a.yaml", "shop", data={"train": {"path": path}}))
    outside = [n for n in plan.notes if "outside" in n]
    assert outside == ([note.format(world.folder.parent)] if note else [])


@pytest.mark.parametrize("path", ["../out.jsonl", "link.jsonl", "../*.jsonl", "/etc/*", "l*.jsonl", "../missing.jsonl"])
def test_a_data_root_confines(world: World, path: str) -> None:
    request = replace(world.write("a.yaml", "shop", data={"train": {"path": path}}), data_root=world.folder)
    with pytest.raises(InvalidSpecError) as refused:
        world.plan(request)
    (found,) = refused.value.diagnostics
    assert found.code == "data-outside"
    assert found.path == "data.train"
    assert f"outside the data root {world.folder}" in found.summary
    assert "--data-root" in found.remedy


def test_a_data_root_may_be_a_link_and_is_said_again(world: World, tmp_path: Path) -> None:
    (tmp_path / "root").symlink_to("work")
    request = replace(world.write("a.yaml", "shop"), data_root=tmp_path / "root", allow_env=("A", "B"))
    plan = world.plan(request)
    assert plan.changes_something
    assert plan.spec_words.endswith(f" --allow-env A --allow-env B --data-root {tmp_path / 'root'}")


def test_a_root_holds_for_several_specs(world: World) -> None:
    requests = [
        replace(world.write(f"{name}.yaml", name, data={"train": {"path": path}}), data_root=world.folder)
        for name, path in (("one", "train.jsonl"), ("two", "../out.jsonl"))
    ]
    planned = world.plan_many(*requests)
    assert [s.stack for s in planned.failed] == ["two"]


def test_a_limit_of_stacks_holds_for_several_specs(world: World) -> None:
    requests = [replace(world.write(f"{n}.yaml", f"stack-{n}"), max_stacks=2) for n in range(3)]
    with pytest.raises(UsageError, match="more than 2 stacks"):
        world.plan_many(*requests)


def test_the_findings_of_a_plan_are_told_up_to_a_number(world: World) -> None:
    component = "azureml://registries/azureml/components/chat_completion_pipeline/labels/latest"
    parameters = {f"learning_rat{n}": 1 for n in range(LISTED + 5)}
    request = world.write("a.yaml", "shop", finetune={"component": component, "parameters": parameters})
    with pytest.raises(RefusedError) as refused:
        world.plan(request)
    assert len(refused.value.diagnostics) == LISTED + 1
    assert refused.value.diagnostics[-1].summary == "5 more errors like these"
