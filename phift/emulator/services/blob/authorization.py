"""Who may do what on the storage account: signature, account key or token."""

from __future__ import annotations

from starlette.requests import Request

from phift.emulator.core.context import Context
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.tokens import TokenError
from phift.emulator.services.blob.account import BlobAccount
from phift.emulator.services.blob.sas import Need, check_sas, is_sas
from phift.emulator.services.blob.shared_key import check_shared_key

__all__ = ["authorize"]

_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_OF_CONTAINER = {"r": "read", "c": "write", "w": "write", "d": "delete"}
_OF_BLOB = {
    "r": ("read",),
    "l": ("read",),
    "w": ("write",),
    "c": ("write", "add/action"),
    "a": ("add/action", "write"),
    "d": ("delete",),
}
"""Actions, by the permissions of signatures; one of several is enough."""


def authorize(context: Context, account: BlobAccount, request: Request, container: str, name: str, need: Need) -> None:
    """Raises 401, 403 or 409 unless the request may do what it needs. Nothing is public."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    query = dict(request.query_params)
    if scheme.lower() == "bearer":
        _check_token(context, account, credentials)
        if not account.switches["dataRoleAssigned"] or not _permitted(context, need):
            raise ServiceError(
                403,
                "AuthorizationPermissionMismatch",
                "This request is not authorized to perform this operation using this permission.",
            )
    elif scheme.lower() == "sharedkey":
        _check_key_access(account)
        raw_path = (request.scope.get("raw_path") or request.scope["path"].encode()).decode("ascii").split("?")[0]
        check_shared_key(
            credentials,
            account=account.name,
            key=account.key,
            method=request.method,
            raw_path=raw_path,
            query=request.query_params.multi_items(),
            headers=dict(request.headers),
        )
    elif scheme:
        raise ServiceError(
            400,
            "InvalidAuthenticationInfo",
            "Authentication information is not given in the correct format. Check the value of Authorization header.",
        )
    elif is_sas(query):
        _check_key_access(account)
        check_sas(
            query,
            account=account.name,
            key=account.key,
            container=container,
            name=name,
            need=need,
            client=request.client.host if request.client else "",
        )
    elif "x-ms-version" in request.headers:
        raise _unauthenticated(context, "NoAuthenticationInformation")
    else:
        raise ServiceError(409, "PublicAccessNotPermitted", "Public access is not permitted on this storage account.")


def _permitted(context: Context, need: Need) -> bool:
    """Whether a role allows one of the operation's permissions: an action on the container, which is a resource, or
    one on the data in it."""
    if need.resource != "o" and need.permissions != "l":
        verbs = {_OF_CONTAINER[permission] for permission in need.permissions if permission in _OF_CONTAINER}
        return any(context.roles.allows(f"{_CONTAINERS}/{verb}") for verb in verbs)
    if need.resource == "s":
        return context.roles.allows(f"{_CONTAINERS}/read")
    verbs = {verb for permission in need.permissions for verb in _OF_BLOB.get(permission, ())}
    return any(context.roles.allows_data(f"{_CONTAINERS}/blobs/{verb}") for verb in verbs)


def _check_token(context: Context, account: BlobAccount, token: str) -> None:
    audiences = frozenset({"https://storage.azure.com", account.url})
    try:
        context.tokens.verify(token, audiences)
    except (TokenError, ValueError, KeyError) as error:
        raise _unauthenticated(context, "InvalidAuthenticationInfo", str(error)) from error


def _check_key_access(account: BlobAccount) -> None:
    if not account.switches["allowSharedKeyAccess"]:
        raise ServiceError(
            403,
            "KeyBasedAuthenticationNotPermitted",
            "Key based authentication is not permitted on this storage account.",
            headers={"Server": "Microsoft-HTTPAPI/2.0"},
        )


def _unauthenticated(context: Context, code: str, why: str = "") -> ServiceError:
    login = f"https://login.microsoftonline.com/{context.workspace.tenant_id}/oauth2/authorize"
    return ServiceError(
        401,
        code,
        "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
        headers={"WWW-Authenticate": f"Bearer authorization_uri={login} resource_id=https://storage.azure.com"},
        parameters={"AuthenticationErrorDetail": why} if why else None,
    )
