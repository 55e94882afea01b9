"""Write the files of workflows: all or none, and never over other content without being asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from phift.cli.datafiles import folder_for
from phift.errors import UsageError
from phift.files import SPEC_BYTES, read_regular, replace_text

__all__ = ["write_files"]


def write_files(root: Path, files: Mapping[str, str], *, force: bool = False) -> list[str]:
    """Write texts by relative path, and return a line for each. force: overwrite files with other content.

    Raises UsageError before the first write if such a file exists and force is False, or if a file would overwrite a
    link, a folder or a device.
    """
    if not root.is_dir():
        raise UsageError(f"--out {root}: not a folder")
    places = {name: folder_for((root / name).parent, [Path(name).name], ()) / Path(name).name for name in files}
    before = {name: _content(place) for name, place in places.items()}
    differing = [name for name, text in before.items() if text is not None and text != files[name]]
    if differing and not force:
        raise UsageError(
            f"{' and '.join(differing)} exist{'s' if len(differing) == 1 else ''} with other content",
            detail="Nothing was written.",
            remedy="Compare with --stdout, and overwrite with --force.",
        )
    return [_written(name, places[name], before[name], files[name]) for name in files]


def _written(name: str, place: Path, before: str | None, text: str) -> str:
    if before == text:
        return f"{name} is unchanged"
    try:
        replace_text(place, text)
    except OSError as error:
        raise UsageError(f"cannot write {place}: {error.strerror or error}") from None
    return f"{name} {'created' if before is None else 'overwritten'}"


def _content(place: Path) -> str | None:
    try:
        return read_regular(place, SPEC_BYTES).decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {place}: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None
