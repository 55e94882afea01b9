"""A store that cannot be read: what is said of it, and that a reset helps."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from phift.emulator.host import lifecycle
from phift.errors import EmulatorError
from tests.emulator.client import Azure


def _no_database(store: Path) -> None:
    store.write_text("this is not a database, and it is long enough to be read as one" * 400)


def _folder(store: Path) -> None:
    store.unlink()
    store.mkdir()


def _cut_off(store: Path) -> None:
    os.truncate(store, store.stat().st_size // 2)


def _hole(store: Path) -> None:
    """In the middle of the file, where no start would look by itself."""
    with store.open("r+b") as stream:
        stream.seek(store.stat().st_size // 8192 * 4096)
        stream.write(b"\xff" * 4096)


def _other_tables(store: Path) -> None:
    store.unlink()
    with sqlite3.connect(store) as other:
        other.execute("CREATE TABLE document (something TEXT)")
    other.close()


def _other_documents(store: Path) -> None:
    with sqlite3.connect(store) as other:
        other.execute("UPDATE document SET body = '{' WHERE kind = 'datastore'")
    other.close()


@pytest.mark.parametrize("spoil", [_no_database, _folder, _cut_off, _hole, _other_tables, _other_documents])
def test_a_corrupt_store_is_told_with_the_way_out(home: Path, spoil: Callable[[Path], None]) -> None:
    azure = Azure(lifecycle.ensure(home))
    for number in range(200):
        body = {"properties": {"dataType": "uri_file", "dataUri": "azureml://x", "description": "d" * 200}}
        assert azure.call("PUT", f"data/d{number}/versions/1", body, api="2023-04-01").status_code == 201
    azure.session.close()
    names = azure.connection.workspace_name, azure.connection.subscription_id
    lifecycle.stop(home)
    spoil(home / "store.sqlite3")
    with pytest.raises(EmulatorError, match=r"is corrupt: .*store.sqlite3: ") as caught:
        lifecycle.ensure(home)
    assert "phift emulator reset" in caught.value.remedy
    assert lifecycle.find(home) is None
    lifecycle.reset(home)
    connection = lifecycle.ensure(home)
    assert (connection.workspace_name, connection.subscription_id) == names
    lifecycle.stop(home)


def test_corruption_in_mid_session_is_told_too(home: Path) -> None:
    azure = Azure(lifecycle.ensure(home))
    with azure.session:
        for number in range(40):
            body = {"properties": {"dataType": "uri_file", "dataUri": "azureml://x", "description": "d" * 9000}}
            assert azure.call("PUT", f"data/d{number}/versions/1", body, api="2023-04-01").status_code == 201
        with sqlite3.connect(home / "store.sqlite3") as other:
            other.execute("UPDATE document SET body = '{' WHERE kind = 'data'")
        other.close()
        answer = azure.call("GET", "data", api="2023-04-01")
    assert answer.status_code == 500
    assert "store of the emulator is corrupt" in answer.json()["error"]["message"]
    assert "phift emulator reset" in answer.json()["error"]["message"]
