"""Listings of blobs as the service writes them, also of accounts with folders."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from phift.azure.stores import _hex, _listed
from phift.data.blobs import Blob

MD5 = "XUFAKrxLKna5cZ2REBfFkg=="  # of "hello"
HEX = "5d41402abc4b2a76b9719d911017c592"


def listed(name: str, properties: str, metadata: str = "", attributes: str = "") -> Blob | None:
    head = f"<Name{attributes}>{name}</Name><Properties>{properties}</Properties>"
    return _listed(ElementTree.fromstring(f"<Blob>{head}<Metadata>{metadata}</Metadata></Blob>"))


def test_a_blob() -> None:
    properties = f"<Etag>0x8D</Etag><Content-Length>5</Content-Length><Content-MD5>{MD5}</Content-MD5>"
    assert listed("a/b.jsonl", properties) == Blob("a/b.jsonl", 5, "0x8D", HEX)
    assert listed("a%0B.jsonl", properties, attributes=' Encoded="true"') == Blob("a\x0b.jsonl", 5, "0x8D", HEX)


@pytest.mark.parametrize(
    ("name", "properties", "metadata"),
    [
        ("a", "<ResourceType>directory</ResourceType><Content-Length>0</Content-Length>", ""),
        ("a", "<Content-Length>0</Content-Length>", "<hdi_isfolder>true</hdi_isfolder>"),
        ("a/", "<Content-Length>0</Content-Length>", ""),
    ],
)
def test_folders_are_no_blobs(name: str, properties: str, metadata: str) -> None:
    assert listed(name, properties, metadata) is None


@pytest.mark.parametrize("md5", [None, "", "not base64!", "aGVsbG8="])
def test_no_md5(md5: str | None) -> None:
    assert _hex(md5) == ""
