"""The environment variables with which a program reaches the emulator as it reaches Azure."""

from __future__ import annotations

__all__ = ["EXCHANGES", "client_environment"]

EXCHANGES = "PHIFT_EMULATOR_EXCHANGES"
"""Names the folder where an emulator logs the shapes of its answers; for tests."""


def client_environment(
    *,
    proxy_url: str,
    ca_file: str,
    subscription_id: str,
    resource_group: str,
    workspace_name: str,
    tenant_id: str,
    client_id: str,
    client_secret: str,
) -> dict[str, str]:
    """Both spellings of the proxy variables, since the lower-case one wins where both are set."""
    proxies = {"HTTPS_PROXY": proxy_url, "HTTP_PROXY": proxy_url, "NO_PROXY": "localhost,127.0.0.1,::1"}
    authorities = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"), ca_file)
    return {
        **proxies,
        **{name.lower(): value for name, value in proxies.items()},
        **authorities,
        "AZURE_TENANT_ID": tenant_id,
        "AZURE_CLIENT_ID": client_id,
        "AZURE_CLIENT_SECRET": client_secret,
        "AZURE_SUBSCRIPTION_ID": subscription_id,
        "AZURE_RESOURCE_GROUP": resource_group,
        "AZURE_WORKSPACE_NAME": workspace_name,
    }
