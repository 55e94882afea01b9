"""Several stacks from the command line, against the emulator with rehearsed jobs."""

from __future__ import annotations

import json

from support import Project


def test_a_folder_and_a_matrix_are_planned_applied_and_looked_at(project: Project) -> None:
    text = project.spec.read_text(encoding="utf-8")
    other = project.folder / "other.yaml"
    lines = "vars: {steps: 1}\nmatrix: {steps: [2, 4]}\n"
    other.write_text(
        text.replace(f"name: {project.stack}", f"name: {project.stack}b").replace(
            "max_steps: 3", 'max_steps: "{{ vars.steps }}"'
        )
        + lines,
        encoding="utf-8",
    )
    planned = project.run("plan", str(project.folder), "--detailed-exitcode")
    assert planned.returncode == 2, planned.stderr
    assert "(3 stacks)" in planned.stdout
    assert f"# stack {project.stack}b-2 " in planned.stdout

    applied = project.run("apply", str(project.folder), "-y")
    assert applied.returncode == 0, applied.stderr
    assert "Apply complete! 3 stacks:" in applied.stdout
    assert f"{project.stack}b-4 | job.finetune: Starting..." in applied.stderr.replace("   ", " ").replace("  ", " ")

    again = project.run("plan", str(project.folder), "--format", "json")
    document = json.loads(again.stdout)
    assert [s["stack"] for s in document["stacks"]] == [f"{project.stack}b-2", f"{project.stack}b-4", project.stack]
    assert document["counts"]["add"] == document["counts"]["change"] == 0

    comment = project.run("plan", str(project.folder), "--format", "md", "--show-unchanged")
    assert comment.stdout.startswith("<!-- phift-plan:* -->\n### phift plan: 3 stacks\n")
    assert f"<b>{project.stack}b-4</b>" in comment.stdout
    refused = project.run("plan", str(project.folder), "--out", "plan.json", "--select", "job.finetune")
    assert "--out and --select cannot be used with several stacks" in refused.stderr
    said = " ".join(refused.stderr.split())
    assert "Pass a single spec; for a spec with a matrix, select one combination with --var NAME=VALUE." in said

    one = project.run("plan", str(other), "--var", "steps=2", "--detailed-exitcode")
    assert one.returncode == 0, one.stdout + one.stderr
    refused = project.run("status", str(other))
    assert "defines 2 stacks; this command needs one" in refused.stderr
    everything = project.run("status", "--all", "--format", "json", str(project.folder))
    assert everything.returncode == 0, everything.stderr
    forgotten = {f["stack"] for f in json.loads(everything.stdout)["forgotten"]}
    assert not {s for s in forgotten if s.startswith(f"{project.stack}b")}

    project.spec.write_text("version: 1\nname: [", encoding="utf-8")
    broken = project.run("plan", str(project.folder))
    assert broken.returncode == 1
    assert "1 could not be planned" in broken.stdout
    assert "spec.yaml" in broken.stderr
