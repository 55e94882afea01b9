"""Faults of a hub, and what phift makes of them: rows that are right, or one harmless error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hub import Hub
from hubcase import GOOD, LENGTH, TRAIN, FakeClock, clear, expected, harmless, rows
from hubdata import CHAT, ultrachat

from phift.data.hub import (
    HubClient,
    HubError,
    HubRequest,
    HubSplit,
    Selection,
    read,
    resolve,
)
from phift.data.hub.session import Patience
from phift.data.problems import Problem
from phift.errors import PhiftError, StalePlanError

ROWS = 120
ALWAYS = 10_000


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clear(monkeypatch, tmp_path / "hf-home")
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setenv("HF_TOKEN", GOOD)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    with Hub(folder / "blobs", tokens={GOOD: []}) as hub:
        ultrachat(hub, folder / "chat", rows={"train_sft": ROWS}, shards=2, group=20, length=LENGTH)
        yield hub


@pytest.fixture(scope="module")
def pins(shared: Hub) -> HubSplit:
    shared.clear()
    with HubClient(shared.url) as client:
        return resolve(TRAIN, client, count=True)


@pytest.fixture
def hub(shared: Hub) -> Hub:
    shared.clear()
    return shared


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(hub: Hub, clock: FakeClock) -> Iterator[HubClient]:
    with HubClient(hub.url, patience=Patience(clock=clock)) as made:
        yield made


LIMIT = {"RateLimit": '"api";r=0;t=212', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}


@pytest.mark.parametrize("by_library", [False, True])
def test_a_moment_of_trouble_is_waited_out(
    by_library: bool, hub: Hub, client: HubClient, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each kind of request, those of the libraries too, one fails: nobody notices."""
    if by_library:
        monkeypatch.setattr("phift.data.hub.known._SURELY_ALL", 0)
    for match in ("/revision/", "/auth-check", "/README.md", "/tree/"):
        hub.fault(match, status=503)
    hub.fault("/tree/", status=429, headers={"Retry-After": "7"})
    hub.fault(r"/resolve/.*\.parquet", drop=True)
    hub.fault("Signature", status=503, skip=1)
    made = resolve(TRAIN, client, count=True)
    assert rows(made, client, tmp_path) == expected(ROWS)
    assert 7.0 in clock.slept
    assert sum(clock.slept) < 15


