"""The connection pool of all requests.

Certificates are read once per process, not once per connection like requests does: reading more than a hundred of them
takes longer than a call.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phift.errors import AzureError

if TYPE_CHECKING:
    from ssl import SSLContext

    from azure.core.pipeline.transport import HttpTransport

__all__ = ["pooled"]

CONNECTIONS = 32


def pooled(ca_file: Path | str | None) -> HttpTransport[Any, Any]:
    """Create a thread-safe transport. ca_file: certificates to trust; the process environment is then ignored.

    None uses the public certificates, or those of REQUESTS_CA_BUNDLE, and the environment's proxies.
    """
    from http.cookiejar import DefaultCookiePolicy

    import requests
    from azure.core.pipeline.transport import RequestsTransport
    from requests.adapters import HTTPAdapter

    # Its debug lines contain signed URLs, and its warning about a full pool is irrelevant to users.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    environment = ca_file is None
    certificates = str(ca_file or _public_certificates())

    class Adapter(HTTPAdapter):
        """Use a single TLS context for all connections."""

        def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
            super().init_poolmanager(*arguments, **options, ssl_context=_context(certificates))

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            return super().proxy_manager_for(proxy, **options, ssl_context=_context(certificates))

        def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
            host, options = super().build_connection_pool_key_attributes(request, verify, cert)
            return host, {k: v for k, v in options.items() if not k.startswith("ca_cert")}

        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            """Do nothing: the context verifies."""

    session = requests.Session()
    session.trust_env = environment
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = Adapter(pool_connections=CONNECTIONS, pool_maxsize=CONNECTIONS, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    transport: HttpTransport[Any, Any] = RequestsTransport(
        session=session, session_owner=True, use_env_settings=environment
    )
    return transport


_contexts: dict[tuple[str, int], SSLContext] = {}
"""By file and modification time: an emulator that was reset has new certificates at the same path."""

_lock = threading.Lock()


def _context(certificates: str) -> SSLContext:
    import ssl

    with _lock:
        try:
            key = (certificates, Path(certificates).stat().st_mtime_ns)
            if key not in _contexts:
                folder = Path(certificates).is_dir()
                _contexts[key] = ssl.create_default_context(
                    cafile=None if folder else certificates, capath=certificates if folder else None
                )
        except OSError as error:  # including ssl.SSLError
            raise AzureError(f"cannot read the certificates in {certificates}", detail=str(error)) from None
        return _contexts[key]


def _public_certificates() -> str:
    import certifi

    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or certifi.where()
