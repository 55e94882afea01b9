"""The spec: the YAML file the user writes, loaded, rendered for a target and validated.

`load` returns a LoadedSpec, or raises InvalidSpecError with all diagnostics of the file.
"""

from phift.kinds.compute.spec import ComputeBlock, ComputeSection
from phift.kinds.data.spec import DataBlock, DataSource
from phift.kinds.deployment.rollout import RolloutBlock
from phift.kinds.deployment.spec import DeploymentBlock, InitialCount
from phift.kinds.endpoint.spec import EndpointBlock
from phift.kinds.job.spec import FinetuneBlock
from phift.kinds.test.spec import Expectation, TestBlock
from phift.spec.assets import EnvironmentBlock, ModelBlock
from phift.spec.document import Spec
from phift.spec.files import expand
from phift.spec.loader import LoadedSpec, load, load_all
from phift.spec.matrix import MAX_STACKS
from phift.spec.references import (
    AssetRef,
    ComputeRef,
    DatastoreRef,
    EnvironmentRef,
    HubModelRef,
    ModelFolderRef,
    SecretRef,
)
from phift.spec.rendering import Rendered, render, render_yaml
from phift.spec.targets import Target
from phift.spec.tree import Origin, OriginKind

__all__ = [
    "MAX_STACKS",
    "AssetRef",
    "ComputeBlock",
    "ComputeRef",
    "ComputeSection",
    "DataBlock",
    "DataSource",
    "DatastoreRef",
    "DeploymentBlock",
    "EndpointBlock",
    "EnvironmentBlock",
    "EnvironmentRef",
    "Expectation",
    "FinetuneBlock",
    "HubModelRef",
    "InitialCount",
    "LoadedSpec",
    "ModelBlock",
    "ModelFolderRef",
    "Origin",
    "OriginKind",
    "Rendered",
    "RolloutBlock",
    "SecretRef",
    "Spec",
    "Target",
    "TestBlock",
    "expand",
    "load",
    "load_all",
    "render",
    "render_yaml",
]
