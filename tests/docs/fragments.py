"""Blocks of YAML in pages, as the specs of which they are a part."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from phift.errors import InvalidSpecError
from phift.spec import load_all
from phift.spec.document import Spec

__all__ = ["invalid"]

REST = {
    "version": "1",
    "name": "page",
    "base_model": "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest",
    "data": "{train: {path: train.jsonl}, test: {path: test.jsonl}}",
    "compute": "{finetune: {name: gpu, size: Standard_NC24ads_A100_v4, max_instances: 1}}",
    "finetune": "{parameters: {max_steps: 3}}",
    "model": "{name: page}",
    "endpoint": "{auth_mode: key}",
    "deployment": "{instance_type: Standard_NC24ads_A100_v4, instance_count: 1}",
    "targets": "{local: {default: true}}",
}
"""A whole spec, of which a fragment replaces the blocks that it has."""
TRAINING = ("base_model", "data", "compute", "finetune")
ENVIRONMENT = {
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000001",
    "AZURE_RESOURCE_GROUP": "rg-ml",
    "AZURE_WORKSPACE_NAME": "ws-ml",
}


def invalid(text: str, inside: str, folder: Path) -> str:
    """Why the text is not part of a spec; "" if it is. inside: the path of the block that contains it, or "".

    A text with a version is a whole spec.
    """
    for name in reversed(inside.split(".") if inside else []):
        text = f"{name}:\n{textwrap.indent(text, '  ')}"
    own = re.findall(r"^([\w-]+):", text, re.MULTILINE)
    if unknown := sorted({key for key in own if not key.startswith("x-")} - {*Spec.model_fields, "targets"}):
        return f"{', '.join(unknown)}: not a block of a spec; mark the block with `<!-- block: in PATH -->` or `parse`"
    if "version" not in own:
        served = bool(re.search(r"^model:.*(azureml:|path:)", text, re.MULTILINE))
        left = [key for key in REST if key not in own and not (served and key in TRAINING)]
        text = "".join([f"{key}: {REST[key]}\n" for key in left]) + text
    path = folder / "page.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        load_all(path, environ=ENVIRONMENT)
    except InvalidSpecError as error:
        return "; ".join(f"{one.code}: {one.summary}" for one in error.diagnostics)
    return ""
