"""`phift report` over a stack's life: never applied, trained twice, pending changes, files gone; it changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

from support import Project, writes

from phift import phases
from phift.phases.build_report import Missing, Trainings
from phift.plan.model import Plan
from phift.views.html.report import report as html
from tests.htmldocs import parsed, problems


def read(project: Project, **options: bool) -> phases.Report:
    """Read the report, which must neither write to the workspace nor to the folder."""
    before = {path: path.read_bytes() for path in project.folder.iterdir() if path.is_file()}
    mark = project.embedded.mark()
    found = phases.report(project.request, project.embedded.connector, **options)
    assert writes(project.embedded.since(mark)) == []
    assert before == {path: path.read_bytes() for path in project.folder.iterdir() if path.is_file()}
    assert problems(html(found)) == []
    return found


def test_a_report_of_two_trainings(project: Project) -> None:
    first = read(project)
    assert isinstance(first.plan, Plan)
    assert first.plan.counts.add > 3
    assert first.trainings == Trainings(())
    assert first.history == ()
    assert "No training yet" in html(first)

    project.applied()
    project.edit("learning_rate: 0.008", "learning_rate: 0.004")
    project.applied()
    found = read(project)
    assert isinstance(found.plan, Plan)
    assert not found.plan.changes_something
    assert isinstance(found.trainings, Trainings)
    new, old = found.trainings.runs
    assert (new.version, new.wanted, old.version, old.wanted) == ("2", True, "1", False)
    assert {new.job, old.job} == {job["name"] for job in project.jobs()}
    for run in (new, old):
        assert not isinstance(run.series, Missing)
        assert [p.value for p in run.series["loss"]] == [3.0, 2.0, 1.0]
    document = html(found)
    assert "learning_rate" in document
    assert len(parsed(document).all("svg", of="chart")) >= 2
    assert "train 0?" not in document

    rows = read(project, show_rows=True)
    assert "train 0?" in html(rows)

    project.edit("learning_rate: 0.004", "learning_rate: 0.002")
    pending = read(project)
    assert isinstance(pending.plan, Plan)
    assert pending.plan.changes_something
    assert isinstance(pending.trainings, Trainings)
    assert [run.wanted for run in pending.trainings.runs] == [False, False]
    assert "spec.yaml:" in html(pending)

    faults = [
        {"pattern": "GET .*blob.core.windows.net/.*comp=list", "status": 403, "code": "AuthorizationFailure"},
        {"pattern": "GET .*/history/v1.0/", "status": 403, "code": "AuthorizationFailed"},
    ]
    for fault in faults:
        project.embedded.admin("POST", "/faults", {**fault, "count": 200})
    try:
        broken = read(project)
    finally:
        project.embedded.admin("DELETE", "/faults")
    assert isinstance(broken.history, Missing)
    assert broken.history.reason
    assert isinstance(broken.trainings, Trainings)
    assert all(isinstance(run.series, Missing) for run in broken.trainings.runs)
    assert isinstance(broken.plan, Plan)


def test_the_command_says_where_it_wrote(project: Project) -> None:
    done = project.run("report", "spec.yaml")
    assert done.returncode == 0, done.stderr
    name = f"{project.stack}-report.html"
    assert done.stdout.startswith(f"Wrote {name} (")
    assert problems((project.folder / name).read_text(encoding="utf-8")) == []

    (project.folder / "kept.html").write_text("<!doctype html>old", encoding="utf-8")
    (project.folder / "link.html").symlink_to("kept.html")
    done = project.run("report", "spec.yaml", "--out", "link.html")
    assert done.stdout.startswith("Wrote link.html")
    assert (project.folder / "link.html").is_symlink()
    assert problems((project.folder / "kept.html").read_text(encoding="utf-8")) == []


def test_a_report_is_not_written_over_a_pipe_or_a_folder(project: Project) -> None:
    os.mkfifo(project.folder / "pipe")
    (project.folder / "folder").mkdir()
    for out in ("pipe", "folder", "/dev/null"):
        done = project.run("report", "spec.yaml", "--out", out)
        assert done.returncode == 1
        assert f"cannot write {out}: not a regular file" in done.stderr
        assert "plan" not in done.stderr


def test_a_plan_as_html_names_lines_of_the_spec(project: Project) -> None:
    done = project.run("plan", "spec.yaml", "--format", "html", "--out", "plan.json")
    assert done.returncode == 0, done.stderr
    assert problems(done.stdout) == []
    line = 1 + project.spec.read_text(encoding="utf-8").splitlines().index("    learning_rate: 0.008")
    assert f"spec.yaml:{line}" in done.stdout
    assert "component default chat_completion_pipeline" in done.stdout
    saved = project.run("show", "plan.json", "--format", "html")
    assert problems(saved.stdout) == []
    assert f"spec.yaml:{line}" not in saved.stdout


def test_several_stacks_as_html(project: Project) -> None:
    Path(project.folder / "broken.yaml").write_text("version: 1\nname: x\nnonsense: 1\n", encoding="utf-8")
    done = project.run("plan", ".", "--format", "html")
    assert done.returncode == 1
    assert problems(done.stdout) == []
    assert "Could not be planned" in done.stdout
