"""`phift check`: the invariants hold for specs as they are, and a check fails where one does not."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from inprocess import InProcess, hurried
from support import REPOSITORY, Project

from phift import phases
from phift.address import Address
from phift.apply.events import Event, ResourceProgress
from phift.cli.sandbox import Sandbox, workspace_objects
from phift.phases.check_stack import NAMES, Checked, Outcome, Ran, Verb, check
from phift.spec.inheritance import read_whole
from phift.spec.tree import plain
from phift.views import check as views
from phift.workbench.request import Connector, Request

OK, FAILED, SKIPPED = Outcome.OK, Outcome.FAILED, Outcome.SKIPPED


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with hurried():
        running = InProcess(tmp_path_factory.mktemp("check") / "home")
        yield running
        running.close()


@dataclass
class Bed:
    """A bed on an emulator of this process; what is to be killed is detached. broken: what does not do its work."""

    request: Request
    connect: Connector
    tree: Mapping[str, Any]
    broken: tuple[str, ...] = ()
    edits: list[Mapping[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, spec: Path, emulator: InProcess, *broken: str) -> Bed:
        root, _ = read_whole(spec)
        assert root is not None
        # Nothing answers requests in this process.
        tree = {key: value for key, value in plain(root).items() if key != "tests"}
        made = cls(Request(spec, "local"), emulator.connector, tree, broken)
        made.edit({})
        return made

    def edit(self, override: Mapping[str, Any]) -> None:
        if not override and self.edits and "revert" in self.broken:
            return
        targets = dict(self.tree.get("targets") or {})
        targets["local"] = {**(targets.get("local") or {}), **override}
        self.request.path.write_text(json.dumps({**self.tree, "targets": targets}), encoding="utf-8")
        self.edits += [override] if override else []

    def run(self, verb: Verb, kill_at: Address | None = None) -> Ran:
        if verb in self.broken:
            return Ran()
        if "process" in self.broken:
            return Ran(failure="it does not start")
        options = phases.ApplyOptions()

        def listen(event: Event) -> None:
            if kill_at is not None and isinstance(event, ResourceProgress) and event.address == kill_at:
                options.stop.set()

        draft = (phases.destroy_draft if verb is Verb.DESTROY else phases.draft)(self.request, self.connect)
        done = phases.apply_draft(draft, listener=listen, options=options)
        killed = options.stop.is_set()
        return Ran(killed, "" if killed or not done.exit_code else f"exit code {done.exit_code}")


def _outcomes(found: list[Checked]) -> dict[str, Outcome]:
    return {one.name: one.outcome for one in found}


@pytest.mark.parametrize("name", ["autoscale", "serve-only", "train-csv"])
def test_the_invariants_hold(name: str, emulator: InProcess, tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "configs", tmp_path / "configs")
    found = list(check(Bed.of(tmp_path / "configs" / f"{name}.yaml", emulator)))
    assert [one.name for one in found] == list(NAMES)
    assert not [one for one in found if one.differences]
    skipped = {one.name for one in found if one.outcome is SKIPPED} - {"kill-and-resume"}
    assert (
        skipped
        == {
            "autoscale": set(),
            "serve-only": {"training-edit-reverts"},
            "train-csv": {"serving-edit-reverts"},
        }[name]
    )


@pytest.fixture
def served(tmp_path: Path, emulator: InProcess) -> Project:
    project = Project.small(tmp_path / "small", f"check{len(emulator.requests)}", None)  # type: ignore[arg-type]
    project.edit("targets:", "endpoint: {}\ndeployment: {instance_type: Standard_NC24ads_A100_v4}\ntargets:")
    return project


def test_a_revert_that_does_not_return_is_found(served: Project, emulator: InProcess) -> None:
    found = list(check(Bed.of(served.spec, emulator, "revert")))
    assert _outcomes(found)["training-edit-reverts"] is FAILED
    assert _outcomes(found)["plan-empty-after-apply"] is OK
    (training,) = [one for one in found if one.name == "training-edit-reverts"]
    assert [line for line in training.differences if line.startswith("job.finetune was ")]


def test_what_a_destroy_leaves_is_found(served: Project, emulator: InProcess) -> None:
    found = list(check(Bed.of(served.spec, emulator, Verb.DESTROY)))
    (left,) = [one for one in found if one.outcome is FAILED]
    assert left.name == "destroy-leaves-nothing"
    assert {line.split()[0] for line in left.differences} == {"compute", "endpoint"}


def test_an_apply_that_does_nothing_is_found(served: Project, emulator: InProcess) -> None:
    found = list(check(Bed.of(served.spec, emulator, Verb.APPLY)))
    assert found[0].outcome is FAILED
    assert [line for line in found[0].differences if line.startswith("the plan would run job.finetune")]


def test_a_process_that_fails_ends_the_check(served: Project, emulator: InProcess) -> None:
    found = list(check(Bed.of(served.spec, emulator, "process")))
    assert list(_outcomes(found).values()) == [FAILED, *[SKIPPED] * 5]
    assert found[0].differences == ("it does not start",)


def test_a_plan_that_is_rejected_is_a_failed_check(served: Project, emulator: InProcess) -> None:
    text = served.spec.read_text(encoding="utf-8")
    inline = text[text.index("compute:\n") : text.index("finetune:\n  component")]
    served.spec.write_text(text.replace(inline, "compute: {finetune: azureml:nobodys-cluster}\n"), encoding="utf-8")
    found = list(check(Bed.of(served.spec, emulator)))
    assert list(_outcomes(found).values()) == [FAILED, *[SKIPPED] * 5]
    assert found[0].detail == "the plan is rejected"
    assert [line for line in found[0].differences if "nobodys-cluster" in line]


def test_a_repeated_training_is_found(served: Project, emulator: InProcess) -> None:
    bed = Bed.of(served.spec, emulator)
    azure = emulator.azure()
    done = check(bed)
    assert next(done).outcome is not FAILED
    assert next(done).outcome is OK
    stack = served.stack
    body = {"properties": {"modelUri": "azureml://datastores/workspaceblobstore/paths/x", "modelType": "custom_model"}}
    for version in ("8", "9"):
        azure.arm.put(f"{azure.workspace.arm_id}/models/{stack}/versions/{version}", "2023-08-01-preview", body)
    training = next(done)
    assert training.outcome is FAILED
    assert [line for line in training.differences if line.startswith("model.finetuned: 4 objects, expected 2: ")]


def test_the_result_as_json() -> None:
    found = [Checked(NAMES[0], FAILED, "done", ("one differs",)), Checked(NAMES[1], SKIPPED, "not run")]
    shown = json.loads(views.as_json(views.Head("faq", "prod", rehearsed=True), found))
    assert (shown["stack"], shown["target"], shown["rehearsed"]) == ("faq", "prod", True)
    assert shown["checks"][0] == {
        "name": "kill-and-resume",
        "outcome": "failed",
        "detail": "done",
        "differences": ["one differs"],
    }


def test_the_deadline_ends_a_process(served: Project, tmp_path: Path) -> None:
    bed = Sandbox(tmp_path, served.request, {}, None, time.monotonic())  # type: ignore[arg-type]
    with pytest.raises(TimeoutError):
        bed.run(Verb.APPLY)


def _serving(project: Project) -> None:
    """Make it a spec that serves, with a base, a cloud target, a secret, and tests that a rehearsal does not pass."""
    (project.folder / "base.yaml").write_text(
        f"version: 1\nname: {project.stack}\n"
        "model: azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest\n"
        "endpoint: {}\n"
        "matrix: {replica: [1, 2]}\n"
        "tests: {smoke: {path: test.jsonl, rows: 1, expect: {contains: [nothing says this]}}}\n",
        encoding="utf-8",
    )
    project.spec.write_text(
        "extends: base.yaml\n"
        "deployment:\n"
        "  instance_type: Standard_NC24ads_A100_v4\n"
        "  environment_variables: {TOKEN: {secret: env:TOKEN_OF_NOBODY}}\n"
        "targets:\n"
        '  prod: {default: true, workspace: {subscription_id: "{{ env.AZURE_SUBSCRIPTION_ID }}", resource_group: g, '
        "name: w}, deployment: {instance_count: 2}, tests: {smoke: {expect: {regex: nor this}}}}\n",
        encoding="utf-8",
    )


def test_missing_objects_of_a_workspace_are_named() -> None:
    registry = "azureml://registries/azureml/models/a/labels/latest"
    tree = {"model": "azureml:theirs:1", "base_model": registry, "data": [{"train": "azureml://datastores/a/paths/b"}]}
    assert workspace_objects(tree) == ["azureml:theirs:1", "azureml://datastores/a/paths/b"]
    told = _unwrapped(views.elsewhere(workspace_objects(tree)))
    assert "does not have: azureml:theirs:1, azureml://datastores/a/paths/b. Replace them in a target" in told


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files, with a short path: those of the emulator include sockets."""
    folder = Path(tempfile.mkdtemp(prefix="check-"))
    yield folder
    shutil.rmtree(folder)


