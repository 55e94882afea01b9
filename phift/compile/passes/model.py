"""model.finetuned: what the training registers, found again by the training's digest."""

from __future__ import annotations

from phift.address import Address
from phift.compile.desired import Desired
from phift.compile.draft import Draft, without_nothing
from phift.spec import ModelBlock

__all__ = ["registered_model"]

_OUTPUT = "trained_model"


def registered_model(draft: Draft) -> list[Desired]:
    """The model of the job made before; nothing without one."""
    job, block = draft.made("job", "finetune"), draft.spec.model
    if job is None or not isinstance(block, ModelBlock):
        return []
    return [
        Desired(
            address=Address("model", "finetuned"),
            name=block.name,
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
        )
    ]
