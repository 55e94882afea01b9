"""model.finetuned: the model that the training registers; model.served: an existing model, never written."""

from __future__ import annotations

from phift.address import Address
from phift.compile.draft import Draft, drop_none
from phift.digest import digest_of
from phift.kinds.model.parts import ModelParts, ReferenceParts
from phift.spec import AssetRef, ModelBlock
from phift.state.desired import Desired
from phift.state.exports import ModelExport, RunExport

__all__ = ["models"]

MODEL = Address("model", "finetuned")


def models(draft: Draft) -> list[Desired[ModelParts | ReferenceParts]]:
    """Return the model that the training registers, or the one that the spec refers to."""
    return [*_registered(draft), *_served(draft)]


def _registered(draft: Draft) -> list[Desired[ModelParts | ReferenceParts]]:
    run, block = draft.first(RunExport), draft.spec.model
    if run is None or not isinstance(block, ModelBlock):
        return []
    name = draft.named(MODEL, block.name)
    draft.export(ModelExport(MODEL, name, run.digest))
    return [
        Desired(
            address=MODEL,
            name=name,
            properties=drop_none(
                {
                    "type": "mlflow_model",
                    "description": block.description or draft.spec.description,
                    "tags": draft.tags(block.tags),
                }
            ),
            digest=run.digest,
            inputs=run.inputs,
            parts=ModelParts(run.address, run.size, run.nodes),
            depends_on=(run.address,),
            protect=block.protect or draft.spec.protect,
            azure=block.azure,
            # The default name of the model is the name of the spec.
            former_names=draft.spec.renamed_from if block.name == draft.spec.name else (),
            adopt=draft.spec.adopts("model"),
        )
    ]


def _served(draft: Draft) -> list[Desired[ModelParts | ReferenceParts]]:
    """Return the model of a serve-only spec: `model: azureml:NAME:VERSION`, or that of a registry."""
    reference = draft.spec.model
    if not isinstance(reference, AssetRef):
        return []
    if reference.version is None:
        draft.error(
            "model",
            f"{reference} is not pinned: a served model needs an explicit version",
            code="model-floats",
            remedy=f"Write model: azureml:{reference.name}:VERSION.",
        )
        return []
    address, digest = Address("model", "served"), digest_of(str(reference))
    draft.export(ModelExport(address, reference.name, digest))
    return [
        Desired(
            address=address,
            name=reference.name,
            digest=digest,
            parts=ReferenceParts(reference.version, reference.registry or ""),
            owned=False,
        )
    ]
