"""Which action of Azure's access control a request to the resource manager needs, and over which scope.

It follows from the path alone: `.../providers/NAMESPACE/type/{name}/child/{name}` is the type NAMESPACE/type/child, GET
reads it, PUT and PATCH write it, a POST on a last segment without a name is an action of that name. What differs is in
`_FREE` and `_DEPLOYMENTS`.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["action_of", "scope_of"]

_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "POST": "write", "DELETE": "delete"}
_RESOURCES = "Microsoft.Resources"
"""The provider that subscriptions and resource groups belong to."""
_FREE = (
    "/providers/microsoft.authorization/permissions",  # everybody may ask what they may do
    "/computeoperationsstatus/{operation}",  # polled by URLs with a signature of their own
    "/mfeoperationsstatus/{operation}",
    "/mfeoperationresults/{operation}",
    "/workspaceoperationsstatus/{operation}",
    "/operationstatuses/{operation}",
)
"""Ends of paths that need no action (assumed: free_of_permissions)."""


_DEPLOYMENTS = re.compile(r"(/resourceGroups/\{\w+\})(/deployments/)")
"""Deployments also have a path without their provider."""


@lru_cache(maxsize=1024)
def action_of(method: str, template: str) -> str | None:
    """The action; None for what everybody may do. template: the path of a route, its parameters in braces."""
    if template.lower().endswith(_FREE):
        return None
    _, found, rest = _DEPLOYMENTS.sub(r"\1/providers/Microsoft.Resources\2", template).rpartition("/providers/")
    namespace, *segments = rest.split("/") if found else (_RESOURCES, *template.split("/")[1:])
    acts = method == "POST" and len(segments) % 2
    return "/".join((namespace, *segments[::2], "action" if acts else _VERBS[method]))


def scope_of(path: str) -> str:
    """The scope that a refusal names: the resource, of a list or an action what it belongs to."""
    segments = path.rstrip("/").split("/")[1:]
    lowered = [part.lower() for part in segments]
    start = len(lowered) - lowered[::-1].index("providers") + 1 if "providers" in lowered else 0
    return "/" + "/".join(segments[:-1] if (len(segments) - start) % 2 else segments)
