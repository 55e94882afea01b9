"""The local files of a spec that are inputs of the component, such as a DeepSpeed configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from phift.catalog import ComponentInterface
from phift.diagnostics import Diagnostic
from phift.files import is_within, read_regular, real
from phift.kinds.job.component import managed_input
from phift.kinds.job.parameters import FILE
from phift.spec import LoadedSpec
from phift.spec.addresses import scheme_of
from phift.state.facts import ParameterFile

__all__ = ["parameter_files"]

MOST_BYTES = 16_000_000
_JSON = ("deepspeed",)
"""Inputs whose file the component parses as a JSON object."""


def parameter_files(
    loaded: LoadedSpec, interface: ComponentInterface, root: Path | None
) -> tuple[dict[str, ParameterFile], list[Diagnostic]]:
    """Return the files that parameters name, by input, and the problems of the others.

    root: the folder that must contain the files, with links followed; None: no restriction.
    """
    found: dict[str, ParameterFile] = {}
    problems: list[Diagnostic] = []
    for name, text in _named(loaded, interface):
        path = f"finetune.parameters.{name}"
        try:
            found[name] = _read(name, text, loaded.path.parent, root)
        except _UnusableError as error:
            problem = Diagnostic(
                f"{name}: {error.why}",
                detail=f"{name} takes a file, which is uploaded and is part of the job's digest.",
                remedy=error.remedy,
                path=path,
                code="parameter-file",
            )
            problems.append(replace(problem, mark=loaded.mark(path)))
    return found, problems


class _UnusableError(Exception):
    """Why a file cannot be used, and the remedy."""

    def __init__(self, why: str, remedy: str = "Use the path of a file, relative to the folder of the spec.") -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy


def _named(loaded: LoadedSpec, interface: ComponentInterface) -> Iterator[tuple[str, str]]:
    """Yield the parameters of the author that name a file. Text of another type is a problem of the parameter."""
    block = loaded.spec.finetune
    parameters: Mapping[str, object] = block.parameters if block else {}
    for name, value in parameters.items():
        declared = interface.inputs.get(name)
        if declared is not None and declared.type == FILE and managed_input(name) is None and isinstance(value, str):
            yield name, value


def _read(name: str, text: str, folder: Path, root: Path | None) -> ParameterFile:
    """Raises _UnusableError."""
    if scheme_of(text):
        raise _UnusableError(f"{text} is an address, not a file next to the spec")
    try:
        path = real(folder / text)
        if root is not None and not is_within(path, real(root)):
            # Checked first: the error must not reveal whether a file exists outside the root.
            remedy = "Move the file there, or set --data-root (PHIFT_DATA_ROOT) to another folder."
            raise _UnusableError(f"{text} is outside the data root {root}", remedy)
        content = read_regular(path, MOST_BYTES)
    except FileNotFoundError:
        raise _UnusableError(f"no such file: {folder / text}") from None
    except OSError as error:
        raise _UnusableError(f"cannot read {text}: {error.strerror}") from None
    if name in _JSON:
        _require_object(text, content)
    return ParameterFile(path, hashlib.sha256(content).hexdigest(), len(content))


def _require_object(text: str, content: bytes) -> None:
    try:
        found = json.loads(content)
    except ValueError as error:
        raise _UnusableError(f"{text} is not valid JSON: {error}", "Fix the file.") from None
    if not isinstance(found, dict):
        raise _UnusableError(f"{text} does not contain a JSON object", "Fix the file.")
