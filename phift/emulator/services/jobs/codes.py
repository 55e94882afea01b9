"""The code asset of a command: of the workspace, or of a registry that was created in the home."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from phift.emulator.core.context import Context
from phift.emulator.services.assets.locations import account_of
from phift.emulator.services.blob.account import BlobAccount

__all__ = ["Code", "find_code"]

_CODE = re.compile(
    r"(?:azureml:)?(?://registries/(?P<registry>[^/]+)|/subscriptions/.+)/codes/(?P<name>[^/]+)/versions/(?P<version>[^/]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Code:
    """Where the files of a code asset are. prefix: what their blobs' names begin with, "" for all of the container."""

    account: BlobAccount
    container: str
    prefix: str


def find_code(context: Context, identifier: str) -> Code | None:
    """The code asset of an id; None for one that does not exist, or whose registry is not in the home."""
    found = _CODE.fullmatch(identifier)
    owner = context.cloud.registry(found["registry"]) if found and found["registry"] else context
    document = owner.store.get("codes/versions", found["name"], found["version"]) if found and owner else None
    if owner is None or document is None:
        return None
    url = urlsplit(str(document["properties"]["codeUri"]))
    container, _, path = unquote(url.path).lstrip("/").partition("/")
    return Code(account_of(owner), container, f"{path.strip('/')}/" if path.strip("/") else "")
