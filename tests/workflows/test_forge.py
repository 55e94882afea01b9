"""The client of GitHub's API against the stand-in: what it trusts, repeats, and says of failures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fakegithub import BOT, REPOSITORY, FakeGitHub

from phift.errors import UsageError
from phift.forge import ForgeError, Pull, forge
from phift.forge.github import GitHub
from phift.forge.rest import Rest

MARKER = "<!-- phift-plan:specs -->"
ALL = {"contents": "read", "pull-requests": "write", "issues": "write"}
SHA = "a" * 40


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phift.forge.rest._PAUSES", (0.0, 0.0))
    monkeypatch.setattr("phift.forge.github._LAG", (0.0, 0.0))


def client(
    github: FakeGitHub, tmp_path: Path, event: Mapping[str, Any] | None = None, permissions: Mapping[str, str] = ALL
) -> GitHub:
    (tmp_path / "event.json").write_text(json.dumps(event or {}), encoding="utf-8")
    found = forge(
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_TOKEN": github.token(permissions),
            "GITHUB_API_URL": github.url,
            "GITHUB_GRAPHQL_URL": f"{github.url}/graphql",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SHA": SHA,
            "GITHUB_REF_NAME": "main",
            "GITHUB_RUN_ID": "7",
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        }
    )
    assert isinstance(found, GitHub)
    return found


def pull(number: int, **changed: Any) -> dict[str, Any]:
    base = {"ref": "main", "repo": {"full_name": REPOSITORY}}
    return {
        "number": number,
        "head": {"sha": "b" * 40},
        "html_url": f"https://github.com/{REPOSITORY}/pull/{number}",
        "merged_at": "2026-03-01T10:00:00Z",
        "merge_commit_sha": SHA,
        "base": base,
        **changed,
    }


def test_a_comment_is_created_then_updated_in_place(github: FakeGitHub, tmp_path: Path) -> None:
    one = client(github, tmp_path)
    for number in range(205):  # three pages
        github.says(5, f"hello {number}")
    first = one.write_comment(5, MARKER, f"{MARKER}\nfirst")
    assert one.write_comment(5, MARKER, f"{MARKER}\nsecond") == first
    assert github.bodies(5)[205:] == [f"{MARKER}\nsecond"]
    written = len(github.requests)
    assert one.write_comment(5, MARKER, f"{MARKER}\nsecond") == first
    assert all(line.startswith("GET") for line in github.requests[written:]), "an equal comment is not written again"
    found = one.comment(5, MARKER)
    assert found is not None
    assert (found.body.replace("\r\n", "\n"), found.edited_by) == (f"{MARKER}\nsecond", "")


@pytest.mark.parametrize(
    "user",
    [
        {"login": "mallory", "type": "User"},
        {"login": "github-actions", "type": "Bot"},
        {"login": "github-actions[bot]", "type": "User"},
        {"login": "other[bot]", "type": "Bot"},
    ],
)
def test_a_comment_of_somebody_else_is_neither_read_nor_written(
    github: FakeGitHub, tmp_path: Path, user: Mapping[str, str]
) -> None:
    one = client(github, tmp_path)
    github.says(5, f"{MARKER}\nforged", user)
    github.says(5, f"> {MARKER}\nquoted")
    assert one.comment(5, MARKER) is None
    one.write_comment(5, MARKER, f"{MARKER}\ngenuine")
    assert github.bodies(5)[0] == f"{MARKER}\nforged"
    assert github.bodies(5)[2:] == [f"{MARKER}\ngenuine"]


@pytest.mark.parametrize(
    ("login", "kind", "by"),
    [("mallory", "User", "mallory"), ("github-actions", "User", "github-actions"), ("github-actions", "Bot", "")],
)
def test_who_edited_a_comment_is_asked(github: FakeGitHub, tmp_path: Path, login: str, kind: str, by: str) -> None:
    github.edits(github.says(5, MARKER), f"{MARKER}\nedited", login, kind)
    found = client(github, tmp_path).comment(5, MARKER)
    assert found is not None
    assert found.edited_by == by


def test_only_pull_requests_merged_into_the_branch_count(github: FakeGitHub, tmp_path: Path) -> None:
    one = client(github, tmp_path)
    other = {"ref": "main", "repo": {"full_name": "mallory/models"}}
    for number, changed in enumerate(
        [
            {},
            {"merged_at": None},
            {"base": other},
            {"base": {**other, "ref": "release"}},
            {"merge_commit_sha": "c" * 40},
        ]
    ):
        github.pulls[number] = pull(number, **changed)
    github.brought[SHA] = list(github.pulls)
    found = one.merged_pulls(SHA)
    assert [(p.number, p.merge) for p in found] == [(0, SHA), (4, "c" * 40)]
    github.unconnected = 2
    assert len(one.merged_pulls(SHA, patient=True)) == 2
    github.unconnected = 1
    assert one.merged_pulls(SHA) == []
    assert one.merged_pulls("d" * 40, patient=True) == []


def test_an_issue_is_opened_updated_closed_and_opened_again(github: FakeGitHub, tmp_path: Path) -> None:
    one = client(github, tmp_path)
    github.pulls[1] = pull(1, merged_at=None)
    assert one.close_issue(MARKER, MARKER) is None
    first = one.write_issue(MARKER, "t", f"{MARKER}\na")
    assert one.write_issue(MARKER, "t2", f"{MARKER}\nb") == first
    assert one.close_issue(MARKER, f"{MARKER}\nc") == first
    assert one.write_issue(MARKER, "t", f"{MARKER}\nd") != first
    assert [(i["state"], i["title"], i["body"]) for i in github.issues] == [
        ("closed", "t2", f"{MARKER}\nc"),
        ("open", "t", f"{MARKER}\nd"),
    ]
    assert github.issues[0]["user"] == BOT


def test_requests_are_repeated_unless_they_create_something(github: FakeGitHub, tmp_path: Path) -> None:
    one = client(github, tmp_path)
    github.failures[:] = [502, 429]
    assert one.write_comment(5, MARKER, f"{MARKER}\na")
    github.failures[:] = [503]
    assert one.write_comment(5, MARKER, f"{MARKER}\na")
    assert len(github.comments[5]) == 1
    github.failures[:] = [500, 500, 500]
    with pytest.raises(ForgeError, match="failed with status 500"):
        one.comment(5, MARKER)
    github.comments.clear()
    rest = one.rest
    github.failures[:] = [502]
    with pytest.raises(ForgeError):
        rest.send("POST", f"/repos/{REPOSITORY}/issues/5/comments", {"body": "x"})


def test_failures_say_what_to_do_and_never_show_the_token(github: FakeGitHub, tmp_path: Path) -> None:
    with pytest.raises(ForgeError) as caught:
        client(github, tmp_path, permissions={"pull-requests": "read"}).write_comment(5, MARKER, MARKER)
    assert caught.value.status == 403
    assert "issues/5/comments failed with status 403" in caught.value.summary
    assert "Resource not accessible by integration (pull-requests: write)" in caught.value.detail
    assert "permissions:" in caught.value.remedy
    one = client(github, tmp_path)
    assert not any(token in f"{one!r} {caught.value}" for token in github.tokens)
    github.tokens.clear()
    with pytest.raises(ForgeError, match="status 401"):
        one.comment(5, MARKER)


def test_the_event_names_the_pull_request(github: FakeGitHub, tmp_path: Path) -> None:
    found = client(github, tmp_path, {"pull_request": pull(7, merged_at=None)}).pull()
    assert found == Pull(7, "b" * 40, f"https://github.com/{REPOSITORY}/pull/7")
    assert client(github, tmp_path, {"ref": "refs/heads/main"}).pull() is None
    with pytest.raises(ForgeError, match="without number, head or address"):
        client(github, tmp_path, {"pull_request": {"number": 1}}).pull()


def test_the_token_goes_to_the_given_origin_only() -> None:
    with pytest.raises(UsageError, match="is not an https:// address"):
        Rest("http://api.example.test", {})
    assert Rest("http://127.0.0.1:1", {})


def test_outside_of_a_workflow_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not in a workflow"):
        forge({})
    with pytest.raises(UsageError, match="GITHUB_TOKEN is not set") as caught:
        forge({"GITHUB_ACTIONS": "true"})
    assert "github.token" in caught.value.remedy
