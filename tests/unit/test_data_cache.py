"""Prepared rows are made once, are bounded, and nothing that a killed command left is used or stays."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from phift.data import cache
from phift.data.cache import forget, prepared
from phift.data.prepare import Prepared
from phift.data.recipe import Recipe
from phift.data.rows import Access
from phift.data.sources import identify
from phift.digest import file_digest
from phift.errors import PhiftError

ROOT = Path(__file__).resolve().parents[2]
HOUR = 3600

ASKING = """
import os, signal, sys, time
from pathlib import Path
from phift.data.recipe import Recipe
from phift.data import cache
from phift.data.sources import identify
from phift.data.cache import prepared
folder, action = Path(sys.argv[1]), sys.argv[2]
real = cache.prepare
def prepare(*arguments, **named):
    with open(folder / "made", "a") as made:
        made.write("x")
    time.sleep(float(sys.argv[3]))
    return real(*arguments, **named)
cache.prepare = prepare
def progress(rows, skipped):
    if action == "kill" and rows >= 2000:
        os.kill(os.getpid(), signal.SIGKILL)
print(prepared(Recipe.of(identify({"path": "rows.jsonl"}, folder)), progress=progress).digest)
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PHIFT_DATA_CACHE", raising=False)
    monkeypatch.setenv("PHIFT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def recipe(folder: Path, rows: int = 3, name: str = "rows.jsonl") -> Recipe:
    said = [{"role": "user", "content": f"{name}?"}, {"role": "assistant", "content": "Yes."}]
    line = json.dumps({"prompt": f"{name}?", "messages": said, "prompt_id": "1"}) + "\n"
    (folder / name).write_text(line * rows, encoding="utf-8")
    return Recipe.of(identify({"path": name}, folder))


def asking(folder: Path, action: str = "", seconds: float = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ASKING, str(folder), action, str(seconds)]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True)


def kept(home: Path) -> list[str]:
    """Files of rows."""
    return sorted(path.name for path in (home / "cache" / "data").iterdir() if path.suffix == ".jsonl")


def long_ago(home: Path, seconds: float = 2 * HOUR) -> None:
    for path in (home / "cache" / "data").iterdir():
        os.utime(path, (time.time() - seconds,) * 2)


def test_asked_twice_prepared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, real = [], cache.prepare

    def prepare(*arguments: object, **named: object) -> Prepared:
        made.append(1)
        return real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "prepare", prepare)
    wanted = recipe(tmp_path)
    assert prepared(wanted) == prepared(wanted)
    assert made == [1]
    forget(wanted)
    assert prepared(wanted).rows == 3
    assert made == [1, 1]


def test_two_commands_at_once_prepare_once(tmp_path: Path) -> None:
    recipe(tmp_path)
    processes = [asking(tmp_path, seconds=0.5) for _ in range(2)]
    digests = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert digests[0] == digests[1] != ""
    assert (tmp_path / "made").read_text() == "x"


def test_a_wait_for_another_command_is_told(tmp_path: Path) -> None:
    wanted, told = recipe(tmp_path), []
    process = asking(tmp_path, seconds=1)
    deadline = time.monotonic() + 20
    while not (tmp_path / "made").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert prepared(wanted, access=Access(waiting=lambda: told.append("waits"))).rows == 3
    process.communicate(timeout=120)
    assert told == ["waits"]
    assert prepared(wanted, access=Access(waiting=lambda: told.append("again"))).rows == 3
    assert told == ["waits"]


def test_killed_while_preparing(tmp_path: Path, home: Path) -> None:
    """Nothing half is there, and the draft goes with the next command, whichever rows that asks for."""
    wanted = recipe(tmp_path, rows=5000)
    process = asking(tmp_path, "kill")
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert kept(home) == []
    (draft,) = [path for path in (home / "cache" / "data").iterdir() if path.name.startswith(f".{wanted.key}.")]
    other = prepared(recipe(tmp_path, name="other.jsonl"))
    assert kept(home) == [other.path.name]
    assert not draft.exists()
    made = prepared(wanted)
    assert made.rows == 5000
    assert file_digest(made.path) == made.digest


def test_the_draft_of_a_running_command_stays(tmp_path: Path, home: Path) -> None:
    wanted = recipe(tmp_path)
    process = asking(tmp_path, seconds=1)
    until = time.monotonic() + 10
    while not (tmp_path / "made").exists() and time.monotonic() < until:
        time.sleep(0.02)
    draft = home / "cache" / "data" / f".{wanted.key}.jsonl.x"
    draft.write_text("being written")
    prepared(recipe(tmp_path, name="other.jsonl"))
    assert draft.exists()
    process.communicate(timeout=120)
    assert process.returncode == 0
    prepared(recipe(tmp_path, name="third.jsonl"))
    assert not draft.exists()


def test_a_note_without_rows_is_not_believed_and_goes(tmp_path: Path, home: Path) -> None:
    wanted = recipe(tmp_path)
    prepared(wanted).path.unlink()
    assert prepared(wanted).rows == 3
    prepared(wanted).path.unlink()
    prepared(recipe(tmp_path, name="other.jsonl"))
    assert [p.name for p in (home / "cache" / "data").iterdir() if p.name.startswith(wanted.key)] == []


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (prepared(recipe(tmp_path, name=f"{n}.jsonl")) for n in "12")
    monkeypatch.setenv("PHIFT_DATA_CACHE", str(2.5 * first.size / 1024**3))
    prepared(recipe(tmp_path, name="3.jsonl"))
    assert len(kept(home)) == 3  # all were used just now: a command of this minute may go on using them
    long_ago(home)
    assert prepared(recipe(tmp_path, name="1.jsonl")) == first  # used again
    third = prepared(recipe(tmp_path, name="4.jsonl"))
    assert {first.path.name, third.path.name} <= set(kept(home))
    assert second.path.name not in kept(home)
    assert len(kept(home)) == 2


@pytest.mark.parametrize("value", ["", "much", "nan", "inf", "1e999"])
def test_an_odd_limit_is_the_usual_one(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHIFT_DATA_CACHE", value)
    assert prepared(recipe(tmp_path)).rows == 3


def test_too_little_room_is_told_before_anything_is_prepared(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = prepared(recipe(tmp_path, name="old.jsonl"))
    long_ago(home)
    wanted = recipe(tmp_path, rows=50_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=2_000_000))
    with pytest.raises(PhiftError) as caught:
        prepared(wanted)
    folder = home / "cache" / "data"
    size = f"{wanted.identity.size / 1e6:,.1f} MB"
    source = tmp_path / "rows.jsonl"
    said = f"not enough disk space in {folder}: about {size} needed to prepare {source}, 2.0 MB free"
    assert caught.value.summary == said
    assert "PHIFT_HOME" in caught.value.remedy
    assert not old.path.exists()  # it made room, though not enough
    assert prepared(Recipe.of(wanted.identity, take="1%")).rows < 1000
    # Rows whose size cannot be known before may fit.
    assert prepared(Recipe.of(wanted.identity, messages={"user": "{{ prompt }}", "assistant": "A"})).rows == 50_000


def test_a_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PHIFT_HOME", str(tmp_path / "file" / "home"))
    seen: list[Path] = []
    real = cache.prepare

    def prepare(*arguments: object, **named: object) -> Prepared:
        seen.append(named["access"].folder)  # type: ignore[attr-defined]
        return real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "prepare", prepare)
    wanted = recipe(tmp_path)
    made = prepared(wanted)
    assert made.rows == 3
    assert prepared(wanted) == made
    assert [folder.parent for folder in seen] == [made.path.parents[1]]  # its downloads, too, are its own
