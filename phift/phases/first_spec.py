"""The text of a first spec: a template, filled with the answers and with what the rows were recognised as."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING

from phift import catalog
from phift.catalog import CatalogModel
from phift.editor import SCHEMA_FILE
from phift.phases.init_options import LONGEST_NAME, REGISTRY, InitOptions, Template
from phift.spec.yaml12 import flow

if TYPE_CHECKING:
    from phift.data.recognition import Recognised
    from phift.phases.init_rows import InitRows

__all__ = ["first_spec"]

_STAND_IN = "Phi-3-mini-4k-instruct"
_SHOWN_ROWS = 5
_TESTED_ROWS = 20
_COMMENT = 39
"""The column of comments in the templates."""


def first_spec(options: InitOptions, model: CatalogModel | None, rows: InitRows) -> str:
    """Return the text of the spec. model: the catalogue's facts of the base model; None for one outside it."""
    trained, tested, validated, held_out = rows.train, rows.test, rows.validation, rows.held_out
    template = options.template
    reference = options.base_model or template.default_model
    if ":" not in reference and "/" not in reference:
        reference = REGISTRY.format(model.name if model else reference)
    command = "phift {}" if options.out == Path("phift.yaml") else f"phift {{}} {options.out}"
    local = model is None or model.name not in {"Phi-4", _STAND_IN}
    values = {
        "schema": SCHEMA_FILE,
        "plan": command.format("plan"),
        "apply": command.format("apply"),
        "name": options.name,
        "base_model": flow(reference),
        "cluster": f"gpu-{options.name}"[:LONGEST_NAME].rstrip("-"),
        "size": _size(model.finetune_computes if model else ()),
        "serving_size": _size(model.inference_computes if model else ()),
        "stand_in": f"{'base_model' if template.trains else 'model'}: {REGISTRY.format(_STAND_IN)}" if local else "",
        "test": _split(options, "test", options.data if held_out else options.test_data, tested, held_out),
        "validation": _split(options, "validation", options.validation_data, validated),
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
            "train": _split(options, "train", options.data, trained, f"{{except: {held_out}}}" if held_out else ""),
            "batch": str(_batch(template, trained.rows)),
            "messages": f"messages: {flow(trained.messages)}" if trained.messages is not None else "",
            "sample": "" if tested else sample,
            "text": flow(trained.table.texts[0]) if trained.table else "",
            "label": flow(trained.table.answer) if trained.table else "",
        }
    return _filled(files("phift.phases").joinpath(f"templates/{template.value}.yaml").read_text("utf-8"), values)


def _split(options: InitOptions, name: str, path: str, found: Recognised | None, take: str = "") -> str:
    """Return the line of a split; "" without rows."""
    if found is None:
        return ""
    take = f", take: {take}" if take else ""
    return f"{name}: {{path: {_path(options, path)}{take}}}   # {found.rows:,} rows"


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
    rows = min(tested.rows, _SHOWN_ROWS)
    data = f"\ndata:\n  {_split(options, 'test', options.test_data, tested)}"
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
