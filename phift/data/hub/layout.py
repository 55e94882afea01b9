"""The layout of a repository at a commit, as `datasets` sees it: builder, files by split, columns, options of the card.

The library decides, so that configurations, file patterns, splits and formats are those of `load_dataset`. No code of
the repository is run, and no local folder shadows a repository.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from phift.data.hub.client import HubClient
from phift.data.hub.errors import (
    HubError,
    Subject,
    bad_card,
    loading_script,
    no_data_files,
    no_such_name,
    unreadable,
)
from phift.data.hub.known import known_of
from phift.data.hub.pins import HubFile
from phift.data.hub.repository import Repository
from phift.errors import PhiftError

__all__ = ["Layout", "layout_of", "type_text"]

_NOT_OPTIONS = {"name", "version", "data_dir", "data_files", "description", "features"}


@dataclass(frozen=True)
class Layout:
    """One configuration. splits: files by split, in row order; sha256 is "" for files outside of LFS.

    columns: type by name; empty if the card has none. options: what the card sets for the builder. claims: rows by
    split, where the card says. made: the builder of `datasets`; copy it before use.
    """

    builder: str
    config: str
    splits: Mapping[str, tuple[HubFile, ...]]
    columns: Mapping[str, str]
    options: Mapping[str, Any]
    claims: Mapping[str, int]
    made: Any


def layout_of(client: HubClient, repository: Repository, config: str, *, pinned: bool = False) -> Layout:
    """The layout of a configuration ("" is the default one): 2 requests, once per client.

    Raises InvalidSpecError when it has no such configuration, needs one to be named, is a loading script, or has no
    data files; HubError when the hub cannot be asked.
    """

    def ask() -> Layout:
        script = f"{repository.id.partition('/')[2]}.py"
        if script in repository.files:
            raise loading_script(repository.id, script)
        subject = Subject(repository.id, repository.sha, pinned=pinned)
        with client.libraries(subject, known_of(client, repository)) as folder:
            builder = _builder(repository, config, folder)
            try:
                return _layout(client, repository, builder)
            except PhiftError:
                raise
            except Exception as error:
                raise unreadable(repository.id, error) from error

    found: Layout = client.once(("layout", repository.id, repository.sha, config), ask)
    return found


def type_text(arrow: Any) -> str:
    """An Arrow type as text, independent of its storage: `list<struct<content: string, role: string>>`."""
    import pyarrow as pa

    if pa.types.is_dictionary(arrow):
        return type_text(arrow.value_type)
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow) or pa.types.is_fixed_size_list(arrow):
        return f"list<{type_text(arrow.value_type)}>"
    if pa.types.is_struct(arrow):
        return f"struct<{', '.join(f'{field.name}: {type_text(field.type)}' for field in arrow)}>"
    if isinstance(arrow, pa.BaseExtensionType):
        return type_text(arrow.storage_type)
    return str(arrow).removeprefix("large_")


def _builder(repository: Repository, config: str, folder: Path) -> Any:
    import datasets

    try:
        return datasets.load_dataset_builder(
            f"hf://datasets/{repository.id}",  # without it, a local folder of that name would be used
            name=config or None,
            revision=repository.sha,  # a commit: for a branch, another service would be asked too
            cache_dir=str(folder / "datasets"),
            token=False,  # the session adds ours
        )
    except PhiftError:
        raise
    except FileNotFoundError as error:
        raise _no_files(repository, folder) from error
    except ValueError as error:
        raise _wrong_config(repository, config, folder, error) from error
    except Exception as error:
        raise unreadable(repository.id, error) from error


def _layout(client: HubClient, repository: Repository, builder: Any) -> Layout:
    start = f"hf://datasets/{repository.id}@{repository.sha}/"
    named = builder.config.data_files or {}
    paths = {str(split): tuple(dict.fromkeys(name.removeprefix(start) for name in named[split])) for split in named}
    listed = _listed(client, repository, {path for names in paths.values() for path in names})
    splits = {split: tuple(listed[path] for path in names) for split, names in paths.items()}
    features = builder.info.features
    columns = {field.name: type_text(field.type) for field in features.arrow_schema} if features else {}
    claims = {
        str(name): split.num_examples for name, split in (builder.info.splits or {}).items() if split.num_examples
    }
    options = _options(builder.config)
    return Layout(builder.info.builder_name, builder.config.name, splits, columns, options, claims, builder)


def _listed(client: HubClient, repository: Repository, paths: Set[str]) -> dict[str, HubFile]:
    """Files by path, from the listings that the library has cached: no further request."""
    from huggingface_hub import HfFileSystem

    start = f"datasets/{repository.id}@{repository.sha}"
    files = HfFileSystem(endpoint=client.endpoint, token=False)
    found: dict[str, HubFile] = {}
    for folder in sorted({path.rpartition("/")[0] for path in paths}):
        entries: list[Any] = list(files.ls(f"{start}/{folder}".rstrip("/"), detail=True))
        for entry in entries:
            path = entry["name"].removeprefix(f"{start}/")
            if path in paths:
                large = entry.get("lfs")
                found[path] = HubFile(path, int(large.size if large else entry["size"]), large.sha256 if large else "")
    missing = sorted(paths - found.keys())
    if missing:
        summary = f"{missing[0]} is not in commit {repository.sha[:8]} of {repository.id}"
        raise HubError(summary, code="hub-file-gone", remedy="Re-run the command.")
    return found


def _options(config: Any) -> dict[str, Any]:
    """The builder's options that differ from its defaults."""
    defaults = type(config)()
    return {
        field.name: _plain(getattr(config, field.name))
        for field in dataclasses.fields(config)
        if field.name not in _NOT_OPTIONS and getattr(config, field.name) != getattr(defaults, field.name)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # not representable in a digest
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _wrong_config(repository: Repository, config: str, folder: Path, error: ValueError) -> PhiftError:
    """The cause of a ValueError of the library: the name of the configuration, or the card."""
    import datasets

    path = f"hf://datasets/{repository.id}"
    try:
        names = datasets.get_dataset_config_names(path, revision=repository.sha, token=False)
    except PhiftError as failure:
        return failure
    except Exception:  # noqa: BLE001 - it fails like the builder, so the card is the cause
        return bad_card(repository.id, _unmatched(repository, folder))
    if config not in names:
        return no_such_name("config", config, repository.id, names)
    return unreadable(repository.id, error)


def _no_files(repository: Repository, folder: Path) -> PhiftError:
    unmatched = _unmatched(repository, folder)
    return bad_card(repository.id, unmatched) if unmatched else no_data_files(repository.id)


def _unmatched(repository: Repository, folder: Path) -> dict[str, str]:
    """Patterns of the card that match no file, by split. The library has downloaded the card to `folder`."""
    found: dict[str, str] = {}
    for card in folder.glob("hub/**/README.md"):
        for config in _listed_in(_head_of(card), "configs"):
            for split, pattern in _patterns(config):
                if not any(fnmatchcase(name, pattern) for name in repository.files):
                    found.setdefault(split, pattern)
    return found


def _head_of(card: Path) -> Any:
    import yaml

    parts = re.split(r"^---\s*$", card.read_text(encoding="utf-8", errors="replace"), maxsplit=2, flags=re.MULTILINE)
    try:
        return yaml.safe_load(parts[1]) if len(parts) > 2 else None
    except yaml.YAMLError:
        return None


def _patterns(config: Any) -> Iterator[tuple[str, str]]:
    """(split, pattern) pairs of one configuration, in any of the forms that cards use."""
    for entry in _listed_in(config, "data_files"):
        named = entry if isinstance(entry, Mapping) else {"path": entry}
        for path in _listed_in(named, "path"):
            if isinstance(path, str):
                yield str(named.get("split", "train")), path.removeprefix("./")


def _listed_in(value: Any, key: str) -> list[Any]:
    """The value of a key as a list; empty if there is none."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else [] if found is None else [found]
