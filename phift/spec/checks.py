"""Checks between the blocks of a spec: required blocks, and values that must fit together."""

from __future__ import annotations

from collections.abc import Iterator

from phift.diagnostics import Diagnostic
from phift.spec.document import Spec, blocks
from phift.spec.references import SecretRef
from phift.spec.rules import missing
from phift.spec.tree import Node, Path, dotted, walk

__all__ = ["check_blocks", "check_values"]

_MAKE_SOMETHING = ("finetune", "base_model", "endpoint", "deployment")
_FREE = ("vars", "matrix")  # where null is a value
_SECRETS = (("deployment", "environment_variables"), ("compute", "finetune", "ssh", "admin_password"))
"""Paths where secrets are allowed."""


def check_blocks(root: Node) -> Iterator[Diagnostic]:
    """Yield the findings about the tree, whether or not its values are valid."""
    written = {name: rules for name, rules in blocks().items() if _has(root, name)}
    for block, rules in written.items():
        yield from (missing(root, block, n.path, n.example) for n in rules.needs if not _has(root, n.path))
    if not any(_has(root, block) for block in _MAKE_SOMETHING):
        yield Diagnostic(
            "the spec defines no resources",
            remedy="Add base_model, data, compute and finetune to train; model, endpoint and deployment to serve.",
            mark=root.mark,
            code="needs",
        )
    yield from _no_value(root)
    for rules in written.values():
        for check in rules.tree_checks:
            yield from check(root)
    yield from _stray_secrets(root)
    yield from _tag_names(root)


def check_values(spec: Spec, root: Node) -> Iterator[Diagnostic]:
    """Yield the findings that require valid values."""
    for block, rules in blocks().items():
        if _has(root, block):
            for check in rules.checks:
                yield from check(spec, root)


def _no_value(root: Node) -> Iterator[Diagnostic]:
    for path, node in walk(root):
        if node.value is None and path[0] not in _FREE and "azure" not in path:
            yield Diagnostic(
                f"{dotted(node.written or path)} has no value",
                remedy="Add a value ({} for a block of defaults), or remove the line.",
                mark=node.name_mark,
                path=dotted(path),
                code="no-value",
            )


def _tag_names(root: Node) -> Iterator[Diagnostic]:
    """Find names of tags that no resource can have. Other limits depend on the resource; the plan checks them."""
    for path, node in walk(root):
        if path[-2:-1] != ("tags",) or path[0] in _FREE or "azure" in path:
            continue
        name, block = str(path[-1]), dotted(path[:-1])
        reserved = name.lower().startswith("phift.")
        if name and not reserved:
            continue
        yield Diagnostic(
            f"{block}: {name!r} is reserved" if reserved else f"{block}: the name of a tag is empty",
            detail="phift finds its resources by the tags whose names start with phift." if reserved else "",
            remedy="Use another name.",
            mark=node.name_mark,
            path=dotted(path),
            code="tag-name",
        )


def _stray_secrets(root: Node) -> Iterator[Diagnostic]:
    waiting: list[tuple[Path, Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if path in _SECRETS:
            continue
        if node.mapping:
            waiting += [((*path, key), child) for key, child in node.mapping.items()]
        elif node.items:
            waiting += [((*path, index), child) for index, child in enumerate(node.items)]
        written = isinstance(node.value, str) or (node.mapping is not None and node.mapping.keys() == {"secret"})
        if path and written and SecretRef.is_written(node.value):
            yield Diagnostic(
                f"{dotted(node.written)}: a secret is not allowed here",
                remedy="Put secrets into deployment.environment_variables.",
                mark=node.mark,
                path=dotted(path),
                code="secret",
            )


def _has(root: Node, path: str) -> bool:
    node = root.at(tuple(path.split(".")))
    return node is not None and node.value is not None
