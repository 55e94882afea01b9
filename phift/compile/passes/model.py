"""model.finetuned: what the training registers; model.served: one that exists, read and never written."""

from __future__ import annotations

from phift.address import Address
from phift.compile.desired import Desired
from phift.compile.draft import Draft, without_nothing
from phift.digest import digest_of
from phift.spec import AssetRef, ModelBlock

__all__ = ["registered_model", "served_model"]

MODEL = Address("model", "finetuned")
_OUTPUT = "trained_model"


def registered_model(draft: Draft) -> list[Desired]:
    """The model of the job made before; nothing without one."""
    job, block = draft.made("job", "finetune"), draft.spec.model
    if job is None or not isinstance(block, ModelBlock):
        return []
    return [
        Desired(
            address=MODEL,
            name=draft.named(MODEL, block.name),
            properties=without_nothing(
                {
                    "type": "mlflow_model",
                    "description": block.description or draft.spec.description,
                    "tags": draft.tags(block.tags),
                }
            ),
            digest=job.digest,
            inputs=job.inputs,
            parts={"job": job.address, "output": _OUTPUT},
            depends_on=(job.address,),
            protect=block.protect or draft.spec.protect,
            azure=block.azure,
            # A spec that names no model gets one of the spec's name.
            former_names=draft.spec.renamed_from if block.name == draft.spec.name else (),
            adopt=draft.spec.adopts("model"),
        )
    ]


def served_model(draft: Draft) -> list[Desired]:
    """The model of a serve-only spec: `model: azureml:NAME:VERSION`, or that of a registry."""
    reference = draft.spec.model
    if not isinstance(reference, AssetRef):
        return []
    if reference.version is None:
        draft.find(
            "model",
            f"{reference} floats: what is served must be a version",
            code="model-floats",
            remedy=f"Write model: azureml:{reference.name}:VERSION.",
        )
        return []
    return [
        Desired(
            address=Address("model", "served"),
            name=reference.name,
            digest=digest_of(str(reference)),
            parts={"version": reference.version, "registry": reference.registry or ""},
            owned=False,
        )
    ]
