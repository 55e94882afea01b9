"""Identities, with the field names of `az ml` YAML."""

from typing import Annotated, Literal

from pydantic import Field

from phift.spec.base import Strict, Texts

__all__ = ["JobIdentity", "ResourceIdentity"]


class JobIdentity(Strict):
    """The identity with which a job reads its data."""

    type: Annotated[
        Literal["managed", "user_identity", "aml_token"],
        Field(description="Identity whose permissions the steps of the job have."),
    ]
    client_id: Annotated[str | None, Field(description="Client id of a user-assigned managed identity.")] = None


class ResourceIdentity(Strict):
    """The managed identity of a compute or an endpoint."""

    type: Annotated[Literal["system_assigned", "user_assigned"], Field(description="Kind of managed identity.")]
    user_assigned_identities: Annotated[Texts, Field(description="ARM ids of the user-assigned identities.")] = ()
