"""Specs, locks, plans and command lines of somebody who means ill, or is careless: what each must be answered with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["SPEC", "Files", "Hostile", "spec"]

SPEC = """\
version: 1
name: base
base_model: azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest
data:
  train: {path: train.jsonl}
compute:
  finetune: {name: gpu, size: Standard_NC24ads_A100_v4, min_instances: 0, max_instances: 1}
finetune: {parameters: {max_steps: 3}}
"""

Files = dict[str, "str | bytes | Callable[[Path], None]"]


@dataclass(frozen=True)
class Hostile:
    """name: for people. files: by name, their content, or what makes them. says: what the answer holds. codes: of
    diagnostics in it, for `validate --format json`."""

    name: str
    files: Files
    says: str = ""
    codes: tuple[str, ...] = ()
    words: tuple[str, ...] = ("validate", "--format", "json", "spec.yaml")
    exit: int = 1
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Lays the files into a folder."""
        folder.mkdir(parents=True)
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if callable(content):
                content(path)
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))


def spec(more: str = "", **files: str) -> Files:
    return {"spec.yaml": SPEC + more, **files}
