"""What the texts of options mean, saved plans, and the way to the emulator."""

import importlib.util
import json
import shlex
from pathlib import Path

import pytest
import typer

from phift.address import Address
from phift.azure import sessions
from phift.cli import options, planfile
from phift.cli.app import PANEL_OF, app
from phift.errors import EmulatorError, UsageError
from phift.phases import Request
from phift.plan.action import Action
from phift.plan.model import Plan, PlannedResource

PLAN = Plan(
    "s",
    "prod",
    "rg/ws",
    "s.yaml",
    "r#s.yaml",
    "0",
    "2026-03-01T10:00:00Z",
    resources=(PlannedResource(Address("compute", "a"), Action.CREATE, "a"),),
)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("0.5h", 1800)]
)
def test_times(text: str, seconds: float) -> None:
    assert options.parse_time(text, "--timeout") == seconds
    assert options.parse_timeouts([f"job={text}", "compute=1m"]) == {"job": seconds, "compute": 60}


@pytest.mark.parametrize("text", ["job=", "job", "job=soon", "job=2x", "job=-1", "job=0", "job=1h x", "jobs=1h", "=1h"])
def test_what_is_no_time_or_no_kind_is_refused_by_name(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        options.parse_timeouts([text])
    assert text.split("=")[0] in str(refused.value)


def test_variables_keep_what_follows_the_first_equals_sign() -> None:
    assert options.parse_variables(["a=1", "b=x=y", "a=2", "c="]) == {"a": "2", "b": "x=y", "c": ""}
    for wrong in ("a", "=1", " =1"):
        with pytest.raises(UsageError, match="NAME=VALUE"):
            options.parse_variables([wrong])


def test_a_saved_plan_comes_back_with_its_request(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    asked = Request(Path("s.yaml"), "prod", {"epochs": "3"}, (Path("v.yaml"),))
    planfile.write(file, PLAN, asked)
    assert planfile.is_plan(file)
    assert planfile.read(file) == (PLAN, asked)
    words = planfile.read(file)[0].spec_words
    assert words == f"{PLAN.spec_path} --target prod --var epochs=3 --var-file v.yaml"
    planfile.write(file, PLAN, Request(Path("s.yaml")))
    assert planfile.read(file)[0].spec_words == PLAN.spec_path, "the default target needs no word"
    assert list(tmp_path.iterdir()) == [file]


def test_a_spec_is_no_plan_even_in_flow_style(tmp_path: Path) -> None:
    for name, text in (("a", "version: 1\n"), ("b", "{version: 1}\n"), ("c", '{"version": 1}'), ("d", "")):
        (tmp_path / name).write_text(text)
        assert not planfile.is_plan(tmp_path / name)
    (tmp_path / "e").write_bytes(b"\xff\xfe")
    assert not planfile.is_plan(tmp_path / "e")
    with pytest.raises(UsageError, match="cannot read"):
        planfile.is_plan(tmp_path / "missing")


@pytest.mark.parametrize(
    "body", [{"format_version": "1.0"}, {"format_version": "1.0", "spec": 3}, {"format_version": "9.0"}]
)
def test_a_damaged_or_foreign_plan_is_refused(tmp_path: Path, body: dict[str, object]) -> None:
    (tmp_path / "p").write_text(json.dumps(body))
    with pytest.raises(UsageError, match=r"damaged|format version"):
        planfile.read(tmp_path / "p")


def test_a_plan_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "p.json").mkdir()
    with pytest.raises(UsageError, match="cannot write"):
        planfile.write(tmp_path / "p.json", PLAN, Request(Path("s.yaml")))
    assert [p.name for p in tmp_path.iterdir()] == ["p.json"]


def test_without_the_extra_the_emulator_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EmulatorError) as missing:
        sessions.ensure_emulator(lambda text: None)
    assert "pip install 'phift[local]'" in str(missing.value)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("words", "spec", "deployment"),
    [
        ("a.yaml", "a.yaml", None),
        ("a.yaml --deployment", "a.yaml", ""),
        ("a.yaml --deployment blue", "a.yaml", "blue"),
        ("a.yaml --deployment=blue", "a.yaml", "blue"),
        ("--deployment a.yaml", "a.yaml", ""),
        ("--deployment blue a.yaml", "a.yaml", "blue"),
        ("--deployment -f a.yaml", "a.yaml", ""),
        ("--deployment a.yaml -t local", "a.yaml", ""),
        ("-t local --deployment a.yaml --var n=1", "a.yaml", ""),
        ("-t local --deployment blue a.yaml --var n=1", "a.yaml", "blue"),
        ("--deployment -- a.yaml", "a.yaml", ""),
    ],
)
def test_an_option_with_a_value_that_may_be_left_out_takes_no_argument_away(
    words: str, spec: str, deployment: str | None
) -> None:
    command = typer.main.get_command(app).get_command(None, "logs")
    assert command is not None
    found = command.make_context("logs", words.split()).params
    assert (str(found["spec"]), found["deployment"]) == (spec, deployment)


def test_what_a_spec_may_read_is_said_to_every_command_that_loads_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = typer.main.get_command(app)
    loading = []
    for name in PANEL_OF:
        command = group.get_command(None, name)
        assert command is not None
        named = {option for parameter in getattr(command, "params", ()) for option in parameter.opts}
        if "--var" in named:
            loading.append(name)
            assert {"--allow-env", "--max-stacks"} <= named
            assert "--data-root" in named or name in {"validate", "render"}
    assert len(loading) > 20
    monkeypatch.setenv("PHIFT_DATA_ROOT", str(tmp_path))
    plan = group.get_command(None, "plan")
    assert plan is not None
    words = ["a.yaml", "--allow-env", "A", "--allow-env", "B", "--max-stacks", "5"]
    found = plan.make_context("plan", words).params
    assert (found["allow_env"], found["data_root"], found["max_stacks"]) == (["A", "B"], tmp_path, 5)
    request = options.request_of(Path("a.yaml"), None, None, None, ["A", "B"], tmp_path, 5)
    assert shlex.join(request.spec_options) == f"--allow-env A --allow-env B --data-root {tmp_path} --max-stacks 5"
    with pytest.raises(UsageError, match="not a folder"):
        options.request_of(Path("a.yaml"), None, None, None, (), tmp_path / "missing")
