"""Write an export to a folder, and replace only files of an earlier export of the same stack that nobody has edited."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from phift.cli.datafiles import folder_for, put
from phift.digest import file_digest
from phift.errors import UsageError
from phift.files import STATE_BYTES, UnfitFileError, read_regular, replace_text

__all__ = ["write_export"]

_MANIFEST = "export.json"
"""The file that records what an export wrote."""
_OTHER = "Choose an empty folder."


def write_export(
    path: Path, stack: str, target: str, texts: Mapping[str, str], copies: Mapping[str, Path], script: str
) -> tuple[str, ...]:
    """Write the files, and remove those of the earlier export that are no longer part of it. Return their names.

    script: the name of the text to make executable. Raises UsageError, before anything is written, if a file of the
    folder is not from an earlier export of the stack on the target, or was edited since.
    """
    names = (*texts, *copies)
    folders = {str(parent) for name in names for parent in PurePosixPath(name).parents if str(parent) != "."}
    place = folder_for(path, [], ())
    before = _before(place, stack, target)
    _require_own(place, {*names, _MANIFEST}, before)
    for folder in sorted(folders):
        folder_for(place / folder, [], ())
    written = {}
    for name, text in texts.items():
        _write(place / name, text)
        written[name] = hashlib.sha256(text.encode()).hexdigest()
    for name, source in copies.items():
        put(source, place / name)
        written[name] = file_digest(place / name)
    os.chmod(place / script, 0o755)
    _remove(place, [name for name in before if name not in written])
    manifest = {"format_version": "1.0", "stack": stack, "target": target, "files": written}
    _write(place / _MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return (*names, _MANIFEST)


def _before(place: Path, stack: str, target: str) -> dict[str, str]:
    """Return the digests of the files of the earlier export by name. Raises UsageError for that of another stack."""
    try:
        found = json.loads(read_regular(place / _MANIFEST, STATE_BYTES))
        names = found["files"]
        same = (found["stack"], found["target"]) == (stack, target)
        if not all(isinstance(one, str) for pair in names.items() for one in pair):
            raise ValueError("not names and digests")
    except FileNotFoundError:
        if any(place.iterdir()):
            raise UsageError(
                f"cannot write to {place}: it has files that are not from an export", remedy=_OTHER
            ) from None
        return {}
    except (UnfitFileError, OSError, ValueError, TypeError, KeyError, AttributeError):
        raise UsageError(f"cannot write to {place}: {_MANIFEST} in it is not from an export", remedy=_OTHER) from None
    if not same:
        other = f"stack {found['stack']} on target {found['target']}"
        raise UsageError(f"cannot write to {place}: it contains an export of {other}", remedy=_OTHER)
    return {name: digest for name, digest in names.items() if _is_below(name)}


def _is_below(name: str) -> bool:
    parts = PurePosixPath(name)
    return not parts.is_absolute() and ".." not in parts.parts


def _require_own(place: Path, names: set[str], before: Mapping[str, str]) -> None:
    """Raise UsageError for a file that the export would overwrite and that is not from an earlier one."""
    for name in sorted(names | set(before)):
        file = place / name
        if not os.path.lexists(file) or (name == _MANIFEST and before):
            continue
        if name not in before:
            raise UsageError(f"cannot write {file}: a file that is not from an export", remedy=_OTHER)
        if not file.is_file() or file.is_symlink() or file_digest(file) != before[name]:
            remedy = "Remove it, or choose another folder."
            raise UsageError(f"cannot write {file}: it was edited after the export", remedy=remedy)


def _write(file: Path, text: str) -> None:
    try:
        replace_text(file, text)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror or error}") from None


def _remove(place: Path, names: list[str]) -> None:
    """Remove files of the earlier export, and the folders that are empty without them."""
    for name in names:
        (place / name).unlink(missing_ok=True)
        for parent in list(PurePosixPath(name).parents)[:-1]:
            try:
                (place / parent).rmdir()
            except OSError:
                break  # it has other files
