"""The lock file: what it says, that it is stable, and that several writers keep each other's pins."""

import multiprocessing
import re
from dataclasses import replace
from pathlib import Path

import pytest

from phift import catalog
from phift.catalog import ComponentInterface
from phift.errors import InvalidSpecError, PhiftError
from phift.lock import (
    Lock,
    PinnedAsset,
    PinnedComponent,
    PinnedData,
    PinnedModel,
    StackLock,
    lock_path,
    read_lock,
    settle_id,
    update_lock,
    write_lock,
)

UPGRADES = Path(__file__).parents[1] / "upgrade"
LATEST = "azureml://registries/azureml/models/Phi-4/labels/latest"
MODEL = PinnedModel(
    requested=LATEST,
    id="azureml://registries/azureml/models/Phi-4/versions/8",
    version="8",
    model_defaults={"learning_rate": "5e-6", "apply_lora": "true", "precision": 16, "flag": True},
)
COMPONENT = PinnedComponent(requested="azureml:c@latest", id="azureml:c:0.0.82", version="0.0.82")
PINS = StackLock(base_model=MODEL, component=COMPONENT, data=PinnedData(preparation=1, revisions={"train": "abc"}))


def test_no_file_pins_nothing(tmp_path: Path) -> None:
    lock = read_lock(lock_path(tmp_path / "spec.yaml"))
    assert lock == Lock()
    assert lock.stack("demo") == StackLock()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "phift.lock"
    assert update_lock(path, {"demo": PINS})
    assert read_lock(path).stack("demo") == PINS
    assert not update_lock(path, {"demo": PINS})
    assert [p.name for p in tmp_path.iterdir()] == ["phift.lock"]


def test_stacks_that_pin_the_same_share_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "phift.lock"
    other = StackLock(base_model=MODEL, component=COMPONENT, data=PinnedData(preparation=1, revisions={"train": "b"}))
    write_lock(path, Lock(stacks={"one": PINS, "two": PINS, "three": other}))
    stacks = read_lock(path).stacks
    assert stacks["one"] is stacks["two"]
    assert stacks == {"one": PINS, "two": PINS, "three": other}


def test_both_ways_of_reading_agree(tmp_path: Path) -> None:
    path = tmp_path / "phift.lock"
    other = StackLock(data=PinnedData(preparation=1, revisions={"validation": "é: #"}))
    lock = Lock(stacks={"alpha": PINS, "null": other, "zeta": StackLock(component=COMPONENT)})
    write_lock(path, lock)
    assert read_lock(path) == lock
    path.write_text(path.read_text().replace('"null":', "null:"))
    assert read_lock(path) == lock
    path.write_text(f"# mine\n{path.read_text()}")  # no longer as written
    assert read_lock(path) == lock


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("  beta:\n", "  alpha:\n", 21),
        ("    data:\n", "    component:\n", 18),
        ("version: 0.0.82", "version: 1", 17),
        ("revisions: {}", "revisions: {", 22),
    ],
)
def test_damage_in_a_file_laid_out_as_written_is_told(tmp_path: Path, old: str, new: str, line: int) -> None:
    path = tmp_path / "phift.lock"
    pins = StackLock(base_model=MODEL, component=COMPONENT, data=PinnedData(preparation=1))
    write_lock(path, Lock(stacks={"alpha": pins, "beta": StackLock(component=COMPONENT)}))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InvalidSpecError) as caught:
        read_lock(path)
    assert [found.mark.line for found in caught.value.diagnostics if found.mark] == [line]


def test_the_text_is_stable_and_reads_well() -> None:
    lock = Lock().merge({"zeta": PINS}).merge({"alpha": StackLock(component=COMPONENT)})
    text = lock.text()
    assert text == Lock().merge({"alpha": StackLock(component=COMPONENT), "zeta": PINS}).text()
    assert text.index("  alpha:") < text.index("  zeta:")
    assert '        learning_rate: "5e-6"\n' in text
    assert '      version: "8"\n' in text
    assert text.index("apply_lora") < text.index("flag") < text.index("learning_rate")


def test_a_pin_holds_while_the_same_is_asked_for() -> None:
    assert PINS.model_for(LATEST) == MODEL
    assert PINS.model_for(LATEST.replace("Phi-4", "Phi-5")) is None
    assert PINS.component_for("azureml:c@latest") == COMPONENT
    assert PINS.component_for("azureml:c:1") is None


def test_merging_keeps_what_is_not_said_anew() -> None:
    newer = PinnedComponent(requested="azureml:c@latest", id="azureml:c:0.0.83", version="0.0.83")
    merged = PINS.merge(StackLock(component=newer))
    assert merged == StackLock(base_model=MODEL, component=newer, data=PINS.data)


