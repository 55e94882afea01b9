"""`phift schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phift.cli.terminal import Terminal
from phift.errors import UsageError
from phift.files import SPEC_BYTES, read_regular, replace_text

if TYPE_CHECKING:
    from collections.abc import Mapping


def schema(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The file to write. Default: phift.schema.json.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write the schema to a file instead of printing it.")] = False,
) -> int:
    """Print the JSON schema of specs, with which editors complete and check them.

    With --write, write it to a file. Name the file in the first line of a spec:
    # yaml-language-server: $schema=phift.schema.json
    """
    from phift.editor import SCHEMA_FILE, schema_text

    terminal = Terminal.of()
    if file is not None and not write:
        raise UsageError("a file requires --write", remedy=f"phift schema {file} --write")
    if not write:
        terminal.print(schema_text().rstrip("\n"))
        return 0
    place = Path(SCHEMA_FILE) if file is None else file
    _replace(place, schema_text())
    terminal.print(f"Wrote {place}. In a spec next to it: # yaml-language-server: $schema={place.name}")
    return 0


def _replace(path: Path, text: str) -> None:
    """Write a new file, or replace an earlier schema. Raises UsageError for any other file."""
    from phift.cli.outfile import require_writable

    place = require_writable(path, "Choose a regular file, or print the schema: phift schema")
    try:
        if place.exists() and not _is_schema(place):
            raise UsageError(
                f"cannot write {path}: the file exists and is not a schema of phift",
                remedy="Name another file: phift schema --write FILE",
            )
        replace_text(place, text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


def _is_schema(place: Path) -> bool:
    from phift.editor import SCHEMA_ID

    try:
        found: Mapping[str, object] = json.loads(read_regular(place, SPEC_BYTES))
        return isinstance(found, dict) and found.get("$id") == SCHEMA_ID
    except (ValueError, RecursionError):
        return False
