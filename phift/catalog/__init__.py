"""Facts of Azure ML's public `azureml` registry and of Azure's VM sizes, read-only, shipped with phift.

Read from the public repository Azure/azureml-assets (commit 4b41f8c, 2026-07-23): the fine-tunable text
models and the fine-tune pipeline components, each in its own file under `data/`, parsed on first use.
"""

from phift.catalog.architectures import Architecture, architecture, architectures
from phift.catalog.components import Component, StepInterface, component, components
from phift.catalog.gpus import Gpu, gpu, gpus
from phift.catalog.interface import ComponentInput, ComponentInterface, ComponentOutput, Problem
from phift.catalog.models import CatalogModel, model, models
from phift.catalog.vm_sizes import VmSize, vm_size, vm_sizes

AS_OF = "2026-07-23"
"""The date of the facts of the registry."""

__all__ = [
    "AS_OF",
    "Architecture",
    "CatalogModel",
    "Component",
    "ComponentInput",
    "ComponentInterface",
    "ComponentOutput",
    "Gpu",
    "Problem",
    "StepInterface",
    "VmSize",
    "architecture",
    "architectures",
    "component",
    "components",
    "gpu",
    "gpus",
    "model",
    "models",
    "vm_size",
    "vm_sizes",
]
