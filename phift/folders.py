"""Local files and folders to upload unchanged: code, models, build contexts.

They are identified by their content: moving or renaming the folder does not matter; changing, adding or renaming a file
in it does.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from phift.diagnostics import Diagnostic
from phift.digest import digest_of, known_digest
from phift.files import head_of_regular, is_within, real
from phift.ignoring import Ignored

__all__ = ["Folder", "FolderError", "FolderFile", "read_folder"]

_MOST_FILES = 20_000
_IGNORE_FILES = (".amlignore", ".gitignore")
"""The first one in the folder counts, as in `az ml`."""
_IGNORE_BYTES = 1_000_000
_NEVER = frozenset({".git", "__pycache__", ".phift", ".DS_Store", ".ipynb_checkpoints"})


class FolderError(Exception):
    """A path that cannot be uploaded, with the finding."""

    def __init__(self, finding: Diagnostic) -> None:
        super().__init__(finding.summary)
        self.finding = finding


@dataclass(frozen=True)
class FolderFile:
    """A file. name: relative to the folder, with slashes. sha256: 64 hex. size: bytes."""

    name: str
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True)
class Folder:
    """A folder, or one file. files: sorted by name. single: whether it is one file."""

    name: str
    files: tuple[FolderFile, ...]
    single: bool = False

    @property
    def digest(self) -> str:
        """64 hex digits of the names and the content of the files."""
        return digest_of({"files": {file.name: file.sha256 for file in self.files}})

    @property
    def size(self) -> int:
        """Total bytes."""
        return sum(file.size for file in self.files)

    def has(self, name: str) -> bool:
        """Return whether there is a file of a relative name."""
        return any(file.name == name for file in self.files)


def read_folder(
    path: Path, *, bounds: Path, root: Path | None = None, ignore: bool = True, single: bool = True
) -> Folder:
    """Read and digest a folder or a file.

    bounds: the folder that links in it must not leave. root: the folder that must contain everything, with links
    followed; None: no restriction. ignore: leave out the files that `.amlignore`, or else `.gitignore`, in the folder
    excludes. single: whether one file is accepted.

    Raises FolderError.
    """
    try:
        if root is not None and not is_within(path, root):
            raise _outside(path, root)
        mode, name = os.stat(path).st_mode, os.path.basename(os.path.abspath(path))
        if stat.S_ISREG(mode) and single:
            return Folder(name, (_file(name, path),), single=True)
        if not stat.S_ISDIR(mode):
            remedy = "Write the path of a folder."
            raise FolderError(Diagnostic(f"{path} is not a folder", remedy=remedy, code="folder-invalid"))
        bounds = (real(path) if not is_within(path, bounds) else real(bounds)) if root is None else real(root)
        ignored = _ignored(path) if ignore else Ignored()
        names = sorted(_names(path, ignored, bounds))
        if not names:
            remedy = "Add files, or see its .amlignore or .gitignore."
            raise FolderError(Diagnostic(f"{path} contains no files", remedy=remedy, code="folder-empty"))
        return Folder(name, tuple(_file(each, path / each) for each in names))
    except (FileNotFoundError, NotADirectoryError):
        remedy = "Paths are relative to the folder of the spec file."
        finding = Diagnostic(f"no such file or folder: {path}", remedy=remedy, code="folder-missing")
        raise FolderError(finding) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        finding = Diagnostic(f"cannot read {path}: {why}", remedy="Check its permissions.", code="folder-invalid")
        raise FolderError(finding) from error


def _names(folder: Path, ignored: Ignored, bounds: Path) -> Iterator[str]:
    """Yield the names of the files. Links to folders outside, and circular ones, are not followed."""
    waiting: list[tuple[str, frozenset[tuple[int, int]]]] = [("", frozenset())]
    visited = 0
    while waiting:
        prefix, above = waiting.pop()
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                visited += 1
                if visited > _MOST_FILES:
                    summary = f"{folder} has more than {_MOST_FILES} files"
                    remedy = "Write the path of a smaller folder, or list what to leave out in .amlignore."
                    raise FolderError(Diagnostic(summary, remedy=remedy, code="folder-size"))
                name = f"{prefix}{entry.name}"
                is_folder = entry.is_dir()
                if entry.name in _NEVER or ignored.covers(name, folder=is_folder):
                    continue
                if entry.is_symlink() and not is_within(entry.path, bounds):
                    raise _outside(Path(entry.path), bounds)
                if not is_folder:
                    yield name
                    continue
                status = entry.stat()
                if (own := (status.st_dev, status.st_ino)) not in above:
                    waiting.append((f"{name}/", above | {own}))


def _ignored(folder: Path) -> Ignored:
    for name in _IGNORE_FILES:
        if (folder / name).is_file():
            text = head_of_regular(folder / name, _IGNORE_BYTES).decode("utf-8", errors="replace")
            return Ignored(text.splitlines())
    return Ignored()


def _file(name: str, path: Path) -> FolderFile:
    head_of_regular(path, 0)  # a pipe would block
    return FolderFile(name, path, path.stat().st_size, known_digest(path))


def _outside(path: Path, root: Path) -> FolderError:
    remedy = "Copy the files there, or set --data-root (PHIFT_DATA_ROOT) to another folder."
    return FolderError(Diagnostic(f"{path} is outside of {root}", remedy=remedy, code="folder-outside"))
