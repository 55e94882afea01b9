"""The files of `phift ci github` and `azure-pipelines`: every variant is valid, pinned, and asks for little."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from runner import load

from phift import __version__
from phift.cli.ci.files import write_files
from phift.errors import UsageError
from phift.workflows import Settings, workflow_files

ROOT = Path(__file__).parents[2]
LINTER = ROOT / ".venv" / "actionlint" / "node_modules" / "@tktco" / "node-actionlint" / "bin" / "node-actionlint.js"
VARIANTS = [
    Settings(("specs",)),
    Settings(("phift.yaml",), target="local"),
    Settings(("a b/*.yaml", "c/d.yaml"), target="prod", environment="My Environment", python="3.11"),
    *(
        Settings(("specs",), no_wait=no_wait, drift=drift, expire=expire, data_root=data_root)
        for no_wait, drift, expire, data_root in itertools.product(
            (False, True), ("", "0 5 * * 1-5"), ("", "0 5 * * 1-5", "*/20 * * * *"), ("", "data sets")
        )
        if expire or not no_wait
    ),
    Settings(("specs",), install="git+https://github.com/contoso/phift@v1.2", branch="release/1.x"),
    Settings(("specs",), scheduled_environment="nightly", environment="on", branch="yes"),
]
PERMISSIONS = {
    "validate": {"contents": "read"},
    "plan": {"contents": "read", "id-token": "write", "pull-requests": "write"},
    "compare": {"contents": "read", "id-token": "write", "pull-requests": "write"},
    "apply": {"contents": "read", "id-token": "write", "pull-requests": "write"},
    "drift": {"contents": "read", "id-token": "write", "issues": "write"},
    "expire": {"contents": "read", "id-token": "write"},
    "resume": {"contents": "read", "id-token": "write", "pull-requests": "read"},
}


LINTED = [
    Settings(("phift.yaml",), target="local", drift="", data_root=""),
    Settings(("a b/*.yaml",), target="prod", environment="My Environment", no_wait=True, drift="", expire="0 5 * * 1"),
    Settings(("specs",), no_wait=True, drift="0 5 * * 1-5", expire="0 5 * * 1-5", branch="release/1.x"),
    Settings(
        ("specs",), expire="", install="git+https://github.com/contoso/phift@v1.2", environment="on", branch="yes"
    ),
]
"""Each branch of the templates: the linter needs a second for each file."""


def written(folder: Path, variants: Sequence[Settings] = VARIANTS) -> list[Path]:
    """Variants of the workflows, in a repository each."""
    paths = []
    for number, settings in enumerate(variants):
        place = folder / str(number)
        place.mkdir()
        files = workflow_files("github", settings)
        write_files(place, files)
        paths += [place / name for name in files]
    return paths


def test_actionlint_accepts_them(tmp_path: Path) -> None:
    if shutil.which("node") is None or not LINTER.exists():
        pytest.skip("needs node and actionlint: make actionlint")
    paths = written(tmp_path, LINTED)
    bad = tmp_path / "bad.yml"
    bad.write_text(paths[0].read_text().replace("phift ci plan", "echo ${{ github.event.pull_request.title }}"))
    done = subprocess.run(
        ["node", str(LINTER), "[0-9]*/.github/workflows/*.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Checking {len(paths)} workflow" in done.stdout
    wrong = subprocess.run(["node", str(LINTER), "bad.yml"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert wrong.returncode == 1
    assert "potentially untrusted" in wrong.stdout + wrong.stderr


def test_every_variant_asks_for_little_and_trusts_no_name(tmp_path: Path) -> None:
    for path in written(tmp_path):
        text = path.read_text(encoding="utf-8")
        workflow = load(path)
        assert "pull_request_target" not in text
        assert "secrets" not in text
        assert workflow["permissions"] == {}
        for name, job in workflow["jobs"].items():
            azure = "azure/login" in text
            wanted = {k: v for k, v in PERMISSIONS[name].items() if azure or k != "id-token"}
            assert job["permissions"] == wanted, name
            assert job["timeout-minutes"] <= 360
            for step in job["steps"]:
                assert "${{" not in step.get("run", "")
                if "uses" in step:
                    assert re.fullmatch(
                        r"(actions/checkout|actions/setup-python|azure/login)@[0-9a-f]{40}", step["uses"]
                    )
                    assert step["uses"].partition("/")[0] != "azure" or name != "validate"
        for line in text.splitlines():
            assert "uses:" not in line or re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)
            assert line == line.rstrip()
            assert "[[" not in line


def test_the_writer_never_applies_without_an_environment(tmp_path: Path) -> None:
    """The identity that may write signs in only to jobs of an environment, whose rules protect it."""
    for path in written(tmp_path):
        for name, job in load(path)["jobs"].items():
            writes = "vars.AZURE_CLIENT_ID" in str(job["steps"])
            commands = " ".join(str(step.get("run", "")) for step in job["steps"])
            applies = ("ci apply" in commands and "--dry-run" not in commands) or "phift expire" in commands
            assert ("environment" in job) == applies, name
            assert not writes or applies, name


def test_settings_are_written_as_they_are_meant() -> None:
    files = workflow_files("github", VARIANTS[2])
    jobs = yaml.safe_load(files[".github/workflows/phift.yml"])["jobs"]
    assert jobs["apply"]["environment"] == "My Environment"
    run = jobs["apply"]["steps"][-1]["run"]
    assert run == "phift ci apply 'a b/*.yaml' c/d.yaml --target prod --data-root ."
    odd = yaml.safe_load(workflow_files("github", VARIANTS[-1])[".github/workflows/phift.yml"])
    assert odd["jobs"]["apply"]["environment"] == "on"
    assert odd[True]["push"]["branches"] == ["yes"]
    install = next(s for s in jobs["plan"]["steps"] if s.get("name") == "Install phift")["run"]
    assert install == f"python -I -m pip install phift=={__version__}"
    assert list(workflow_files("github", Settings(("s",), drift="", expire=""))) == [".github/workflows/phift.yml"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"specs": ()},
        {"specs": ("a\nb",)},
        {"specs": ("a: b",)},
        {"specs": ("a #b",)},
        {"specs": ("-x",)},
        {"specs": ("${{ github.token }}",)},
        {"specs": ("$(System.AccessToken)",)},
        {"data_root": "a\x1bb"},
        {"install": "a # b"},
        {"install": "$(x)"},
        {"branch": "a b"},
        {"branch": "${{ x }}"},
        {"environment": 'a"b'},
        {"scheduled_environment": "a\n"},
        {"target": "a;b"},
        {"python": "3.12\n"},
        {"drift": "daily"},
        {"expire": "* * * *"},
        {"service_connection": "$(x)"},
        {"no_wait": True, "expire": ""},
    ],
    ids=str,
)
def test_what_has_no_place_in_a_workflow_is_rejected(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Settings(**{"specs": ("specs",), **wrong})


def test_other_content_is_never_overwritten_without_being_asked(tmp_path: Path) -> None:
    files = {"a/one.yml": "1", "a/two.yml": "2"}
    assert write_files(tmp_path, files) == ["a/one.yml created", "a/two.yml created"]
    (tmp_path / "a/two.yml").write_text("mine")
    with pytest.raises(UsageError, match=r"a/two\.yml exists with other content"):
        write_files(tmp_path, {**files, "a/three.yml": "3"})
    assert not (tmp_path / "a/three.yml").exists()
    assert write_files(tmp_path, files, force=True) == ["a/one.yml is unchanged", "a/two.yml overwritten"]
    (tmp_path / "a/one.yml").unlink()
    (tmp_path / "a/one.yml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="not a regular file"):
        write_files(tmp_path, files, force=True)
    with pytest.raises(UsageError, match="not a folder"):
        write_files(tmp_path / "missing", files)


def test_a_kind_of_workflow_is_known() -> None:
    with pytest.raises(UsageError, match="unknown kind"):
        workflow_files("gitlab", VARIANTS[0])


def test_the_page_and_the_action_pin_the_same_commits() -> None:
    text = "".join(workflow_files("github", VARIANTS[0]).values())
    pinned = set(re.findall(r"\S+@[0-9a-f]{40} # v[\d.]+", text))
    assert len(pinned) == 3
    for name in ("docs/pull-requests.md", "action.yml"):
        found = set(re.findall(r"\S+@[0-9a-f]{40} # v[\d.]+", (ROOT / name).read_text(encoding="utf-8")))
        assert found
        assert found <= pinned, name
