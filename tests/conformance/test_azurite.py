"""phift's blob client, lease and journal against Azurite, an account of Microsoft's making: what passes on the embedded
Azure ML passes there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from phift.azure.blob import BlobStore
from phift.azure.blob_auth import SharedKeyAuth
from phift.azure.transport import Http
from tests.conformance import test_azure_client as client
from tests.conformance import test_blob_upload as uploading
from tests.conformance import test_ledger_client as ledger
from tests.emulator.blobtargets import Azurite, azurite_missing

SAME: tuple[Callable[..., None], ...] = (
    client.test_blobs_can_be_written_read_listed_and_deleted,
    client.test_appending_again_what_was_appended_changes_nothing,
    client.test_an_upload_is_skipped_when_the_content_is_there,
    client.test_a_cut_off_upload_is_taken_up_where_it_was,
    uploading.test_the_blob_has_the_md5_and_the_digest_of_the_whole,
    uploading.test_a_left_block_of_other_content_is_sent_again,
    uploading.test_left_blocks_with_ids_of_another_length_are_dropped,
    uploading.test_blocks_that_are_gone_at_the_commit_are_sent_again,
    uploading.test_two_uploads_of_one_file_end_well,
    ledger.test_one_of_two_applies_gets_the_lease_and_the_other_learns_who_has_it,
    ledger.test_a_broken_lease_stops_its_holder_before_the_next_write,
    ledger.test_a_journal_survives_being_cut_off,
)


class KeyAuth:
    """The account's key for one container; stands in for what a datastore offers."""

    def __init__(self, target: Azurite, container: str) -> None:
        self.account, self.container, self.url = target.name, container, target.blob_url(container)
        self._key = SharedKeyAuth(target.name, target.key)

    def current(self) -> SharedKeyAuth:
        return self._key

    def instead_of(self, refused: object, error: Exception) -> None:
        return None


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    if missing := azurite_missing():
        pytest.skip(missing)
    target = Azurite(tmp_path_factory.mktemp("azurite"))
    with target.service() as service:
        service.create_container("stacks")
    yield target
    target.close()


@pytest.mark.parametrize("test", SAME, ids=lambda test: test.__name__.removeprefix("test_"))
def test_the_same(test: Callable[..., None], azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    auth: Any = KeyAuth(azurite, "stacks")
    http = Http(None)
    account = SimpleNamespace(blobs=BlobStore(http, auth, "workspaceblobstore"))
    given = {"azure": account, "tmp_path": tmp_path, "monkeypatch": monkeypatch, "file": uploading.large(tmp_path)}
    try:
        test(**{name: given[name] for name in inspect.signature(test).parameters})
    finally:
        http.close()
