"""Warnings about literal secrets in a spec, which stay in the history of the repository forever."""

from __future__ import annotations

from collections.abc import Iterator

from phift.concealing import AREAS, is_secret
from phift.diagnostics import Diagnostic, Severity
from phift.spec.tree import Node, Path, dotted, walk

__all__ = ["literal_secrets"]

_FREE = ("vars", "matrix")


def literal_secrets(root: Node) -> Iterator[Diagnostic]:
    """Yield a warning for each value of variables, tags, properties and `azure:` that looks like a secret."""
    for path, node in walk(root):
        area = next((part for part in path[:-1] if part in AREAS), None)
        if area is None or path[0] in _FREE or not isinstance(node.value, str) or _is_reference(path, node.value):
            continue
        name = str(next(part for part in reversed(path) if isinstance(part, str)))
        if is_secret(name, node.value):
            yield Diagnostic(
                f"{dotted(node.written or path)} looks like a secret in plain text",
                Severity.WARNING,
                detail="Anyone with access to the repository or the workspace can read it. phift shows only its "
                "length and a fingerprint.",
                remedy=f"Write {name}: {{secret: env:{name}}}, and set {name} where `phift apply` runs."
                if area == "environment_variables"
                else "Remove it. Put secrets into deployment.environment_variables, as {secret: env:NAME}.",
                mark=node.mark,
                path=dotted(path),
                code="literal-secret",
            )


def _is_reference(path: Path, value: str) -> bool:
    """Return whether a text is part of {secret: ...}, whose form another check holds."""
    return path[-1] == "secret" and (value.startswith("env:") or "environment_variables" in path[:-2])
