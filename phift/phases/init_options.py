"""The answers of `phift init`: their defaults, and their checks."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from os.path import abspath, isdir, lexists
from pathlib import Path

from phift import catalog
from phift.catalog import CatalogModel
from phift.diagnostics import nearest
from phift.editor import SCHEMA_FILE
from phift.errors import UsageError

__all__ = [
    "LONGEST_NAME",
    "REGISTRY",
    "InitOptions",
    "Template",
    "data_files",
    "guessed",
    "known_model",
    "name_from",
    "no_data",
    "require_free",
    "require_name",
]

_NAME = re.compile(r"[a-z][a-z0-9-]{1,23}")
LONGEST_NAME = 24
REGISTRY = "azureml://registries/azureml/models/{}/labels/latest"
_SHARE = re.compile(r"\d+(\.\d+)?%")
_SUGGESTED = 6
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

    data, test_data, validation_data: paths or globs relative to the current folder; "" for none. test_data can also be
    the share of the training rows to hold out, such as 10%. messages: a preset of `data.messages`; columns: of input
    and answer; None: recognise. workflow: a kind of `phift ci`; "" for none.
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
    validation_data: str = ""

    @property
    def held_out(self) -> str:
        """The share of the training rows to test with; "" if they are not in the same file."""
        return self.test_data if _SHARE.fullmatch(self.test_data) else ""


def name_from(folder: Path) -> str:
    """Return a valid name of a stack that resembles the name of a folder."""
    words = re.sub(r"[^a-z0-9]+", "-", Path(abspath(folder)).name.lower()).lstrip("-0123456789")
    name = words[:LONGEST_NAME].rstrip("-")
    return name if _NAME.fullmatch(name) else "my-model"


def data_files(folder: Path) -> list[str]:
    """Return the data files in a folder, or in its folders if it has none itself: their paths in it, sorted.

    JSON in its folders is rather that of a program.
    """
    if found := _data_in(folder, folder):
        return found
    folders = sorted(p for p in _entries(folder) if p.is_dir() and not p.name.startswith("."))
    below = (path for one in folders for path in _data_in(one, folder))
    return [path for path in below if not path.endswith(".json")]


def _data_in(folder: Path, above: Path) -> list[str]:
    from phift.data.sources import format_named

    found = (p for p in _entries(folder) if format_named(p.name) and not _is_settings(p.name) and p.is_file())
    return sorted(str(p.relative_to(above)) for p in found)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # an unreadable folder has nothing to propose
        return []


def _is_settings(name: str) -> bool:
    return name.startswith(".") or name in _NOT_DATA


def guessed(found: Sequence[str], stems: Sequence[str], *, only: bool = False) -> str:
    """Return the one data file with such a name; "" if it is not clear. only: or the only one, whatever its name."""
    named = [file for file in found if Path(file).name.partition(".")[0].lower() in stems]
    chosen = named if len(named) == 1 else found if only and len(found) == 1 else []
    return chosen[0] if chosen else ""


def no_data(folder: Path) -> UsageError:
    """Return the error for a folder that does not show which rows to train on."""
    from phift.data.sources import remedy_for

    found = data_files(folder)
    if len(found) > 1:
        shown = ", ".join(found[:_SUGGESTED]) + (", ..." if len(found) > _SUGGESTED else "")
        patterns = {f"{Path(file).parent / '*'}{''.join(Path(file).suffixes)}" for file in found}
        every = f", or all of them: --data {shlex.quote(patterns.pop())}" if len(patterns) == 1 else ""
        return UsageError(f"several data files: {shown}", remedy=f"Name the one to train on: --data FILE{every}")
    foreign = [f"{p.name}: {remedy}" for p in sorted(_entries(folder)) if (remedy := remedy_for(p.name))]
    return UsageError(
        "no data file in this folder",
        detail="\n".join(foreign[:_SUGGESTED]),
        remedy="Name the rows to train on: --data FILE. To serve a model without training: phift init serve-only",
    )


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


def require_name(name: str) -> None:
    """Raise UsageError if it is not a valid name of a stack."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"--name {name}: not a valid name",
            remedy=f"Use 2 to {LONGEST_NAME} lower-case letters, digits and hyphens, starting with a letter: "
            f"--name {name_from(Path(name))}",
        )


def known_model(template: Template, name: str) -> CatalogModel | None:
    """Return the catalogue's facts of a base model; None for one outside it.

    Raises UsageError for a name of the registry whose model cannot do the task of the template.
    """
    registry = re.fullmatch(r"azureml://registries/azureml/models/([^/]+)/(?:labels|versions)/.+", name)
    plain = registry[1] if registry else name
    if ":" in plain or "/" in plain:
        return None
    model = catalog.model(plain)
    if model is None and not registry:
        raise UsageError(
            f"--base-model {plain}: not in phift's catalogue of the azureml registry", remedy=_instead(template, plain)
        )
    if model is not None and template.trains and template.task not in model.finetune_tasks:
        raise UsageError(
            f"--base-model {model.name}: cannot be fine-tuned for {template.task}",
            remedy=f"Use one of {', '.join(_fit(template)[:_SUGGESTED])}.",
        )
    return model


def _fit(template: Template) -> list[str]:
    """Return the models that the template can use, those that retire last."""
    able = [m for m in catalog.models().values() if not template.trains or template.task in m.finetune_tasks]
    return [m.name for m in sorted(able, key=lambda m: m.finetune_retirement is not None)]


def _instead(template: Template, name: str) -> str:
    """Return what to write instead of an unknown name."""
    fit = _fit(template)
    begin = [one for one in fit if _letters(one).startswith(_letters(name))]
    if close := begin[:3] or [one for one in (nearest(name, fit),) if one]:
        return f"Did you mean {' or '.join(filter(None, [', '.join(close[:-1]), close[-1]]))}?"
    return f"Use one of {', '.join(fit[:_SUGGESTED])}, or a reference such as {REGISTRY.format('NAME')}."


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
