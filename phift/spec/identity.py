"""Identities, with the field names of `az ml` YAML."""

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from phift.spec.base import AnyCase, Before, Meanings, Strict, fault

__all__ = ["JobIdentity", "ResourceIdentity"]


_ARM_ID = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[^/]+",
    re.IGNORECASE,
)
_FORM = (
    "Write /subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME; "
    "`az identity show --name NAME --resource-group GROUP --query id` prints it."
)
_Shown = Literal["resource_id", "client_id", "principal_id"]
"""Keys of an identity in `az ml` YAML and in the output of its `show` commands; the service sets the last two."""


def _resource_id(value: Any) -> Any:
    """Require the ARM id of a user-assigned identity, also as `{resource_id: ID}`, the form of `az ml`."""
    if isinstance(value, dict) and "resource_id" in value and value.keys() <= set(get_args(_Shown)):
        value = value["resource_id"]
    if isinstance(value, dict):
        raise fault("must be the ARM id of a user-assigned identity", _FORM)
    if isinstance(value, str) and not _ARM_ID.fullmatch(value):
        raise fault(f"is not the ARM id of a user-assigned identity: {value}", _FORM)
    return value


class JobIdentity(Strict):
    """The identity with which a job reads its data."""

    type: Annotated[
        Literal["managed", "user_identity", "aml_token"],
        Field(description="Identity whose permissions the steps of the job have."),
        AnyCase,
        Meanings(
            managed="The managed identity of the compute, or the one that one of the ids names.",
            user_identity="The identity of the user who submits the job.",
            aml_token="A token of the workspace: the default of Azure ML.",
        ),
    ]
    client_id: Annotated[str | None, Field(description="Client id of a user-assigned managed identity.")] = None
    object_id: Annotated[str | None, Field(description="Object id of a user-assigned managed identity.")] = None
    msi_resource_id: Annotated[
        str | None, Before(_resource_id), Field(description="ARM id of a user-assigned managed identity.")
    ] = None

    @model_validator(mode="after")
    def _one_of_its_ids(self) -> "JobIdentity":
        given = [name for name in ("client_id", "object_id", "msi_resource_id") if getattr(self, name) is not None]
        if given and self.type != "managed":
            raise fault(f"has {given[0]}, which only type: managed has", f"Remove {given[0]}, or write type: managed.")
        if len(given) > 1:
            raise fault(f"has {' and '.join(given)}, which name the same identity", "Keep one of them.")
        return self


class ResourceIdentity(Strict):
    """The managed identity of a compute or an endpoint."""

    type: Annotated[
        Literal["system_assigned", "user_assigned"],
        Field(description="Kind of managed identity."),
        AnyCase,
        Meanings(
            system_assigned="An identity that is created and deleted with the resource.",
            user_assigned="The identities of user_assigned_identities.",
        ),
    ]
    user_assigned_identities: Annotated[
        tuple[
            Annotated[str, BeforeValidator(_resource_id, json_schema_input_type=str | dict[_Shown, str])],
            ...,
        ],
        Field(strict=False, description="ARM ids of the user-assigned identities."),
    ] = ()

    @model_validator(mode="after")
    def _its_identities(self) -> "ResourceIdentity":
        if self.type == "user_assigned" and not self.user_assigned_identities:
            raise fault(
                "does not name an identity", "Add user_assigned_identities: [ARM ID], or write type: system_assigned."
            )
        if self.type == "system_assigned" and self.user_assigned_identities:
            raise fault("has user_assigned_identities, and type: system_assigned", "Write type: user_assigned.")
        return self
