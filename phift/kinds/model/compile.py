"""model.finetuned: the model that the training registers; model.served: files to register, or an existing model."""

from __future__ import annotations

from phift.address import Address
from phift.compile.draft import Draft, drop_none
from phift.digest import digest_of
from phift.folders import Folder
from phift.kinds.model.parts import FileParts, ModelParts, ReferenceParts
from phift.spec import AssetRef, ModelBlock
from phift.state.desired import Desired
from phift.state.exports import ModelExport, RunExport

__all__ = ["MODEL", "models"]

MODEL = Address("model", "finetuned")
"""The model that a training registers."""
SERVED = Address("model", "served")

_MLFLOW, _CUSTOM = "mlflow_model", "custom_model"
_MARK = "MLmodel"
"""The file that makes a folder an MLflow model."""
_Parts = ModelParts | FileParts | ReferenceParts


def models(draft: Draft) -> list[Desired[_Parts]]:
    """Return the model that the training registers, or the one that a spec without training serves."""
    served = draft.spec.served
    if served is None:
        return _registered(draft)
    place, model = served
    return _reference(draft, model) if isinstance(model, AssetRef) else _files(draft, place, model)


def _registered(draft: Draft) -> list[Desired[_Parts]]:
    run, block = draft.first(RunExport), draft.spec.model
    if run is None or not isinstance(block, ModelBlock):
        return []
    own = block.name or draft.spec.name
    name = draft.named(MODEL, own)
    draft.export(ModelExport(MODEL, name, run.digest))
    return [
        Desired(
            address=MODEL,
            name=name,
            properties=drop_none(
                {
                    "type": _MLFLOW,
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
            former_names=draft.spec.renamed_from if own == draft.spec.name else (),
            adopt=draft.spec.adopts("model"),
        )
    ]


def _files(draft: Draft, place: str, block: ModelBlock) -> list[Desired[_Parts]]:
    """Return the version of files to register: of a local folder, found by its content, or of a path in Azure."""
    own = block.name or draft.spec.name
    name, written = draft.named(SERVED, own), str(block.path)
    folder = draft.facts.folders.get(f"{place}.path")
    if folder is None and not written.startswith(("azureml:", "runs:/")) and "://" in written:
        summary = f"{place}.path: {written.partition('?')[0]} is not a path in the workspace"
        remedy = "Write a local path, azureml://datastores/NAME/paths/PATH or azureml://jobs/NAME/outputs/NAME."
        draft.error(f"{place}.path", summary, code="model-path", remedy=remedy)
    if block.type == _MLFLOW and folder is not None and not folder.has(_MARK):
        remedy = f"Write the path of the folder that contains {_MARK}, or type: custom_model."
        draft.error(f"{place}.path", f"no {_MARK} file in {folder.name}", code="model-not-mlflow", remedy=remedy)
    kind = block.type or (_MLFLOW if folder is None or folder.has(_MARK) else _CUSTOM)
    inputs = drop_none({"type": kind, "path": _identity(folder, written)})
    draft.export(ModelExport(SERVED, name, digest := digest_of(inputs), kind))
    shown = {"path": written, **({"files": len(folder.files), "bytes": folder.size} if folder else {})}
    return [
        Desired(
            address=SERVED,
            name=name,
            properties=drop_none(
                {
                    "type": kind,
                    "description": block.description or draft.spec.description,
                    "tags": draft.tags(block.tags),
                }
            ),
            digest=digest,
            inputs=inputs,
            parts=FileParts("" if folder else written, folder),
            shown=shown,
            protect=block.protect or draft.spec.protect,
            azure=block.azure,
            former_names=draft.spec.renamed_from if own == draft.spec.name else (),
            adopt=draft.spec.adopts("model"),
        )
    ]


def _identity(folder: Folder | None, written: str) -> str:
    """Return what the content of a version is known by. The name of a folder counts: scripts find their files by it."""
    return digest_of({"name": folder.name, "content": folder.digest}) if folder else written


def _reference(draft: Draft, written: AssetRef) -> list[Desired[_Parts]]:
    """Return the model of a serve-only spec: `model: azureml:NAME:VERSION`, or that of a registry."""
    reference = draft.facts.served or written
    if reference.version is None:
        return []  # only for a command that does not create anything
    digest = digest_of(str(reference))
    draft.export(ModelExport(SERVED, reference.name, digest))
    return [
        Desired(
            address=SERVED,
            name=reference.name,
            digest=digest,
            parts=ReferenceParts(reference.version, reference.registry or ""),
            owned=False,
        )
    ]