def test_an_answer_that_comes_too_late(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phift.data.hub.session.READ_TIMEOUT", 0.2)
    hub.fault("/revision/", delay=0.6)
    with HubClient(hub.url, patience=Patience(base=0.01)) as client:
        assert resolve(TRAIN, client).revision


@pytest.mark.parametrize("match", ["/revision/", "/tree/", r"/resolve/.*README", r"/resolve/.*parquet"])
@pytest.mark.parametrize("headers", [LIMIT, {"Retry-After": "212"}])
def test_a_long_wait_is_told_not_slept(
    hub: Hub, client: HubClient, clock: FakeClock, match: str, headers: dict[str, str]
) -> None:
    hub.fault(match, status=429, headers=headers, times=ALWAYS)
    with pytest.raises(HubError) as caught:
        resolve(TRAIN, client, count=True)
    assert caught.value.code == "hub-rate-limit"
    assert "212 s" in caught.value.detail
    assert caught.value.remedy == "Re-run the command later."
    assert clock.slept == []
    if headers is LIMIT:
        assert caught.value.detail == "0 of 500 requests left; next one in 212 s"


def test_a_long_pause_of_the_service_is_told_too(hub: Hub, client: HubClient, clock: FakeClock) -> None:
    hub.fault("/revision/", status=503, headers={"Retry-After": "900"}, times=ALWAYS)
    with pytest.raises(HubError) as caught:
        resolve(TRAIN, client)
    assert caught.value.summary.endswith(f" responds with HTTP 503 for {CHAT}")
    assert caught.value.detail == "It asks to wait 900 s."
    assert clock.slept == []


def test_a_rate_limit_without_a_token(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    hub.fault("/revision/", status=429, headers=LIMIT, times=ALWAYS)
    with HubClient(hub.url) as client, pytest.raises(HubError) as caught:
        resolve(TRAIN, client)
    assert caught.value.remedy == "Set HF_TOKEN: a token has a higher limit."


@pytest.mark.parametrize("what", [{"status": 503}, {"drop": True}, {"status": 429, "headers": {"Retry-After": "50"}}])
def test_patience_ends(hub: Hub, client: HubClient, clock: FakeClock, what: dict[str, Any]) -> None:
    hub.fault("/revision/", times=ALWAYS, **what)
    with pytest.raises(HubError):
        resolve(TRAIN, client)
    assert len(hub.requests()) <= 5
    assert sum(clock.slept) <= 120


def test_a_cut_connection_is_taken_up_where_it_was(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    for at in (300_000, 1, 10_000):
        hub.fault("Signature", cut=at)
    assert rows(pins, client, tmp_path) == expected(ROWS)
    asked = [seen.range for seen in hub.requests("cdn")]
    last = pins.files[0].size - 1
    assert asked == ["", f"bytes=300000-{last}", f"bytes=300001-{last}", f"bytes=310001-{last}", ""]
    assert hub.read() == pins.size


def test_cut_ranges_are_taken_up_too(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    hub.fault("Signature", cut=1000, times=4)
    assert rows(pins, client, tmp_path, Selection.first(30)) == expected(30)


def test_a_connection_that_is_always_cut(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    hub.fault("Signature", cut=10, times=ALWAYS)
    with pytest.raises(HubError, match="cannot reach"):
        rows(pins, client, tmp_path)
    assert len(hub.requests("cdn")) == 5


def test_other_bytes_of_the_same_size_are_refused(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    """huggingface_hub itself only compares sizes. No row of the file is given."""
    hub.fault("Signature", flip=200_000, times=ALWAYS)
    found = read(pins, Selection.all(), client, tmp_path)
    with pytest.raises(StalePlanError) as caught:
        next(found)
    assert caught.value.exit_code == 5
    assert caught.value.summary == f"{pins.files[0].path} is not the file that phift.lock pins"
    assert f"instead of sha256 {pins.files[0].sha256[:12]}" in caught.value.detail
    assert not list(tmp_path.rglob("*.part*"))
    hub.clear()
    assert rows(pins, client, tmp_path) == expected(ROWS)


def test_bytes_that_were_wrong_once_are_fetched_again(
    hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path
) -> None:
    hub.fault("Signature", flip=200_000)
    assert rows(pins, client, tmp_path) == expected(ROWS)


@pytest.mark.parametrize("selection", [Selection.all(), Selection.first(5)])
def test_the_hub_says_that_the_file_is_another(
    hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path, selection: Selection
) -> None:
    hub.fault(r"/resolve/.*parquet", etag="f" * 64, times=ALWAYS)
    with pytest.raises(StalePlanError, match="is not the file that phift"):
        rows(pins, client, tmp_path, selection)
    assert hub.requests("cdn") == []


@pytest.mark.parametrize("skip", [0, 1, 2])
def test_where_ranges_are_ignored_whole_files_are_read(
    hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path, skip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, or after some row groups were read: each row comes once."""
    monkeypatch.setattr("phift.data.hub.parquet._LONGEST", 1)  # a request for each row group
    hub.fault("Signature", no_range=True, times=ALWAYS, skip=skip)
    assert rows(pins, client, tmp_path, Selection.first(70)) == expected(70)
    hub.clear()
    hub.fault("Signature", no_range=True, times=ALWAYS, skip=skip)
    taken = expected(ROWS)[20:40] + expected(ROWS)[60:80]
    assert rows(pins, client, tmp_path, Selection.blocks(lambda n: n in (1, 3))) == taken


def test_rows_cannot_be_counted_where_ranges_are_ignored(hub: Hub, client: HubClient) -> None:
    hub.fault("Signature", no_range=True, times=ALWAYS)
    with pytest.raises(HubError) as caught:
        resolve(TRAIN, client, count=True)
    assert caught.value.code == "hub-no-ranges"


def test_cut_and_ranges_ignored(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    hub.fault("Signature", cut=100_000)
    hub.fault("Signature", no_range=True)
    assert rows(pins, client, tmp_path) == expected(ROWS)
    hub.clear()
    for _ in range(3):
        hub.fault("Signature", cut=100_000)
        hub.fault("Signature", no_range=True)
    with pytest.raises(HubError) as caught:
        rows(pins, client, tmp_path)
    assert caught.value.code == "hub-no-ranges"


def test_a_signed_address_that_ended_is_asked_for_again(
    hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path
) -> None:
    hub.fault("Signature", status=403, skip=1)
    assert rows(pins, client, tmp_path, Selection.first(5)) == expected(5)
    hub.clear()
    hub.fault("Signature", status=403, times=ALWAYS)
    with pytest.raises(HubError, match="responds with HTTP 403 for data/train_sft-"):
        rows(pins, client, tmp_path)
    assert len(hub.requests()) == 4


def test_what_the_lock_pins_may_be_gone(hub: Hub, client: HubClient, pins: HubSplit, tmp_path: Path) -> None:
    gone = replace(pins, revision="e" * 40)
    with pytest.raises(HubError) as caught:
        rows(gone, client, tmp_path)
    assert caught.value.summary == f"commit eeeeeeee, which phift.lock pins, is gone from {CHAT}"
    assert caught.value.remedy == "Run `phift lock --upgrade` to pin the current commit; this retrains."
    renamed = replace(pins, files=tuple(replace(file, path=f"x/{file.path}") for file in pins.files))
    with pytest.raises(HubError, match=r"x/data/train_sft-.* is not in commit "):
        rows(renamed, client, tmp_path)
    elsewhere = replace(pins, id="org/nosuch", requested="org/nosuch@main")
    with pytest.raises(HubError, match=r"org/nosuch is no longer on 127\.0\.0\.1:\d+, or is private"):
        rows(elsewhere, client, tmp_path)


@pytest.mark.parametrize(("what", "found"), [("rows", 1), ("groups", 1), ("size", 10**6)])
def test_a_pin_that_says_something_else_of_a_file(
    client: HubClient, pins: HubSplit, tmp_path: Path, what: str, found: int
) -> None:
    first, *others = pins.files
    wrong = replace(pins, files=(replace(first, **{what: found}), *others))
    for selection in (Selection.all(), Selection.first(5)):
        with pytest.raises(StalePlanError, match="is not the file that phift"):
            rows(wrong, client, tmp_path, selection)


def test_what_is_not_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with Hub(tmp_path / "blobs") as other:
        for number, content in enumerate(
            (b"no", b"x" * 5000, b"x" * 100 + b"\xff\xff\xff\x00PAR1", b"x" * 92 + b"\x40\0\0\0PAR1")
        ):
            other.commit(f"org/bad{number}", {"data/train.parquet": content})
            with (
                HubClient(other.url) as client,
                pytest.raises(HubError, match="is not a readable Parquet file"),
            ):
                resolve(HubRequest(f"org/bad{number}", split="train"), client, count=True)


LOOP = "/revision/auth-check/tree/resolve/README.md.parquet?Signature=1"
"""Matches every place of a fault."""


FAULTS: dict[str, dict[str, Any]] = {
    **{f"{status}": {"status": status} for status in (400, 401, 403, 404, 408, 409, 416, 429, 500, 502, 503, 504)},
    "200 of another server": {"status": 200},
    "302 to nowhere": {"status": 302, "headers": {"Location": "/datasets/x/resolve/y/z"}},
    "302 to no address": {"status": 302, "headers": {"Location": "http://[bad/"}},
    "302 in a loop": {"status": 302, "headers": {"Location": LOOP}},
    "broken compression": {"status": 200, "headers": {"Content-Encoding": "gzip"}},
    "503 for long": {"status": 503, "headers": {"Retry-After": "900"}},
    "long wait": {"status": 429, "headers": LIMIT},
    "no repository": {"status": 401, "headers": {"X-Error-Code": "RepoNotFound"}},
    "gated": {"status": 403, "headers": {"X-Error-Code": "GatedRepo"}},
    "no revision": {"status": 404, "headers": {"X-Error-Code": "RevisionNotFound"}},
    "no entry": {"status": 404, "headers": {"X-Error-Code": "EntryNotFound"}},
    "bad token": {"status": 401, "headers": {"X-Error-Message": "Invalid credentials in Authorization header"}},
    "disabled": {"status": 403, "headers": {"X-Error-Message": "Access to this resource is disabled."}},
    "dropped": {"drop": True},
    "cut at once": {"cut": 0},
    "cut": {"cut": 5000},
    "other bytes": {"flip": 150_000},
    "ranges ignored": {"no_range": True},
    "another file": {"etag": "a" * 64},
}
RESOLVING = ("/revision/", "/auth-check", "README.md", "/tree/")
READING = (r"/resolve/.*parquet", "Signature")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("place", RESOLVING)
def test_every_fault_of_a_resolution(
    hub: Hub, client: HubClient, clock: FakeClock, capfd: pytest.CaptureFixture[str], fault: str, place: str
) -> None:
    """A pin, or one error of phift with a remedy; no token, signed query or row text; nothing printed."""
    hub.fault(place, times=ALWAYS, **FAULTS[fault])
    try:
        assert resolve(TRAIN, client).split == "train_sft"
    except PhiftError as error:
        harmless(error)
    assert sum(clock.slept) < 150
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("place", READING)
def test_every_fault_of_a_read(
    hub: Hub,
    client: HubClient,
    clock: FakeClock,
    pins: HubSplit,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    fault: str,
    place: str,
) -> None:
    """Rows that are right, or one error; of a range that is damaged on the way, a problem at least where it shows."""
    for count in (25, ROWS):
        hub.clear()
        hub.fault(place, times=ALWAYS, **FAULTS[fault])
        try:
            found = rows(pins, client, tmp_path, Selection.first(count) if count < ROWS else None)
            assert found == expected(count) or isinstance(found[-1], Problem)
            assert "other bytes" in fault or not isinstance(found[-1], Problem)
        except PhiftError as error:
            harmless(error)
    assert sum(clock.slept) < 300
    assert capfd.readouterr() == ("", "")
