"""Models of the hub: the commit that a name refers to now."""

from __future__ import annotations

from phift.data.hub.client import HubClient
from phift.data.hub.errors import Subject, not_a_hub

__all__ = ["commit_of"]


def commit_of(id: str) -> str:
    """Return the newest commit of a model, 40 hex digits. id: `org/name`.

    Raises HubError if the hub is unreachable or rejects the request, and InvalidSpecError if the model does not exist.
    """
    with HubClient() as client:
        found = client.get(Subject(id), f"/api/models/{id}")
        commit = found.get("sha") if isinstance(found, dict) else None
        if not isinstance(commit, str) or not commit:
            raise not_a_hub(client.place)
        return commit
