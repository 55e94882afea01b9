"""The lock file: `phift.lock` next to the spec. It pins what is not pinned in the specs of the folder, by stack.

    version: 2
    id: 4f1d8c2ab07e9365
    stacks:
      quickstart:
        base_model:
          requested: azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest
          id: azureml://registries/azureml/models/Phi-3-mini-4k-instruct/versions/15
          version: "15"
          model_defaults:
            learning_rate: "5e-6"
        component:
          requested, id, version
          inputs:
            learning_rate: {type: number, default: 2.0e-05, optional: true}
        data:
          preparation: 1
          revisions: {train: 3d5f...}
        deployment:
          name, digest, setting

phift writes it; the author commits it. Stacks and model defaults are sorted, with one value per line, so that diffs are
readable. The file does not record newer versions.

id: random, created by the first apply. It identifies the objects of the stacks of this file in every clone, and after a
move or an export. Version 1, of release 0.1.0, has no id. Unknown keys inside `stacks` are kept unchanged.

inputs: the interface of the component, so that `phift validate` is exact without a network. Stacks with the same
component share the inputs of the first one that has them. Releases that do not know the key keep it.

deployment: the names that `phift import` found, see PinnedDeployment.
"""

from phift.files import LOCK_FILE
from phift.lock.content import (
    Lock,
    PinnedAsset,
    PinnedComponent,
    PinnedData,
    PinnedDeployment,
    PinnedModel,
    StackLock,
)
from phift.lock.file import lock_path, read_lock, settle_id, update_lock, write_lock

__all__ = [
    "LOCK_FILE",
    "Lock",
    "PinnedAsset",
    "PinnedComponent",
    "PinnedData",
    "PinnedDeployment",
    "PinnedModel",
    "StackLock",
    "lock_path",
    "read_lock",
    "settle_id",
    "update_lock",
    "write_lock",
]
