"""Dataclasses whose methods are generated on first use behave like those of `dataclasses`."""

import copy
import dataclasses
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

from phift.lazy import lazy_pattern
from phift.lazy_dataclasses import deferred

REPOSITORY = Path(__file__).parents[2]
T = TypeVar("T")

DESCRIBE = """
import dataclasses, inspect, json, re, sys
from phift import startup
if sys.argv[1] == "deferred":
    startup.begin()
import phift.phases.plan_stack, phift.phases.apply_plan, phift.views.human.plan
known = {}
for name, module in sorted(sys.modules.items()):
    for found in vars(module).values() if name.startswith("phift.") else ():
        if not isinstance(found, type) or found.__module__ != name or "__dataclass_fields__" not in vars(found):
            continue
        fields = [[f.name, f.default is dataclasses.MISSING, f.init, f.repr, f.compare, f.hash, f.kw_only]
                  for f in dataclasses.fields(found)]
        frozen = found.__dataclass_params__.frozen
        own = sorted({"__init__", "__repr__", "__eq__", "__hash__", "__setattr__"} & set(vars(found)))
        known[f"{name}.{found.__qualname__}"] = [
            re.sub(" at 0x[0-9a-f]+", "", str(inspect.signature(found.__init__))), fields, frozen, own,
            found.__hash__ is None, found.__match_args__]
json.dump(known, sys.stdout)
"""


def made(decorator: Callable[..., Any], **options: Any) -> Any:
    class Point:
        """Where."""

        __module__ = "phift.test"

        x: int
        y: int = 2
        tags: list[str] = field(default_factory=list, compare=False)
        label: str = field(default="p", repr=False)

        def __post_init__(self) -> None:
            assert self.x is not None

    return decorator(**options)(Point)


@pytest.fixture(params=[{}, {"frozen": True}, {"frozen": True, "kw_only": True}], ids=str)
def both(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    return made(dataclass, **request.param), made(deferred, **request.param)


def test_instances_compare_and_print_alike(both: tuple[Any, Any]) -> None:
    said = []
    for cls in both:
        one, other = cls(x=1), cls(x=1, y=2, tags=["a"])
        assert one == other
        assert one != cls(x=3)
        assert one != 1
        assert copy.deepcopy(one) == one
        hashed = hash(one) == hash(other) if cls.__hash__ else None
        said.append(
            (repr(other), dataclasses.asdict(other), hashed, dataclasses.replace(one, y=5).y, cls.__match_args__)
        )
        assert dataclasses.is_dataclass(cls)
        with pytest.raises(TypeError, match="missing 1 required"):
            cls()
    assert said[0] == said[1]


def test_a_frozen_one_refuses_changes() -> None:
    for cls in (made(dataclass, frozen=True), made(deferred, frozen=True)):
        one = cls(1)
        with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
            one.x = 2
        with pytest.raises(FrozenInstanceError, match="cannot assign to field 'new'"):
            one.new = 2
        with pytest.raises(FrozenInstanceError, match="cannot delete field 'y'"):
            del one.y


def test_fields_are_known_before_the_first_instance() -> None:
    cls = made(deferred, frozen=True)
    assert [f.name for f in dataclasses.fields(cls)] == ["x", "y", "tags", "label"]


def test_classes_that_inherit_or_define_a_method_are_left_to_dataclasses() -> None:
    @deferred(frozen=True)
    class Base(Generic[T]):
        __module__ = "phift.test"
        a: T

    @deferred(frozen=True)
    class Child(Base[int]):
        __module__ = "phift.test"
        b: int = 0

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 1

    class Plain(Base[int]):
        pass

    assert Child(1, 2) == Child(3, 4)
    assert repr(Child(1, 2)).endswith("Child(a=1, b=2)")
    assert Plain(1) == Plain(1)
    assert Base[int](1) == Base[int](1)
    assert hash(Plain(1)) == hash(Plain(1))


def test_threads_that_meet_at_the_first_instance_all_get_one() -> None:
    for _ in range(20):
        cls, start, got = made(deferred, frozen=True), threading.Barrier(4), []

        def make(cls: Any = cls, start: threading.Barrier = start, got: list[Any] = got) -> None:
            start.wait(10)
            one = cls(1)
            got.append((one == cls(1), hash(one) == hash(cls(1)), repr(one)))

        threads = [threading.Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert len(got) == 4
        assert set(got) == {(True, True, got[0][2])}


def test_those_of_a_command_are_as_dataclasses_makes_them() -> None:
    found = []
    for how in ("deferred", "eager"):
        command = [sys.executable, "-c", DESCRIBE, how]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout))
    assert len(found[0]) > 100
    assert found[0] == found[1]


def test_a_pattern_is_compiled_on_first_use() -> None:
    lazy_pattern("(")  # an invalid one is not noticed
    pattern = lazy_pattern(r"(?P<word>[a-z]+)")
    match = pattern.fullmatch("word")
    assert match is not None
    assert (match["word"], pattern.sub("-", "a1b"), pattern.pattern) == ("word", "-1-", r"(?P<word>[a-z]+)")
