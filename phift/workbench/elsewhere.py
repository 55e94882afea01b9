"""Splits with rows elsewhere than on this machine or on the hub: data assets, files in datastores, addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from phift import home
from phift.data.addresses import WebFile, fetch_and_pin, format_of, storage_place
from phift.data.blobs import BlobFiles, Stores, blob_files
from phift.data.remote import invalid
from phift.data.sources import SourceIdentity
from phift.errors import InvalidSpecError
from phift.lock import PinnedData
from phift.spec import AssetRef, DataSource, DatastoreRef
from phift.spec.addresses import scheme_of
from phift.spec.references import data_reference
from phift.workbench.sessions import Shared

__all__ = ["Elsewhere"]


@dataclass
class Elsewhere:
    """The splits of one spec that are elsewhere. addresses, assets: the new pins by split.

    stores: called for data in the workspace of the target. pinned: the current pins of the lock file.
    """

    shared: Shared
    stores: Callable[[], Stores]
    pinned: PinnedData | None
    addresses: dict[str, dict[str, Any]] = field(default_factory=dict)
    assets: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def identity(self, split: str, wanted: DataSource, place: str) -> SourceIdentity:
        """Return the current identity of a split. place: its path in the spec, for notes.

        Reads assets and blobs from the workspace. Downloads an address only if it is not pinned and `Shared.fetch`
        allows it. Raises InvalidSpecError, AzureError, WebError.
        """
        asked = wanted.path if wanted.asset is None else str(wanted.asset)
        if self.shared.data_root is not None:
            raise invalid(
                "outside",
                f"{asked} is outside the data root {self.shared.data_root}",
                "With --data-root (PHIFT_DATA_ROOT), data files must be in that folder.",
                "asset" if wanted.asset is not None else "path",
            )
        if wanted.asset is not None:
            return self._blobs(split, wanted.asset, place)
        try:
            return self._of_path(split, str(wanted.path), place)
        except InvalidSpecError as error:
            raise InvalidSpecError([replace(d, path="path") for d in error.diagnostics]) from None

    def _of_path(self, split: str, path: str, place: str) -> SourceIdentity:
        if scheme_of(path) == "azureml":
            try:
                return self._blobs(split, data_reference(path), place)
            except ValueError as error:
                remedy = "Write asset: azureml:NAME:VERSION, or asset: azureml://datastores/NAME/paths/PATH"
                raise invalid("asset", str(error), remedy, "path") from None
        return self._address(split, path, place)

    def _blobs(self, split: str, reference: AssetRef | DatastoreRef, place: str) -> SourceIdentity:
        stores = self.stores()
        if isinstance(reference, AssetRef) and reference.floats:
            reference = self._pinned_version(split, reference, stores)
        return self._found(reference, stores, place)

    def _pinned_version(self, split: str, reference: AssetRef, stores: Stores) -> AssetRef:
        """Resolve a label to the pinned version, or to the newest one."""
        versions = self.shared.once(
            ("versions", stores.arm_id, reference.name), lambda: tuple(stores.versions(reference.name))
        )
        pin = ((self.pinned.assets if self.pinned else None) or {}).get(split, {})
        version = pin.get("version") if pin.get("requested") == str(reference) else None
        if version is None:
            if not versions:
                return reference.pinned("latest")  # reported as missing later
            version = versions[0]
        elif versions and versions[0] != version:
            newer = (
                f"{reference} is now version {versions[0]}; phift.lock pins {version} (to update: phift lock --upgrade)"
            )
            self.notes.append(newer)
        self.assets[split] = {"requested": str(reference), "version": str(version)}
        return reference.pinned(str(version))

    def _found(self, reference: AssetRef | DatastoreRef, stores: Stores, place: str) -> SourceIdentity:
        def find() -> BlobFiles:
            return blob_files(reference, stores)

        found = self.shared.once(("blobs", stores.arm_id, str(reference)), find)
        if without := found.without_digest:
            what = without[0] if len(without) == 1 else f"{len(without)} blobs (such as {without[0]})"
            verb = "has no MD5 and is" if len(without) == 1 else "have no MD5 and are"
            self.notes.append(
                f"{place}: {what} {verb} identified by ETag: uploading the same bytes again triggers a new training"
            )
        return SourceIdentity((), remote=found)

    def _address(self, split: str, path: str, place: str) -> SourceIdentity:
        where = storage_place(path)
        if where is not None:
            stores = self.stores()
            store = self.shared.once(
                ("holding", stores.arm_id, str(where)), lambda: stores.holding(where.account, where.container)
            )
            if store:
                return self._found(DatastoreRef(store, where.path), stores, place)
        if scheme_of(path) != "https":
            named = (
                f"the container {where.container} of the storage account {where.account}" if where else "a container"
            )
            raise invalid(
                "address",
                f"{path} is in {named}, which is not registered as a datastore of the workspace",
                "Register the container as a datastore and write asset: azureml://datastores/NAME/paths/PATH, "
                "or download the file and write path: FILE.",
                "path",
            )
        format_of(path)
        pin = ((self.pinned.addresses if self.pinned else None) or {}).get(split)
        web = WebFile.from_plain(pin) if pin is not None else None
        if web is None or web.requested != path:
            if not self.shared.fetch:
                raise invalid(
                    "unpinned",
                    f"{path} is not pinned in phift.lock",
                    "Run `phift lock`: it downloads the file once and pins size and SHA-256. A plan never downloads.",
                    "path",
                )
            folder = home.locate() / "cache" / "downloads"
            web = self.shared.once(("web", path), lambda: fetch_and_pin(path, folder))
        self.addresses[split] = web.pin()
        return SourceIdentity((), remote=web)
