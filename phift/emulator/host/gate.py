"""Who may use the emulator: whoever has the home's secret, which is the password in the proxy's URL.

Standard library only: the command line imports this before it knows whether an emulator is needed.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence

__all__ = [
    "HEADER",
    "REFUSAL",
    "REFUSAL_BODY",
    "REFUSAL_HEADERS",
    "Gate",
    "authorization",
    "proxy_url",
    "shown_url",
]

HEADER = b"proxy-authorization"
"""The header that carries the secret. It is taken out of every request before anything else reads or relays it."""

_USER = "phift"
REFUSAL_BODY = b"Proxy authentication required: use the proxy URL that `phift emulator env` prints.\n"
REFUSAL_HEADERS = (
    (b"proxy-authenticate", b'Basic realm="phift"'),
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", str(len(REFUSAL_BODY)).encode()),
    (b"connection", b"close"),
)
REFUSAL = b"\r\n".join(
    (
        b"HTTP/1.1 407 Proxy Authentication Required",
        *(name + b": " + value for name, value in REFUSAL_HEADERS),
        b"",
        REFUSAL_BODY,
    )
)
"""The answer to every request without the secret, 407. It reveals nothing about the home."""


class Gate:
    """Admits the requests that carry a home's secret."""

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("a gate without a secret admits everybody")
        self._expected = f"{_USER}:{secret}".encode()

    def admits(self, values: Sequence[bytes]) -> bool:
        """Whether the values of a request's Proxy-Authorization headers are one, and good. The time that this takes
        does not depend on how much of it is right."""
        scheme, _, encoded = (values[0] if len(values) == 1 else b"").strip().partition(b" ")
        try:
            sent = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            sent = b""
        return hmac.compare_digest(sent, self._expected) and scheme.lower() == b"basic"


def authorization(secret: str) -> str:
    """The value of the Proxy-Authorization header that carries a secret."""
    return f"Basic {base64.b64encode(f'{_USER}:{secret}'.encode()).decode()}"


def proxy_url(secret: str, port: int) -> str:
    """The URL for HTTP_PROXY and HTTPS_PROXY. It holds the secret: for environments and clients only, never shown."""
    return f"http://{_USER}:{secret}@127.0.0.1:{port}"


def shown_url(port: int) -> str:
    """The same with the secret masked."""
    return f"http://{_USER}:***@127.0.0.1:{port}"