def _unwrapped(text: str) -> str:
    """The text in one line: the name of a stack moves the breaks."""
    return " ".join(text.split())


def test_the_command_leaves_the_project_and_its_emulator_alone(project: Project, temporary: Path) -> None:
    _serving(project)
    before = {path.name: path.read_bytes() for path in project.folder.iterdir()}
    mark = project.embedded.mark()
    words = ("check", project.spec.name, "--target", "prod")
    several = project.run(*words, TMPDIR=str(temporary))
    assert several.returncode == 1
    assert "Select one: --var replica=1" in several.stderr
    done = project.run(*words, "--var", "replica=1", timeout=500, TMPDIR=str(temporary))
    assert done.returncode == 0, done.stdout + done.stderr
    page = (REPOSITORY / "docs" / "check.md").read_text(encoding="utf-8")
    shown = page.partition("--target prod\n")[2].partition("```")[0]
    assert _unwrapped(done.stdout.replace(f"{project.stack}-1", "serve-only")) == _unwrapped(shown)
    assert {path.name: path.read_bytes() for path in project.folder.iterdir()} == before
    assert project.embedded.since(mark) == []
    assert list(temporary.iterdir()) == []


def test_ctrl_c_stops_the_emulator_and_deletes_the_files(project: Project, temporary: Path) -> None:
    process = project.start("check", project.spec.name, TMPDIR=str(temporary))
    try:
        deadline = time.monotonic() + 120
        while not list(temporary.glob("phift-check-*/process.log")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        (endpoint,) = temporary.glob("phift-check-*/home/endpoint.json")
        port = urlsplit(json.loads(endpoint.read_text(encoding="utf-8"))["proxy_url"]).port
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 130
    assert list(temporary.iterdir()) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port or 0), timeout=10)
