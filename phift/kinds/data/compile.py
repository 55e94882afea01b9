"""data.*: one version per split, named by the digest of its recipe."""

from __future__ import annotations

from phift.address import Address
from phift.compile.draft import Draft
from phift.compile.naming import data_name
from phift.kinds.data.parts import DataParts
from phift.state.desired import Desired
from phift.state.exports import DataExport

__all__ = ["TRAINED_ON", "data_versions"]

TRAINED_ON = ("train", "validation", "test")
"""Splits that a training reads."""


def data_versions(draft: Draft) -> list[Desired[DataParts]]:
    """Return a version for each split that the training reads; `sample` is used by tests and not uploaded."""
    if draft.spec.data is None:
        return []
    versions = []
    for split, source in draft.spec.data.splits.items():
        facts = draft.facts.data.get(split)
        if split not in TRAINED_ON or facts is None:
            continue
        address = Address("data", split)
        draft.export(DataExport(address, split, facts.version))
        versions.append(
            Desired(
                address=address,
                name=draft.named(address, data_name(draft.stack, split)),
                properties={"type": "uri_file", "tags": draft.tags()},
                digest=facts.version,
                parts=DataParts(facts.recipe),
                shown=dict(facts.shown),
                azure=source.azure,
                generated=True,
                former_names=tuple(data_name(stack, split) for stack in draft.former),
            )
        )
    if draft.spec.finetune is not None and not any(d.address.name == "train" for d in versions):
        draft.error(
            "data",
            "`finetune` requires `data.train`",
            code="no-train-data",
            remedy="Write data: {train: {path: data/train.jsonl}}.",
        )
    return versions
