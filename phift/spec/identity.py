"""Identities, with the field names of `az ml` YAML."""

from typing import Annotated, Any, Literal

from pydantic import Field

from phift.spec.base import AnyCase, Before, Strict, Texts

__all__ = ["JobIdentity", "ResourceIdentity"]


def _resource_ids(value: Any) -> Any:
    """Accept the form of `az ml`, `{resource_id: ID}`, for each ARM id."""
    if not isinstance(value, list):
        return value
    return [one["resource_id"] if isinstance(one, dict) and one.keys() == {"resource_id"} else one for one in value]


class JobIdentity(Strict):
    """The identity with which a job reads its data."""

    type: Annotated[
        Literal["managed", "user_identity", "aml_token"],
        Field(description="Identity whose permissions the steps of the job have."),
        AnyCase,
    ]
    client_id: Annotated[str | None, Field(description="Client id of a user-assigned managed identity.")] = None


class ResourceIdentity(Strict):
    """The managed identity of a compute or an endpoint."""

    type: Annotated[
        Literal["system_assigned", "user_assigned"], Field(description="Kind of managed identity."), AnyCase
    ]
    user_assigned_identities: Annotated[
        Texts, Before(_resource_ids), Field(description="ARM ids of the user-assigned identities.")
    ] = ()
