"""Access tokens of the emulated identity platform: JWTs signed with the home's own key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from functools import lru_cache
from typing import Any

__all__ = ["TokenError", "Tokens"]


class TokenError(ValueError):
    """A token is malformed, forged, expired or meant for another audience."""


class Tokens:
    """Mints and verifies tokens (HS256)."""

    def __init__(self, key: bytes, tenant_id: str) -> None:
        self._key = key
        self._tenant = tenant_id
        self._claims = lru_cache(maxsize=64)(self._read)

    def mint(self, audience: str, client_id: str, *, seconds: int = 3599, **claims: Any) -> str:
        """A token for `audience` that is good for `seconds`; further claims are added unchanged."""
        now = int(time.time())
        payload = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{self._tenant}/",
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "appid": client_id,
            "oid": str(uuid.uuid5(uuid.NAMESPACE_OID, client_id)),
            "tid": self._tenant,
            "jti": uuid.uuid4().hex,
            "ver": "1.0",
            **claims,
        }
        head = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(payload)}"
        return f"{head}.{self._sign(head)}"

    def verify(self, token: str, audiences: frozenset[str] | None = None) -> dict[str, Any]:
        """The claims; raises TokenError when it is not ours, expired, or not for one of `audiences` (None: any)."""
        claims = self._claims(token)
        if claims["exp"] < time.time():
            raise TokenError("the token has expired")
        if audiences is not None and claims["aud"].rstrip("/") not in audiences:
            raise TokenError(f"the token is meant for {claims['aud']}")
        return claims

    def _read(self, token: str) -> dict[str, Any]:
        """The claims of a token of ours, not to be changed: they are kept. Raises TokenError for a forged one."""
        head, _, signature = token.rpartition(".")
        if head.count(".") != 1 or not hmac.compare_digest(signature.encode(), self._sign(head).encode()):
            raise TokenError("the token was not issued here")
        claims: dict[str, Any] = json.loads(_decode(head.split(".")[1]))
        return claims

    def _sign(self, head: str) -> str:
        return _text(hmac.digest(self._key, head.encode(), hashlib.sha256))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _encode(value: dict[str, Any]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
