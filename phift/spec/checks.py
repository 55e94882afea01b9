"""What must hold between the blocks of a spec: which need which, and whose values must fit together."""

from __future__ import annotations

from collections.abc import Iterator

from phift.diagnostics import Diagnostic
from phift.kinds.compute.spec import ComputeBlock
from phift.kinds.job.component import managed_input
from phift.spec.document import Spec
from phift.spec.references import SecretRef
from phift.spec.tree import Node, Path, dotted, walk

__all__ = ["check_blocks", "check_values"]

_FREE = ("vars", "matrix")  # where null is a value
_SECRETS = ("deployment", "environment_variables")  # where secrets are at home

# block -> (what it needs, how to write that)
_NEEDS = {
    "finetune": (
        ("base_model", "base_model: azureml://registries/azureml/models/NAME/labels/latest"),
        ("data.train", "data: {train: {path: data/train.jsonl}}"),
        ("compute.finetune", "compute: {finetune: {name: gpu-cluster, size: Standard_NC24ads_A100_v4}}"),
    ),
    "base_model": (("finetune", "finetune: {parameters: {num_train_epochs: 1}}"),),
    "endpoint": (("deployment", "deployment: {instance_type: Standard_NC24ads_A100_v4}"),),
    "deployment": (("endpoint", "endpoint: {auth_mode: key}"),),
    "rollout": (("deployment", "deployment: {instance_type: Standard_NC24ads_A100_v4}"),),
    "tests": (("deployment", "deployment: {instance_type: Standard_NC24ads_A100_v4}"),),
}


def check_blocks(root: Node) -> Iterator[Diagnostic]:
    """What can be said of the tree, whether or not its values are valid."""
    for block, needs in _NEEDS.items():
        if not _has(root, block):
            continue
        for needed, example in needs:
            if not _has(root, needed):
                yield _missing(root, block, needed, example)
    if not any(_has(root, block) for block in ("finetune", "base_model", "endpoint", "deployment")):
        yield Diagnostic(
            "the spec describes nothing to make",
            remedy="Add base_model, data, compute and finetune to train; model, endpoint and deployment to serve.",
            mark=root.mark,
            code="needs",
        )
    yield from _no_value(root)
    yield from _parameters(root)
    yield from _stray_secrets(root)


def check_values(spec: Spec, root: Node) -> Iterator[Diagnostic]:
    """What needs valid values on both sides."""
    compute = spec.compute.finetune
    if spec.finetune and isinstance(compute, ComputeBlock) and spec.finetune.instance_count > compute.max_instances:
        yield Diagnostic(
            f"finetune.instance_count is {spec.finetune.instance_count}, "
            f"but compute.finetune has at most {compute.max_instances} instances",
            remedy=f"Write compute.finetune.max_instances: {spec.finetune.instance_count}.",
            mark=root.nearest(("finetune", "instance_count")).mark,
            path="finetune.instance_count",
            code="bounds",
        )
    trains_nothing = spec.finetune is None and spec.base_model is None
    if spec.deployment and trains_nothing and not _has(root, "model"):
        yield _missing(root, "deployment", "model", "model: azureml:NAME:VERSION, or base_model, data and finetune")
    if spec.finetune and root.child("model") and isinstance(_value(root, "model"), str):
        yield Diagnostic(
            "model refers to a model that exists, but finetune makes a new one",
            remedy="Write model: {name: NAME}, or remove finetune to serve the model that exists.",
            mark=root.nearest(("model",)).mark,
            path="model",
            code="needs",
        )


def _missing(root: Node, block: str, needed: str, example: str) -> Diagnostic:
    place = root.nearest((block,))
    return Diagnostic(
        f"{block} needs {needed}", remedy=f"Add {example}.", mark=place.name_mark, path=needed, code="needs"
    )


def _parameters(root: Node) -> Iterator[Diagnostic]:
    node = root.at(("finetune", "parameters"))
    for name, child in ((node.mapping if node else None) or {}).items():
        if remedy := managed_input(name):
            yield Diagnostic(
                f"{dotted(child.written)}: phift sets this input itself",
                remedy=remedy,
                mark=child.name_mark,
                path=f"finetune.parameters.{name}",
                code="managed-input",
            )


def _no_value(root: Node) -> Iterator[Diagnostic]:
    for path, node in walk(root):
        if node.value is None and path[0] not in _FREE and "azure" not in path:
            yield Diagnostic(
                f"{dotted(node.written or path)} has no value",
                remedy="Give it one ({} for a block of defaults), or remove the line.",
                mark=node.name_mark,
                path=dotted(path),
                code="no-value",
            )


def _stray_secrets(root: Node) -> Iterator[Diagnostic]:
    waiting: list[tuple[Path, Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if path == _SECRETS:
            continue
        if node.mapping:
            waiting += [((*path, key), child) for key, child in node.mapping.items()]
        elif node.items:
            waiting += [((*path, index), child) for index, child in enumerate(node.items)]
        written = isinstance(node.value, str) or (node.mapping is not None and node.mapping.keys() == {"secret"})
        if path and written and SecretRef.is_written(node.value):
            yield Diagnostic(
                f"{dotted(node.written)}: a secret is not allowed here",
                remedy="Secrets go into deployment.environment_variables.",
                mark=node.mark,
                path=dotted(path),
                code="secret",
            )


def _has(root: Node, path: str) -> bool:
    node = root.at(tuple(path.split(".")))
    return node is not None and node.value is not None


def _value(root: Node, key: str) -> object:
    node = root.child(key)
    return node.value if node else None
