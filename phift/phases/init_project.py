"""Write a first spec and the files around it, from a look at the data. Needs no workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os.path import lexists, relpath
from pathlib import Path

from phift.errors import PhiftError, UsageError
from phift.files import create_text, replace_text, repository_of
from phift.phases.first_spec import first_spec
from phift.phases.init_options import InitOptions, known_model, require_free, require_name
from phift.phases.init_rows import InitRows, rows_of
from phift.phases.project_files import EditorFiles, ignore_file

__all__ = ["Initialized", "init"]


@dataclass(frozen=True)
class Initialized:
    """What was written. found: the rows by split, and what they were recognised as. notes: what is left open."""

    spec: Path
    written: tuple[Path, ...]
    found: Mapping[str, tuple[str, int, str]]
    notes: tuple[str, ...]


def init(options: InitOptions, rows: InitRows | None = None) -> Initialized:
    """Write the spec, .gitignore and the settings of editors.

    rows: what `rows_of` returned for these options; None: read the rows now. Existing files are never overwritten:
    .gitignore and editor settings are extended. Raises UsageError for invalid answers, InvalidSpecError if the rows do
    not fit, PhiftError if a file cannot be written. Nothing is written then.
    """
    require_free(options.out)
    require_name(options.name)
    model = known_model(options.template, options.base_model or options.template.default_model)
    rows = rows or rows_of(options)
    folder = options.out.parent
    editor = EditorFiles.of(folder)
    text = first_spec(options, model, rows)
    ignored = ignore_file(folder)
    workflow = _workflow(options)
    try:
        for path, content in (*workflow, (options.out, text)):
            path.parent.mkdir(parents=True, exist_ok=True)
            create_text(path, content)
        for path, content in (*ignored, *editor.files):
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_text(path, content)
    except OSError as error:
        raise PhiftError(f"cannot write {error.filename or options.out}: {error.strerror or error}") from error
    sources = {"train": options.data, "validation": options.validation_data, "test": options.test_data}
    if options.held_out:
        sources["test"] = f"{options.held_out} of {options.data}"
    splits = {"train": rows.train, "validation": rows.validation, "test": rows.test}
    found = {name: (sources[name], one.rows, one.what) for name, one in splits.items() if one is not None}
    written = (options.out, *(path for path, _ in (*ignored, *editor.files, *workflow)))
    return Initialized(options.out, written, found, (*editor.notes, *_open(options)))


def _workflow(options: InitOptions) -> list[tuple[Path, str]]:
    """Return the workflow files of `phift ci` for the target prod. Raises UsageError if one of them exists."""
    if not options.workflow:
        return []
    from phift.workflows import Settings, workflow_files

    root = repository_of(options.out.parent) if _in_repository(options.out.parent) else Path()
    spec = relpath(options.out, root)
    files = workflow_files(options.workflow, Settings(specs=(spec,), target="prod"))
    found = [(Path(relpath(root)) / name, text) for name, text in files.items()]
    for path, _ in found:
        if lexists(path):
            remedy = f"Leave out --workflow, and see `phift ci {options.workflow} --stdout`."
            raise UsageError(f"{path} exists already", detail="phift init does not overwrite files.", remedy=remedy)
    return found


def _in_repository(folder: Path) -> bool:
    return lexists(repository_of(folder) / ".git")


def _open(options: InitOptions) -> list[str]:
    if options.test_data:
        return []
    if options.template.trains:
        return [
            "No test data: the test sends a row of the training data, which shows that the deployment answers and "
            "measures nothing. To measure, pass --test-data FILE, or hold out rows: --test-data 10%."
        ]
    return ["No test data: the deployment receives traffic untested. --test-data FILE adds a test."]
