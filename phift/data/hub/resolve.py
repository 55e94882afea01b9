"""From a request to a pin: the commit, the files with their SHA-256, the columns, and leave to read them.

    resolve(request, client)                 6 requests for the first split of a data set, none for a further one
    resolve(request, client, count=True)     2 more for each Parquet file: its rows and row groups, from its footer
    splits_of(request, client)               the splits that there are
    newest(request, client)                  the commit that the revision stands for now: 1 request

No row is read and no code of the repository is run. `datasets` (1.5 s of CPU) is imported, by a resolution only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from phift.data.hub.client import HubClient
from phift.data.hub.errors import HubError, Subject, no_data_files, no_such_name, not_the_pinned_file
from phift.data.hub.layout import layout_of
from phift.data.hub.pins import FileList, HubFile, HubRequest, HubSplit
from phift.data.hub.remote import Remote
from phift.data.hub.repository import Repository, check_access, look_up
from phift.data.hub.sample import columns_of

__all__ = ["complete", "newest", "resolve", "splits_of"]

_SMALL_FILES = 500
"""Files outside of LFS, which must be downloaded to be digested; a split with more of them is refused."""


def resolve(request: HubRequest, client: HubClient, *, count: bool = False) -> HubSplit:
    """The pin of a split, as the hub has it now.

    count: count rows and row groups, which `first: 5%`, a count of rows, and samples by block need; only of Parquet
    files, whose footers tell. Other formats are not counted: `rows` is None.

    Raises InvalidSpecError, whose diagnostic names the field and what there is, when there is no such repository,
    revision, config or split, when it is a loading script or has no data files; HubError when it is gated and this
    account may not read it, when the hub cannot be reached or refuses. Columns are empty where neither the card nor the
    head of the first file tells them.
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
    )
    if count and split.direct:
        split = _counted(client, split)
    return split if split.columns else replace(split, columns=columns_of(client, repository, split))


def splits_of(request: HubRequest, client: HubClient) -> tuple[str, ...]:
    """The names of the splits of a configuration; the request's own split is not looked at. Raises as `resolve`."""
    repository = look_up(client, request.id, request.revision)
    check_access(client, repository)
    return tuple(layout_of(client, repository, request.config).splits)


def newest(request: HubRequest, client: HubClient) -> str:
    """The commit that the request's revision stands for now, 40 hex digits. Raises as `resolve`."""
    return look_up(client, request.id, request.revision).sha


def complete(split: HubSplit, client: HubClient) -> HubSplit:
    """The pin with all its files, where the lock file only kept their count and digest; else the pin itself.

    As many requests as resolving its commit anew. Raises StalePlanError when they are not the pinned ones.
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
    """With the SHA-256 of each: the hub knows those of files in LFS, the others are downloaded to be digested."""
    if not files:
        raise no_data_files(repository.id)
    small = sum(1 for file in files if not file.sha256)
    if small > _SMALL_FILES:
        raise HubError(
            f"{split} of {repository.id} has {small:,} files that are kept without a SHA-256",
            code="hub-small-files",
            detail=f"Pinning them takes a download of each; phift does so for up to {_SMALL_FILES}.",
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
    columns: Mapping[str, str] = split.columns
    for file in split.files:
        footer = footer_of(Remote.of(client, split, file))
        columns = columns or footer.columns
        files.append(replace(file, rows=footer.metadata.num_rows, groups=footer.metadata.num_row_groups))
    return replace(split, files=tuple(files), rows=sum(file.rows or 0 for file in files), columns=columns)
