"""The connection pool under every request.

The certificates are read once a process, not once a connection as requests would: reading some hundred of them takes
longer than a call does.
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
    """A transport for many threads. ca_file: certificates to trust, with the process environment left out of account;

    None is the public ones, or those of REQUESTS_CA_BUNDLE, with the environment's proxies.
    """
    from http.cookiejar import DefaultCookiePolicy

    import requests
    from azure.core.pipeline.transport import RequestsTransport
    from requests.adapters import HTTPAdapter

    # its debug lines hold addresses with signatures, and a full pool is no news to users
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    environment = ca_file is None
    certificates = str(ca_file or _public_certificates())

    class Adapter(HTTPAdapter):
        """Gives every connection the one TLS context."""

        def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
            super().init_poolmanager(*arguments, **options, ssl_context=_context(certificates))

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            return super().proxy_manager_for(proxy, **options, ssl_context=_context(certificates))

        def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
            host, options = super().build_connection_pool_key_attributes(request, verify, cert)
            return host, {k: v for k, v in options.items() if not k.startswith("ca_cert")}

        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            """The context verifies."""

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
"""By file and its time of change: an emulator that was reset has new certificates in the same place."""

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
        except OSError as error:  # ssl.SSLError is one
            raise AzureError(f"the certificates in {certificates} cannot be read", detail=str(error)) from None
        return _contexts[key]


def _public_certificates() -> str:
    import certifi

    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or certifi.where()
