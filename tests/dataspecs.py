"""Specs of which only the data matters, and rows for them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hubcase import clear

from phift.spec import LoadedSpec
from phift.workbench.request import Request

__all__ = ["isolated", "refused", "rows", "spec"]

_SPEC = """\
version: 1
name: looked-at
base_model: azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest
data:
{data}
compute:
  finetune: {{name: gpu-cluster, size: Standard_NC24ads_A100_v4}}
finetune: {{component: azureml://registries/azureml/components/chat_completion_pipeline/labels/latest}}
model: {{name: looked-at}}
"""


def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """For a fixture: neither settings of a hub nor a home of the machine."""
    clear(monkeypatch, tmp_path / "hf-home")
    monkeypatch.setenv("PHIFT_HOME", str(tmp_path / "phift-home"))


def spec(folder: Path, data: str, name: str = "spec.yaml") -> Request:
    """Write a spec with the entries of its block `data`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(_SPEC.format(data=re.sub("^", "  ", data.strip(), flags=re.M)), encoding="utf-8")
    return Request(path)


def rows(path: Path, *pairs: tuple[str, str], **more: Any) -> None:
    """Write conversations of a question and an answer. more: columns of every row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as out:
        for number, (question, answer) in enumerate(pairs):
            said = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            out.write(json.dumps({"messages": said, "prompt_id": f"id{number}", **more}) + "\n")


def refused(loaded: LoadedSpec) -> Any:
    """A connector of tests that need no workspace."""
    raise AssertionError("no workspace is needed")