def test_the_id_is_made_once_and_stands_at_the_top(tmp_path: Path) -> None:
    path = tmp_path / "phift.lock"
    update_lock(path, {"demo": PINS})
    assert "\nid:" not in path.read_text()
    made = settle_id(path, "")
    assert re.fullmatch("[0-9a-f]{16}", made)
    assert path.read_text().splitlines()[1:4] in (
        ["version: 2", f"id: {made}", "stacks:"],
        ["version: 2", f'id: "{made}"', "stacks:"],
    )
    assert settle_id(path, "") == made
    assert read_lock(path) == Lock(id=made, stacks={"demo": PINS})
    assert settle_id(path, "a" * 16) == "a" * 16
    assert read_lock(path).id == "a" * 16
    update_lock(path, {"other": PINS})
    assert read_lock(path).id == "a" * 16


@pytest.mark.parametrize(
    "id", ["1234567890123456", "12345678901234e1", "0000000000000000", "0x12345678901234"[2:] + "00"]
)
def test_an_id_that_looks_like_a_number_is_text(tmp_path: Path, id: str) -> None:
    path = tmp_path / "phift.lock"
    settle_id(path, id)
    update_lock(path, {"demo": PINS})
    assert read_lock(path).id == id
    path.write_text(f"# mine\n{path.read_text()}")
    assert read_lock(path).id == id


def test_version_1_is_read_and_stays_readable_for_the_release_that_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "phift.lock"
    write_lock(path, Lock(version=1, stacks={"demo": PINS}))
    assert path.read_text().splitlines()[1] == "version: 1"
    update_lock(path, {"other": PINS})
    assert path.read_text().splitlines()[1] == "version: 1"
    settle_id(path, "")
    assert path.read_text().splitlines()[1] == "version: 2"
    assert set(read_lock(path).stacks) == {"demo", "other"}


def test_keys_of_a_later_phift_are_kept_while_what_they_describe_stands(tmp_path: Path) -> None:
    path = tmp_path / "phift.lock"
    write_lock(path, Lock(stacks={"demo": PINS, "other": PINS}))
    text = path.read_text().replace('      version: "8"\n', '      version: "8"\n      licence: mit\n')
    path.write_text(text.replace("  demo:\n", "  demo:\n    prices: {at: 2027-01-01}\n"))
    update_lock(path, {"other": PINS, "third": PINS})
    assert path.read_text().count("licence: mit") == 2
    moved = MODEL.model_copy(update={"version": "9"})
    update_lock(path, {"other": StackLock(base_model=moved)})
    assert path.read_text().count("licence: mit") == 1
    assert "prices:" in path.read_text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 3\n", "version 3; this release of phift reads versions 1 and 2"),
        ("stacks: {}\n", "version none"),
        ("version: 2\nstakcs: {}\n", "unknown key 'stakcs'"),
        ("version: 2\nid: mine\n", "id"),
        ("version: 1\nstacks: {a: {component: {id: x}}}\n", "is missing"),
        ("version: 1\nversion: 1\n", "duplicate key"),
        ("<<<<<<< HEAD\nversion: 1\n=======\n", "unresolved merge conflict"),
        ("", "empty"),
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "phift.lock"
    path.write_text(text)
    with pytest.raises(InvalidSpecError) as caught:
        read_lock(path)
    assert words in caught.value.diagnostics[0].summary
    assert caught.value.diagnostics[0].remedy
    assert caught.value.diagnostics[0].mark


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PhiftError, match="cannot write"):
        write_lock(tmp_path / "nowhere" / "phift.lock", Lock())


def _pin(path: Path, number: int) -> None:
    update_lock(path, {f"stack-{number}": PINS})


def test_writers_at_once_keep_each_others_pins(tmp_path: Path) -> None:
    path = tmp_path / "phift.lock"
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        pool.starmap(_pin, [(path, number) for number in range(12)])
    assert len(read_lock(path).stacks) == 12


CHECK = {"version": 1, "recipe": "a" * 64, "rows": 3, "duplicates": 0, "longest": 9, "tokens": "estimate"}
HUB = {"train": {"requested": "org/x@main"}}


@pytest.mark.parametrize("checks_first", [True, False])
def test_checks_and_other_pins_keep_each_other(tmp_path: Path, checks_first: bool) -> None:
    """A plan that read the lock file before a check was pinned in it does not drop it when it writes its own pins."""
    path = tmp_path / "phift.lock"
    checks = StackLock(data=PinnedData(preparation=1, hub=HUB, checks={"train": CHECK, "test": CHECK}))
    pins = StackLock(base_model=MODEL, data=PinnedData(preparation=1, hub=HUB))
    for newer in (checks, pins) if checks_first else (pins, checks):
        update_lock(path, {"demo": newer})
    found = read_lock(path).stack("demo")
    assert found.base_model == MODEL
    assert found.data is not None
    assert found.data.hub == HUB
    assert found.data.checks == {"train": CHECK, "test": CHECK}
    assert not update_lock(path, {"demo": pins})  # nothing new: the file stays as it is


