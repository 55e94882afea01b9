"""Resolution: from a request to a pin, with commit, files and their SHA-256, columns, and a check of access.

    resolve(request, client)                 4 requests for the first split of a data set, none for further ones
    resolve(request, client, count=True)     2 more per Parquet file: rows and row groups, from the footer
    splits_of(request, client)               the names of the splits
    newest(request, client)                  the commit that the revision refers to now: 1 request

Two or three requests more for data sets whose card does not declare the columns, and one for each small file that the
hub stores without a SHA-256. No rows are read and no code of the repository is run. Imports `datasets` (1.5 s of CPU).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from phift.data.hub.client import HubClient
from phift.data.hub.errors import HubError, Subject, no_data_files, no_ranges, no_such_name, not_the_pinned_file
from phift.data.hub.layout import layout_of
from phift.data.hub.pins import FileList, HubFile, HubRequest, HubSplit
from phift.data.hub.remote import RangesIgnored, Remote
from phift.data.hub.repository import Repository, check_access, look_up
from phift.data.hub.sample import columns_of

__all__ = ["complete", "newest", "resolve", "splits_of"]

_SMALL_FILES = 500
"""The most files outside of LFS in a split: pinning one takes a download."""


def resolve(request: HubRequest, client: HubClient, *, count: bool = False, at_least: int = 0) -> HubSplit:
    """The pin of a split as it is on the hub now.

    count: count rows and row groups, which a share of the rows and samples by block need. at_least: count them unless
    the card claims that many rows; reading them shows if it is right. Parquet only: `rows` of other formats is None.
    `columns` is empty if neither the card nor the start of the first file declares them.

    Raises InvalidSpecError when the repository, revision, config or split does not exist (the diagnostic's path is the
    field, its remedy lists what exists), when it is a loading script, or when it has no data files; HubError when it is
    gated and this account has no access, or the hub cannot be reached or refuses.
    """
    repository = look_up(client, request.id, request.revision)
    check_access(client, repository)
    layout = layout_of(client, repository, request.config)
    if request.split not in layout.splits:
        within = layout.config if request.config else ""
        raise no_such_name("split", request.split, repository.id, layout.splits, within)
    split = HubSplit(
        requested=request.text,
        id=repository.id,
        revision=repository.sha,
        config=layout.config,
        split=request.split,
        builder=layout.builder,
        rows=None,
        columns=layout.columns,
        files=_files(client, repository, layout.splits[request.split], request.split),
        licence=repository.licence,
        gated=repository.gated,
        options=layout.options,
        claimed=layout.claims.get(request.split),
    )
    if split.direct and (count or at_least > (split.claimed or 0)):
        split = _counted(client, split)
    return split if split.columns else replace(split, columns=columns_of(client, repository, split))


def splits_of(request: HubRequest, client: HubClient) -> tuple[str, ...]:
    """The splits of a configuration; ignores the request's own split. Raises as `resolve`."""
    repository = look_up(client, request.id, request.revision)
    check_access(client, repository)
    return tuple(layout_of(client, repository, request.config).splits)


def newest(request: HubRequest, client: HubClient) -> str:
    """The commit (40 hex) that the request's revision refers to now. Raises as `resolve`."""
    return look_up(client, request.id, request.revision).sha


def complete(split: HubSplit, client: HubClient) -> HubSplit:
    """The pin with its list of files, if the lock file only has their count and digest; else the pin itself.

    Resolves the pinned commit again: 3 requests. Raises StalePlanError when the files are not the pinned ones.
    """
    if split.unlisted is None:
        return split
    repository = look_up(client, split.id, split.revision, pinned=True)
    layout = layout_of(client, repository, split.config, pinned=True)
    files = _files(client, repository, layout.splits.get(split.split, ()), split.split)
    found = FileList.of(files)
    if found != split.unlisted:
        subject = Subject(split.id, split.revision, f"the list of files of {split.split}", pinned=True)
        raise not_the_pinned_file(subject, _list_text(split.unlisted), _list_text(found))
    return replace(split, files=files, unlisted=None)


def _list_text(files: FileList) -> str:
    return f"{files.count:,} files with digest {files.digest[:12]}"


def _files(client: HubClient, repository: Repository, files: tuple[HubFile, ...], split: str) -> tuple[HubFile, ...]:
    """The files with their SHA-256, which the hub has for files in LFS; others are downloaded."""
    if not files:
        raise no_data_files(repository.id)
    small = sum(1 for file in files if not file.sha256)
    if small > _SMALL_FILES:
        raise HubError(
            f"{split} of {repository.id} has {small:,} files that the hub stores without a SHA-256",
            code="hub-small-files",
            detail=f"Pinning them takes a download of each; the limit is {_SMALL_FILES}.",
            remedy="Use `revision: refs/convert/parquet` if the hub has converted it.",
        )
    return tuple(file if file.sha256 else _digested(client, repository, file) for file in files)


def _digested(client: HubClient, repository: Repository, file: HubFile) -> HubFile:
    hasher = sha256()
    Remote(client, repository.id, repository.sha, file).read(0, file.size, hasher.update)
    return replace(file, sha256=hasher.hexdigest())


def _counted(client: HubClient, split: HubSplit) -> HubSplit:
    from phift.data.hub.parquet import footer_of

    files = []
    columns: Mapping[str, str] = {}
    for file in split.files:
        try:
            footer = footer_of(Remote.of(client, split, file))
        except RangesIgnored:
            raise no_ranges(client.place, f"rows of {split.id} cannot be counted") from None
        columns = columns or footer.columns  # what is read; the card may claim otherwise
        files.append(replace(file, rows=footer.metadata.num_rows, groups=footer.metadata.num_row_groups))
    rows = sum(file.rows or 0 for file in files)
    return replace(split, files=tuple(files), rows=rows, claimed=None, columns=columns)
