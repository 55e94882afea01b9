"""Whose an object is: every form of a clone's address, and the table of ids and sources."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from phift.address import Address
from phift.git import checkout_of
from phift.state.desired import Desired
from phift.state.ownership import ID, SOURCE, Claim, Ownership, marks_of
from phift.state.source import Source
from phift.workbench.sessions import Shared

A, B = "a" * 16, "b" * 16
HERE = "github.com/x/y#specs/a.yaml"
THERE = "github.com/fork/y#specs/a.yaml"
RENAMED = "github.com/x/y#specs/b.yaml"
NOWHERE = "#a.yaml"


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/x/y.git",
        "https://github.com/x/y",
        "https://github.com/x/y/",
        "https://github.com/X/Y.git",
        "https://GitHub.com/x/y.git",
        "https://user@github.com/x/y.git",
        "https://user:token@github.com/x/y.git",
        "https://github.com:443/x/y.git",
        "http://github.com/x/y.git",
        "git://github.com/x/y.git",
        "git@github.com:x/y.git",
        "git@github.com:x/y",
        "git@github.com:/x/y.git",
        "github.com:x/y.git",
        "ssh://git@github.com/x/y.git",
        "ssh://git@github.com:22/x/y.git",
        "ssh://git@ssh.github.com:443/x/y.git",
        "git+ssh://git@github.com/x/y.git",
    ],
)
def test_a_repository_is_the_same_however_it_was_cloned(address: str) -> None:
    assert str(Source.of(address, "specs/a.yaml")) == HERE


@pytest.mark.parametrize(
    "address",
    [
        "https://dev.azure.com/org/My%20Project/_git/repo",
        "https://org@dev.azure.com/org/My%20Project/_git/repo",
        "git@ssh.dev.azure.com:v3/org/My%20Project/repo",
        "https://org.visualstudio.com/My%20Project/_git/repo",
        "https://org.visualstudio.com/DefaultCollection/My%20Project/_git/repo",
        "org@vs-ssh.visualstudio.com:v3/org/My%20Project/repo",
    ],
)
def test_azure_repos_have_six_forms(address: str) -> None:
    assert str(Source.of(address, "a.yaml")) == "dev.azure.com/org/my project/repo#a.yaml"


def test_azure_repos_leave_out_a_project_of_the_repositorys_name() -> None:
    short = Source.of("https://dev.azure.com/org/_git/repo", "a.yaml")
    assert str(short) == str(Source.of("https://dev.azure.com/org/repo/_git/repo", "a.yaml"))


@pytest.mark.parametrize(
    ("address", "repository"),
    [
        ("https://gitlab.example/group/sub/y.git", "gitlab.example/group/sub/y"),
        ("ssh://git@[2001:db8::1]:22/x/y.git", "2001:db8::1/x/y"),
        ("/srv/git/Y.git", "/srv/git/Y"),
        ("file:///srv/git/Y.git", "/srv/git/Y"),
        ("/srv/work/.git", "/srv/work"),
    ],
)
def test_other_places(address: str, repository: str) -> None:
    assert Source.of(address, "a.yaml").repository == repository


@pytest.mark.parametrize("text", [HERE, NOWHERE, "/srv/git/Y#a.yaml", "dev.azure.com/o/p/r#dir/a#b.yaml"])
def test_a_source_reads_back_as_it_was_written(text: str) -> None:
    assert str(Source.parse(text)) == text


def test_paths_are_case_sensitive() -> None:
    assert not Source.parse(HERE).same("github.com/x/y#specs/A.yaml")


def test_a_long_source_fits_a_tag_and_still_tells_two_files_apart() -> None:
    one, other = (Source("github.com/x/y", f"{'deep/' * 60}{name}.yaml") for name in "ab")
    assert len(str(one)) == 256
    assert one.same(str(one))
    assert not one.same(str(other))
    # Release 0.1.0 cut it off.
    assert one.same(f"https://github.com/x/y.git#{one.path}"[:256])


@pytest.mark.parametrize(
    ("mine", "theirs", "wanted"),
    [
        # Both have an id: it decides, except that the same source is ours too.
        ((A, HERE), (A, HERE), Ownership.OURS),
        ((A, HERE), (B, HERE), Ownership.OURS),
        ((A, HERE), (B, THERE), Ownership.FOREIGN),
        ((A, HERE), (A, THERE), Ownership.MOVED),
        ((A, HERE), (A, RENAMED), Ownership.MOVED),
        ((A, NOWHERE), (A, HERE), Ownership.OURS),
        ((A, HERE), (A, NOWHERE), Ownership.OURS),
        ((A, NOWHERE), (A, "#other.yaml"), Ownership.OURS),
        ((A, NOWHERE), (B, NOWHERE), Ownership.FOREIGN),
        ((A, NOWHERE), (B, HERE), Ownership.FOREIGN),
        # One has none: the sources decide, and nowhere is no source.
        (("", HERE), (A, HERE), Ownership.OURS),
        (("", HERE), (A, THERE), Ownership.FOREIGN),
        (("", NOWHERE), (A, NOWHERE), Ownership.FOREIGN),
        (("", NOWHERE), (A, HERE), Ownership.FOREIGN),
        ((A, HERE), ("", HERE), Ownership.OURS),
        ((A, HERE), ("", NOWHERE), Ownership.FOREIGN),
        # Release 0.1.0: no ids, sources as they were written.
        ((A, NOWHERE), ("", NOWHERE), Ownership.OURS),
        (("", NOWHERE), ("", NOWHERE), Ownership.OURS),
        (("", NOWHERE), ("", ""), Ownership.OURS),
        (("", HERE), ("", "git@github.com:x/y.git#specs/a.yaml"), Ownership.OURS),
        (("", HERE), ("", "https://github.com/X/y#specs/a.yaml"), Ownership.OURS),
        (("", HERE), ("", THERE), Ownership.FOREIGN),
    ],
)
def test_the_table(mine: tuple[str, str], theirs: tuple[str, str], wanted: Ownership) -> None:
    claim = Claim(mine[0], Source.parse(mine[1]))
    assert claim.owns(*theirs) is wanted


@pytest.mark.parametrize(
    ("mine", "before", "written"),
    [
        (HERE, "", HERE),
        (HERE, THERE, HERE),
        (HERE, NOWHERE, HERE),
        (NOWHERE, HERE, HERE),
        (NOWHERE, "", NOWHERE),
    ],
)
def test_an_unknown_source_never_takes_the_place_of_a_known_one(mine: str, before: str, written: str) -> None:
    desired = Desired(Address("endpoint", "main"), "e")
    marks = marks_of(
        desired, stack="s", claim=Claim(A, Source.parse(mine)), object_id="/e", before={SOURCE: before, ID: A}
    )
    assert marks[SOURCE] == written


def repository(folder: Path, **remotes: str) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    for name, address in remotes.items():
        git(folder, "remote", "add", name, address)
    return folder


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def source(spec: Path) -> str:
    return str(Shared().source(spec))


def test_the_remote_is_origin_or_the_only_one(tmp_path: Path) -> None:
    one = repository(tmp_path / "one", upstream="git@github.com:x/y.git")
    assert source(one / "a.yaml") == "github.com/x/y#a.yaml"
    two = repository(tmp_path / "two", upstream="git@github.com:x/y.git", origin="git@github.com:me/y.git")
    (two / "specs").mkdir()
    assert source(two / "specs" / "a.yaml") == "github.com/me/y#specs/a.yaml"
    several = repository(tmp_path / "several", a="git@github.com:x/y.git", b="git@github.com:me/y.git")
    assert source(several / "a.yaml") == "#a.yaml"
    assert source(repository(tmp_path / "none") / "a.yaml") == "#a.yaml"
    assert source(tmp_path / "a.yaml") == "#a.yaml"


def test_a_relative_remote_is_that_place(tmp_path: Path) -> None:
    clone = repository(tmp_path / "clone", origin="../bare.git")
    (clone / "specs").mkdir()
    assert source(clone / "specs" / "a.yaml") == f"{tmp_path / 'bare'}#specs/a.yaml"


def test_addresses_are_rewritten_as_git_is_told_to(tmp_path: Path) -> None:
    clone = repository(tmp_path / "clone", origin="work:x/y")
    git(clone, "config", "url.https://token@github.com/.insteadOf", "work:")
    assert source(clone / "a.yaml") == "github.com/x/y#a.yaml"


def test_a_hook_of_another_repository_does_not_mislead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = repository(tmp_path / "mine", origin="https://github.com/x/y")
    other = repository(tmp_path / "other", origin="https://github.com/other/z")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert source(mine / "a.yaml") == "github.com/x/y#a.yaml"


def test_a_checkout_that_another_user_owns_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = repository(tmp_path / "mine", origin="https://github.com/x/y")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    refused = subprocess.run(["git", "-C", str(mine), "remote"], capture_output=True, check=False)
    assert refused.returncode != 0
    found = checkout_of(mine)
    assert found is not None
    assert found.remote == "https://github.com/x/y"


def test_without_git_there_is_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = repository(tmp_path / "mine", origin="https://github.com/x/y")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert checkout_of(mine) is None