def test_a_newer_check_takes_the_place_of_an_older_one_split_by_split(tmp_path: Path) -> None:
    path = tmp_path / "phift.lock"
    update_lock(path, {"demo": StackLock(data=PinnedData(preparation=1, checks={"train": CHECK, "test": CHECK}))})
    newer = {**CHECK, "recipe": "b" * 64}
    update_lock(path, {"demo": StackLock(data=PinnedData(preparation=1, checks={"train": newer}))})
    found = read_lock(path).stack("demo").data
    assert found is not None
    assert found.checks == {"train": newer, "test": CHECK}


INPUTS = catalog.component("chat_completion_pipeline").interface.plain
WITH_INPUTS = COMPONENT.model_copy(update={"inputs": INPUTS})


def test_inputs_of_a_component_are_written_once_and_one_to_a_line(tmp_path: Path) -> None:
    path = tmp_path / "phift.lock"
    pins = PINS.model_copy(update={"component": WITH_INPUTS})
    write_lock(path, Lock(stacks={f"s{n}": pins for n in range(3)}))
    text = path.read_text()
    assert text.count("learning_rate: {type: number, ") == 1
    assert text.count("        inputs:\n") == 0
    assert "      inputs:\n        adam_beta1: {" in text
    lock = read_lock(path)
    assert dict(lock.inputs[COMPONENT.id]) == INPUTS
    assert lock.stack("s0").component == WITH_INPUTS
    assert lock.stack("s1").component == lock.stack("s2").component == COMPONENT
    assert not update_lock(path, {"s1": pins, "s2": PINS})  # the same again, with and without inputs


def test_inputs_read_back_are_the_same_interface(tmp_path: Path) -> None:
    path = tmp_path / "phift.lock"
    for name, one in catalog.components().items():
        pinned = WITH_INPUTS.model_copy(update={"id": name, "inputs": one.interface.plain})
        update_lock(path, {name.replace("_", "-"): StackLock(component=pinned)})
    lock = read_lock(path)
    for name, one in catalog.components().items():
        again = ComponentInterface.from_spec({"inputs": lock.inputs[name]})
        assert {n: replace(i, mode="") for n, i in one.inputs.items()} == dict(again.inputs)


def test_a_pin_without_inputs_keeps_those_of_the_same_version() -> None:
    old, other = StackLock(component=WITH_INPUTS), COMPONENT.model_copy(update={"id": "azureml:c:0.0.83"})
    assert old.merge(StackLock(component=COMPONENT)).component == WITH_INPUTS
    assert old.merge(StackLock(component=other)).component == other


def test_a_stack_that_shares_inputs_keeps_them_when_the_one_that_held_them_moves_on(tmp_path: Path) -> None:
    path = tmp_path / "phift.lock"
    update_lock(path, {"s1": StackLock(component=WITH_INPUTS), "s2": StackLock(component=COMPONENT)})
    moved = WITH_INPUTS.model_copy(update={"id": "azureml:c:0.0.83", "version": "0.0.83", "inputs": {}})
    update_lock(path, {"s1": StackLock(component=moved)})
    assert read_lock(path).inputs[COMPONENT.id] == INPUTS


def test_pins_as_plain_values_leave_the_inputs_out() -> None:
    assert StackLock(component=WITH_INPUTS).plain() == StackLock(component=COMPONENT).plain()


def test_a_lock_without_inputs_is_written_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "phift.lock"
    write_lock(path, Lock(stacks={"one": PINS}))
    text = path.read_text()
    assert "inputs" not in text
    assert not write_lock(path, read_lock(path))
    assert path.read_text() == text


def test_a_pinned_environment_stays_as_written_until_another_version_is_pinned() -> None:
    asked = "azureml:minimal@latest"
    first = PinnedAsset(requested=asked, version="2", as_written=True)
    again = PinnedAsset(requested=asked, version="2")
    moved = PinnedAsset(requested=asked, version="3")
    other = PinnedAsset(requested="azureml:other@latest", version="2")
    assert first.kept_in(again) == first
    assert [first.kept_in(newer) for newer in (moved, other)] == [moved, other]
    assert again.kept_in(again) == again
    pins = StackLock(environment=first)
    assert pins.merge(StackLock(environment=again)).environment == first
    assert pins.merge(StackLock(environment=moved)).environment == moved
    assert "as_written" not in Lock(stacks={"demo": StackLock(environment=again)}).text()


@pytest.mark.parametrize("path", sorted(UPGRADES.rglob("phift.lock")), ids=lambda path: path.parent.name)
def test_a_lock_file_of_an_earlier_release_is_written_as_it_was(path: Path) -> None:
    lock = read_lock(path)
    assert lock.stacks
    assert lock.merge(lock.stacks).text() == path.read_text(encoding="utf-8")
