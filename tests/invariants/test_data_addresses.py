"""Data at an https:// address: pinned by lock and apply, never fetched by a plan, the same for ever after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Project, row
from webserver import Answer, WebServer, serving

from phift.lock import read_lock


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    with serving(tmp_path_factory.mktemp("web")) as running:
        yield running


def rows(word: str) -> bytes:
    return "".join(row(f"{word} {n}?", str(n), n) + "\n" for n in range(3)).encode()


def test_a_plan_fetches_nothing_and_a_pin_holds(project: Project, web: WebServer) -> None:
    # The user's own hub may be on loopback: that makes the stand-in reachable.
    environment = {"HF_ENDPOINT": f"https://localhost:{web.port}", "REQUESTS_CA_BUNDLE": str(web.authority)}

    def run(*words: str) -> tuple[int, str]:
        done = project.run(*words, **environment)
        return done.returncode, done.stdout + done.stderr

    address = web.url("/train.jsonl", "localhost")
    web.answers["/train.jsonl"] = Answer(rows("first"))
    project.edit("train: {path: train.jsonl}", f"train: {{path: '{address}'}}")
    code, said = run("plan", "spec.yaml")
    assert code == 1
    assert "is not pinned" in said
    assert "phift lock" in said
    assert run("apply", "spec.yaml", "--dry-run")[0] == 1
    assert web.seen == []

    code, said = run("lock", "spec.yaml")
    assert (code, len(web.seen)) == (0, 1), said
    assert f"data.train: {address} = sha256 " in said
    stack = read_lock(project.folder / "phift.lock").stack(project.stack)
    assert stack.data is not None
    assert (stack.data.addresses or {})["train"]["size"] == len(rows("first"))
    code, said = run("plan", "spec.yaml")
    assert code == 0, said
    assert address in said
    assert run("apply", "spec.yaml", "--auto-approve")[0] == 0
    # What lock downloaded was kept until its rows were prepared.
    assert len(web.seen) == 1

    web.answers["/train.jsonl"] = Answer(rows("second"))
    code, said = run("plan", "spec.yaml")
    assert "No changes." in said
    assert len(web.seen) == 1
    code, said = run("lock", "spec.yaml", "--upgrade")
    assert code == 0
    assert "a new data version" in said
    assert "1 to change" not in said
    code, said = run("plan", "spec.yaml")
    assert "data.train" in said
    assert "No changes." not in said


def test_an_apply_pins_what_it_fetches(project: Project, web: WebServer) -> None:
    environment = {"HF_ENDPOINT": f"https://localhost:{web.port}", "REQUESTS_CA_BUNDLE": str(web.authority)}
    web.answers["/apply.jsonl"] = Answer(rows("apply"))
    address = web.url("/apply.jsonl", "localhost")
    project.edit("train: {path: train.jsonl}", f"train: {{path: '{address}'}}")
    done = project.run("apply", "spec.yaml", "--auto-approve", **environment)
    assert done.returncode == 0, done.stderr
    web.answers["/apply.jsonl"] = Answer(status=404)
    assert "No changes." in project.run("plan", "spec.yaml", **environment).stdout
    # The same bytes in a file are the same data version.
    (project.folder / "here.jsonl").write_bytes(rows("apply"))
    project.edit(f"'{address}'", "here.jsonl")
    assert "No changes." in project.run("plan", "spec.yaml", **environment).stdout


def test_a_pin_whose_content_is_gone_stops_the_apply(project: Project, web: WebServer, tmp_path: Path) -> None:
    environment = {"HF_ENDPOINT": f"https://localhost:{web.port}", "REQUESTS_CA_BUNDLE": str(web.authority)}
    web.answers["/moved.jsonl"] = Answer(rows("moved"))
    project.edit("train: {path: train.jsonl}", f"train: {{path: '{web.url('/moved.jsonl', 'localhost')}'}}")
    # Pinned on another machine: the download of lock is not here.
    elsewhere = {**environment, "PHIFT_HOME": str(tmp_path / "other-home")}
    assert project.run("lock", "spec.yaml", **elsewhere).returncode == 0
    project.run("emulator", "stop", **elsewhere)
    web.answers["/moved.jsonl"] = Answer(rows("other"))
    done = project.run("apply", "spec.yaml", "--auto-approve", **environment)
    assert done.returncode == 5, done.stdout + done.stderr
    assert "has changed since it was pinned" in done.stdout + done.stderr
