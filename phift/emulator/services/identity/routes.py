"""The identity platform: OpenID configuration, tokens for the home's own credential, managed identity of "this VM"."""

from __future__ import annotations

import hmac
import time
import uuid
from urllib.parse import parse_qs

from starlette.responses import Response

from phift.emulator.core.documents import reply, timestamp
from phift.emulator.core.routing import Host, Route
from phift.emulator.services.emulator import Call

__all__ = ["ROUTES"]

_AUTHORITY = "https://login.microsoftonline.com"
_SHARED_TENANTS = {"common", "organizations"}
_TOKEN_SECONDS = 3599
_IMDS_SECONDS = 86000


def _refused(status: int, error: str, code: int, text: str) -> Response:
    """An error as the platform writes it; the number is the documented AADSTS code."""
    return reply(
        {
            "error": error,
            "error_description": f"AADSTS{code}: {text} Trace ID: {uuid.uuid4()} Timestamp: {timestamp()}",
            "error_codes": [code],
            "timestamp": timestamp(),
            "trace_id": str(uuid.uuid4()),
            "correlation_id": str(uuid.uuid4()),
            "error_uri": f"{_AUTHORITY}/error?code={code}",
        },
        status,
    )


async def _openid_configuration(call: Call) -> Response:
    tenant = call.params["tenant"]
    base = f"{_AUTHORITY}/{tenant}"
    return reply(
        {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "issuer": f"{base}/v2.0",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "response_types_supported": ["code", "id_token", "token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "tenant_region_scope": None,
            "cloud_instance_name": "microsoftonline.com",
        }
    )


async def _instance_discovery(call: Call) -> Response:
    aliases = ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"]
    return reply(
        {
            "tenant_discovery_endpoint": f"{_AUTHORITY}/common/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": aliases[0], "preferred_cache": aliases[1], "aliases": aliases}],
        }
    )


async def _keys(call: Call) -> Response:
    """Empty: tokens are signed with a secret of the home, which only the emulator checks."""
    return reply({"keys": []})


async def _token(call: Call) -> Response:
    emulator = call.emulator
    body = (await call.request.body()).decode(errors="replace")  # forms are ASCII: what is none is in no field's value
    form = {name: values[0] for name, values in parse_qs(body).items()}
    tenant, client_id = call.params["tenant"], form.get("client_id", "")
    if tenant.casefold() not in {emulator.workspace.tenant_id.casefold(), *_SHARED_TENANTS}:
        return _refused(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
    if form.get("grant_type") != "client_credentials":
        text = "The emulator issues tokens for client credentials only (AZURE_CLIENT_ID, AZURE_CLIENT_SECRET)."
        return _refused(400, "unsupported_grant_type", 70003, text)
    if client_id.casefold() != emulator.cloud.client_id.casefold():
        text = f"Application with identifier '{client_id}' was not found in the directory '{tenant}'."
        return _refused(400, "unauthorized_client", 700016, text)
    if not hmac.compare_digest(form.get("client_secret", "").encode(), emulator.cloud.client_secret.encode()):
        return _refused(401, "invalid_client", 7000215, "Invalid client secret provided.")
    scope = form.get("scope") or f"{form.get('resource', '')}/.default"
    audience = next((part for part in scope.split() if part.endswith("/.default")), "").removesuffix("/.default")
    if not audience:
        text = f"The provided value for scope {scope} is not valid: it must end in /.default."
        return _refused(400, "invalid_scope", 70011, text)
    return reply(
        {
            "token_type": "Bearer",
            "expires_in": _TOKEN_SECONDS,
            "ext_expires_in": _TOKEN_SECONDS,
            "access_token": emulator.tokens.mint(audience.rstrip("/"), client_id, seconds=_TOKEN_SECONDS),
        },
        headers={"Cache-Control": "no-store"},
    )


async def _managed_identity(call: Call) -> Response:
    """The first request of a client is a probe without the header: 400 means that the endpoint exists."""
    if call.request.headers.get("metadata", "").lower() != "true":
        description = "Required metadata header not specified"
        return reply({"error": "invalid_request", "error_description": description}, 400)
    resource = call.query("resource").rstrip("/")
    if not resource:
        description = "Required query variable 'resource' is missing"
        return reply({"error": "invalid_request", "error_description": description}, 400)
    emulator = call.emulator
    return reply(
        {
            "access_token": emulator.tokens.mint(resource, emulator.cloud.client_id, seconds=_IMDS_SECONDS),
            "client_id": emulator.cloud.client_id,
            "expires_in": str(_IMDS_SECONDS),
            "expires_on": str(int(time.time()) + _IMDS_SECONDS),
            "ext_expires_in": str(_IMDS_SECONDS),
            "not_before": str(int(time.time())),
            "resource": resource,
            "token_type": "Bearer",
        }
    )


async def _no_metadata(call: Call) -> Response:
    """This is not a virtual machine: telemetry's VM detector asks here."""
    return reply({"error": "Not found"}, 404)


_CONFIGURATION = "/.well-known/openid-configuration"

ROUTES = (
    Route(Host.LOGIN, "GET", "/{tenant}/v2.0" + _CONFIGURATION, _openid_configuration, public=True),
    Route(Host.LOGIN, "GET", "/{tenant}" + _CONFIGURATION, _openid_configuration, public=True),
    Route(Host.LOGIN, "GET", "/common/discovery/instance", _instance_discovery, public=True),
    Route(Host.LOGIN, "GET", "/{tenant}/discovery/v2.0/keys", _keys, public=True),
    Route(Host.LOGIN, "POST", "/{tenant}/oauth2/v2.0/token", _token, public=True),
    Route(Host.LOGIN, "POST", "/{tenant}/oauth2/token", _token, public=True),
    Route(Host.IMDS, "GET", "/metadata/identity/oauth2/token", _managed_identity, public=True),
    Route(Host.IMDS, "GET", "/metadata/{rest:path}", _no_metadata, public=True),
)
