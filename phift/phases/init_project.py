"""Write a first spec and the files around it, from a look at the data. Needs no workspace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.resources import files
from os.path import abspath, isdir, lexists, relpath
from pathlib import Path
from typing import TYPE_CHECKING

from phift import catalog
from phift.catalog import CatalogModel
from phift.diagnostics import Diagnostic, nearest
from phift.editor import SCHEMA_FILE
from phift.errors import InvalidSpecError, PhiftError, UsageError
from phift.files import create_text, replace_text, repository_of
from phift.phases.project_files import EditorFiles, ignore_file
from phift.spec.yaml12 import flow

if TYPE_CHECKING:
    from phift.data.recognition import Recognised

__all__ = ["InitOptions", "Initialized", "Template", "data_files", "init", "name_from", "require_free"]

_NAME = re.compile(r"[a-z][a-z0-9-]{1,23}")
_LONGEST = 24
_STAND_IN = "Phi-3-mini-4k-instruct"
_REGISTRY = "azureml://registries/azureml/models/{}/labels/latest"
_SHOWN_ROWS = 5
_TESTED_ROWS = 20
_COMMENT = 39
"""The column of comments in the templates."""


_NOT_DATA = {SCHEMA_FILE, "package.json", "package-lock.json", "tsconfig.json", "plan.json", "config.json"}


class Template(StrEnum):
    """A kind of first spec."""

    CHAT = "chat"
    SERVE_ONLY = "serve-only"
    TEXT_CLASSIFICATION = "text-classification"
    MULTI_TARGET = "multi-target"

    @property
    def trains(self) -> bool:
        return self is not Template.SERVE_ONLY

    @property
    def default_model(self) -> str:
        """The registry model that the template starts from."""
        return "bert-base-uncased" if self is Template.TEXT_CLASSIFICATION else "Phi-4"

    @property
    def task(self) -> str:
        """The task of a base model, as the registry names it."""
        return "text-classification" if self is Template.TEXT_CLASSIFICATION else "chat-completion"


@dataclass(frozen=True)
class InitOptions:
    """The answers of the user. out: the spec to write. base_model: a name in the azureml registry, or a reference.

    data, test_data: paths or globs relative to the current folder; "" for none. messages: a preset of `data.messages`;
    columns: of input and answer; None: recognise. workflow: a kind of `phift ci`; "" for none.
    """

    template: Template
    name: str
    out: Path
    base_model: str = ""
    data: str = ""
    test_data: str = ""
    messages: str | None = None
    columns: tuple[str, str] | None = None
    workflow: str = ""


@dataclass(frozen=True)
class Initialized:
    """What was written. found: the rows by split, and what they were recognised as. notes: what is left open."""

    spec: Path
    written: tuple[Path, ...]
    found: Mapping[str, tuple[str, int, str]]
    notes: tuple[str, ...]


def name_from(folder: Path) -> str:
    """Return a valid name of a stack that resembles the name of a folder."""
    words = re.sub(r"[^a-z0-9]+", "-", Path(abspath(folder)).name.lower()).lstrip("-0123456789")
    name = words[:_LONGEST].rstrip("-")
    return name if _NAME.fullmatch(name) else "my-model"


def data_files(folder: Path) -> list[str]:
    """Return the names of the data files in a folder, sorted."""
    from phift.data.sources import format_named

    return sorted(p.name for p in folder.iterdir() if format_named(p.name) and p.is_file() and not _is_settings(p.name))


def _is_settings(name: str) -> bool:
    return name.startswith(".") or name in _NOT_DATA


def require_free(path: Path) -> None:
    """Raise UsageError if the spec to write exists, its folder does not, or its name is not that of a YAML file."""
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise UsageError(f"--out {path}: not the name of a YAML file", remedy="Use a name that ends in .yaml.")
    if lexists(path):
        raise UsageError(
            f"{path} exists already",
            detail="phift init does not overwrite files.",
            remedy="Pass another name, as in `phift init --out other.yaml`, or delete the file first.",
        )
    if not isdir(path.parent):
        raise UsageError(f"--out {path}: the folder does not exist", remedy=f"Create it: mkdir -p {path.parent}")


def init(options: InitOptions) -> Initialized:
    """Write the spec, .gitignore and the settings of editors.

    Existing files are never overwritten: .gitignore and editor settings are extended. Raises UsageError for invalid
    answers, InvalidSpecError if the rows do not fit, PhiftError if a file cannot be written. Nothing is written then.
    """
    require_free(options.out)
    if not _NAME.fullmatch(options.name):
        raise UsageError(
            f"--name {options.name}: not a valid name",
            remedy=f"Use 2 to {_LONGEST} lower-case letters, digits and hyphens, starting with a letter: "
            f"--name {name_from(Path(options.name))}",
        )
    model = _known(options)
    trained, tested = _recognised(options)
    folder = options.out.parent
    editor = EditorFiles.of(folder)
    text = _text(options, model, trained, tested)
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
    found = {}
    if trained is not None:
        found["train"] = (options.data, trained.rows, trained.what)
    if tested is not None:
        found["test"] = (options.test_data, tested.rows, tested.what)
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
            "measures nothing. --test-data FILE adds rows to measure with."
        ]
    return ["No test data: the deployment receives traffic untested. --test-data FILE adds a test."]


def _known(options: InitOptions) -> CatalogModel | None:
    """Return the catalogue's facts of the base model; None for one outside it.

    Raises UsageError for a name of the registry whose model cannot do the task of the template.
    """
    name = options.base_model or options.template.default_model
    registry = re.fullmatch(r"azureml://registries/azureml/models/([^/]+)/(?:labels|versions)/.+", name)
    plain = registry[1] if registry else name
    if ":" in plain or "/" in plain:
        return None
    model = catalog.model(plain)
    able = [m for m in catalog.models().values() if options.template.task in m.finetune_tasks]
    fit = [m.name for m in sorted(able, key=lambda m: m.finetune_retirement is not None)]
    if model is None and not registry:
        close = nearest(plain, list(catalog.models()))
        raise UsageError(
            f"--base-model {plain}: not in phift's catalogue of the azureml registry",
            remedy=f"Did you mean {close}?"
            if close
            else f"Use one of {', '.join(fit[:6])}, or a reference such as {_REGISTRY.format('NAME')}.",
        )
    if model is not None and options.template.trains and options.template.task not in model.finetune_tasks:
        raise UsageError(
            f"--base-model {model.name}: cannot be fine-tuned for {options.template.task}",
            remedy=f"Use one of {', '.join(fit[:6])}.",
        )
    return model


def _recognised(options: InitOptions) -> tuple[Recognised | None, Recognised | None]:
    """Read all rows. Raises InvalidSpecError."""
    from phift.data.presets import AS_IS
    from phift.data.recognition import recognise_chat, recognise_table
    from phift.data.sources import identify

    if options.template.trains and not options.data:
        raise UsageError("no training data", remedy="Name a file: --data FILE")
    if options.columns is not None and options.messages is not None:
        raise UsageError("--messages and --columns cannot be used together", remedy="Pass one of them.")

    def chat(path: str, messages: object, columns: tuple[str, str] | None) -> Recognised:
        return recognise_chat(identify({"path": path}, Path()), messages=messages, columns=columns)

    try:
        if options.template is Template.TEXT_CLASSIFICATION:
            trained = recognise_table(identify({"path": options.data}, Path()), columns=options.columns)
            tested = (
                recognise_table(identify({"path": options.test_data}, Path()), table=trained.table)
                if options.test_data
                else None
            )
            _require_classes(trained, tested)
            return trained, tested
        if not options.template.trains:
            if not options.test_data:
                return None, None
            return None, chat(options.test_data, options.messages, options.columns)
        first = chat(options.data, options.messages, options.columns)
        if not options.test_data:
            return first, None
        tested = chat(options.test_data, first.messages or AS_IS, None)
        return first, replace(tested, messages=first.messages, what=first.what)
    except InvalidSpecError as error:
        raise InvalidSpecError([_answered(options, d) for d in error.diagnostics], error.summary) from None


def _require_classes(trained: Recognised, tested: Recognised | None) -> None:
    from phift.data.classes import class_problems

    files = {"train": trained.path, **({"test": tested.path} if tested else {})}
    if trained.table is not None and (problems := list(class_problems(trained.table, files))):
        raise InvalidSpecError(problems)


def _answered(options: InitOptions, found: Diagnostic) -> Diagnostic:
    """Return a finding about the columns with the options of `phift init` that answer it."""
    if found.code == "data-preference":
        return replace(found, remedy="To train on the chosen answers, pass --messages chosen.")
    if found.code != "data-columns" or options.template is Template.TEXT_CLASSIFICATION:
        return found
    remedy = "Pass --columns QUESTION,ANSWER, or --messages PRESET (docs/data.md)"
    return replace(found, remedy=f"{remedy}; to train a classifier, use `phift init text-classification`.")


def _text(
    options: InitOptions, model: CatalogModel | None, trained: Recognised | None, tested: Recognised | None
) -> str:
    template = options.template
    reference = options.base_model or template.default_model
    if ":" not in reference and "/" not in reference:
        reference = _REGISTRY.format(model.name if model else reference)
    command = "phift {}" if options.out == Path("phift.yaml") else f"phift {{}} {options.out}"
    local = model is None or model.name not in {"Phi-4", _STAND_IN}
    values = {
        "schema": SCHEMA_FILE,
        "plan": command.format("plan"),
        "apply": command.format("apply"),
        "name": options.name,
        "base_model": flow(reference),
        "cluster": f"gpu-{options.name}"[:_LONGEST].rstrip("-"),
        "size": _size(model.finetune_computes if model else ()),
        "serving_size": _size(model.inference_computes if model else ()),
        "stand_in": f"{'base_model' if template.trains else 'model'}: {_REGISTRY.format(_STAND_IN)}" if local else "",
        "test": f"test: {{path: {_path(options, options.test_data)}}}   # {tested.rows:,} rows" if tested else "",
        "tests": _tests(template, tested),
        "test_block": _test_block(options, tested),
    }
    if trained is not None:
        path = _path(options, options.data)
        first = min(trained.rows, _SHOWN_ROWS)
        sample = (
            f"sample: {{path: {path}, take: {{first: {first}}}}}   # sent by the test and by `phift invoke --sample`"
        )
        values |= {
            "train": path,
            "train_said": f"{trained.rows:,} rows",
            "batch": str(_batch(template, trained.rows)),
            "messages": f"messages: {flow(trained.messages)}" if trained.messages is not None else "",
            "sample": "" if tested else sample,
            "text": flow(trained.table.texts[0]) if trained.table else "",
            "label": flow(trained.table.answer) if trained.table else "",
        }
    return _filled(files("phift.phases").joinpath(f"templates/{template.value}.yaml").read_text("utf-8"), values)


def _batch(template: Template, rows: int) -> int:
    """Return the rows of a step on the emulator: a power of two that the data fills."""
    most = min(rows, 16 if template is Template.TEXT_CLASSIFICATION else 8)
    return 1 << (most.bit_length() - 1)


def _tests(template: Template, tested: Recognised | None) -> str:
    generation = (
        "" if template is Template.TEXT_CLASSIFICATION else ", parameters: {do_sample: false, max_new_tokens: 40}"
    )
    if tested is None:
        return f"smoke: {{rows: 1{generation}, max_seconds: 60}}"
    rows = min(tested.rows, _TESTED_ROWS)
    required = "  # expect: {min_exact_match: 0.8}     a share of answers that must equal the ground truth"
    return f"held_out:\n  rows: {rows}{generation.replace(', ', chr(10) + '  ', 1)}\n{required}"


def _test_block(options: InitOptions, tested: Recognised | None) -> str:
    if tested is None:
        return ""
    path = _path(options, options.test_data)
    rows = min(tested.rows, _SHOWN_ROWS)
    data = f"\ndata:\n  test: {{path: {path}}}   # {tested.rows:,} rows"
    if tested.messages is not None:
        data += f"\n  messages: {flow(tested.messages)}"
    return (
        f"{data}\n\ntests:                                 # sent to a new deployment before it receives traffic\n"
        f"  smoke: {{rows: {rows}, parameters: {{do_sample: false, max_new_tokens: 40}}, max_seconds: 60}}"
    )


def _path(options: InitOptions, path: str) -> str:
    """Return a path on the command line relative to the spec, as YAML."""
    folder = options.out.parent
    return flow(path if Path(path).is_absolute() or folder == Path() else relpath(path, folder))


def _size(allowed: tuple[str, ...]) -> str:
    """Return the smallest current VM size of an allow-list."""
    sizes = [size for name in allowed if (size := catalog.vm_size(name)) and size.retired is None]
    chosen = min(sizes, key=lambda size: (size.gpus, size.vcpus if size.gpus else 0), default=None)
    return chosen.name if chosen else "Standard_NC24ads_A100_v4"


def _filled(template: str, values: Mapping[str, str]) -> str:
    """Replace `<<name>>`. A line that is only one is replaced by the lines of its value, or dropped if it is empty."""
    lines: list[str] = []
    for line in template.splitlines():
        alone = re.fullmatch(r"( *)<<(\w+)>>", line)
        if alone is None:
            lines.append(_aligned(re.sub(r"<<(\w+)>>", lambda found: values[found[1]], line)))
        elif values[alone[2]]:
            lines += [_aligned(f"{alone[1]}{one}".rstrip()) for one in values[alone[2]].splitlines()]
    return "\n".join(lines) + "\n"


def _aligned(line: str) -> str:
    """Return the line with its comment, marked by three spaces, at the column of comments."""
    code, mark, comment = line.partition("   # ")
    if not mark or not code.strip() or code.startswith("#"):
        return line
    return f"{code.ljust(_COMMENT - 1)} # {comment}" if len(code) < _COMMENT else line
