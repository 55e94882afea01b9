"""The files next to a spec: what Git ignores, and the settings by which editors find the schema."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from os.path import islink
from pathlib import Path
from typing import Any

from phift.editor import SCHEMA_FILE, schema_text
from phift.errors import UsageError
from phift.files import SPEC_BYTES, UnfitFileError, read_regular

__all__ = ["EditorFiles", "ignore_file"]

_SETTINGS = ".vscode/settings.json"
_KEY = "yaml.schemas"
_SPECS = ["phift.yaml", "*.phift.yaml"]
_IGNORED = (".phift/", "plan.json")


def ignore_file(folder: Path) -> list[tuple[Path, str]]:
    """Return .gitignore extended by what phift leaves behind; nothing if it has the lines. Raises UsageError."""
    path = folder / ".gitignore"
    before = _text(path)
    present = {line.strip().strip("/") for line in before.splitlines()}
    missing = [line for line in _IGNORED if line.strip("/") not in present]
    if not missing:
        return []
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    return [
        (path, f"{before}{gap}# phift: its cache and emulator, and saved plans\n" + "".join(f"{m}\n" for m in missing))
    ]


@dataclass(frozen=True)
class EditorFiles:
    """files: to write, with their content. notes: what the user must do by hand."""

    files: tuple[tuple[Path, str], ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: Path) -> EditorFiles:
        """Return the schema, and the settings of VS Code that map specs to it.

        Settings with comments or errors stay unchanged, with a note. Raises UsageError if one cannot be read.
        """
        schema = folder / SCHEMA_FILE
        files = [] if _text(schema) else [(schema, schema_text())]
        path = folder / _SETTINGS
        before = _text(path)
        try:
            settings = json.loads(before) if before.strip() else {}
        except ValueError:
            wanted = json.dumps({f"./{SCHEMA_FILE}": _SPECS})
            note = f'{path} is not plain JSON and stays unchanged; add "{_KEY}": {wanted}'
            return cls(tuple(files), (note,))
        schemas = settings.get(_KEY) if isinstance(settings, dict) else None
        if not isinstance(settings, dict) or not isinstance(schemas, dict | None):
            note = f'{path} has an unexpected form and stays unchanged; it should map "{_KEY}" to ./{SCHEMA_FILE}'
            return cls(tuple(files), (note,))
        if f"./{SCHEMA_FILE}" not in (schemas or {}):
            files.append((path, _with_schema(before, settings)))
        return cls(tuple(files))


def _with_schema(before: str, settings: dict[str, Any]) -> str:
    """Return the settings with the schema; the lines of the others stay unchanged unless it must go between them."""
    indent = _indent(before)
    added = {_KEY: {**settings.get(_KEY, {}), f"./{SCHEMA_FILE}": _SPECS}}
    if not settings or _KEY in settings:
        return json.dumps(settings | added, indent=indent, ensure_ascii=False) + "\n"
    lines = json.dumps(added, indent=indent, ensure_ascii=False).removeprefix("{")
    return f"{before.rstrip().removesuffix('}').rstrip()},{lines}\n"


def _indent(text: str) -> int | str:
    """Return the indentation of a JSON document, by its first indented line."""
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    return 2 if found is None else found[1] if "\t" in found[1] else len(found[1])


def _text(path: Path) -> str:
    """Return the content of a file, "" if it does not exist. Raises UsageError if it cannot be read or is a link."""
    for place in (path.parent, path):
        if place.name.startswith(".") and islink(place):
            raise UsageError(f"cannot write {path}: {place} is a symbolic link", remedy="Replace it by a copy first.")
    try:
        return read_regular(path, SPEC_BYTES).decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        unfit = isinstance(error, UnfitFileError)
        raise UsageError(f"cannot read {path}: {why}", remedy="Remove it first." if unfit else "") from error
