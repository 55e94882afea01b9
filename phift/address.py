"""The address of a resource: `kind.name`, parsed once."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Address"]


@dataclass(frozen=True, order=True)
class Address:
    """`compute.finetune`, `job.finetune`, `model.finetuned`: the kind and the name inside the stack."""

    kind: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """Parse `kind.name`. Raises ValueError if either part is missing."""
        kind, dot, name = text.partition(".")
        if not (kind and dot and name):
            raise ValueError(f"{text!r} is not an address; the form is kind.name, such as compute.finetune")
        return cls(kind, name)

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"
