"""Addresses in a spec: which are read, what is said of the others, and that nothing secret of them is shown."""

from __future__ import annotations

import pytest

from phift.spec.addresses import address_fault, scheme_of, shown_address
from phift.spec.references import AssetRef, DatastoreRef, data_reference
from phift.workspace import WorkspaceId

LONG = (
    "azureml://subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups/rg/workspaces/ws"
    "/datastores/workspaceblobstore/paths/a/b.jsonl"
)


@pytest.mark.parametrize(
    "path",
    [
        *("train.jsonl", "data/a:b.jsonl", "../x/*.jsonl", "C:\\data\\a.jsonl", "/data/a?.jsonl"),
        *("https://example.org/a.jsonl", "HTTPS://example.org/a.jsonl", "https://example.org:8443/a%20b.jsonl"),
        *("wasbs://c@acct.blob.core.windows.net/a.jsonl", "abfss://fs@acct.dfs.core.windows.net/a.jsonl"),
        *("azureml:qa:1", "azureml:qa@latest", "azureml://datastores/workspaceblobstore/paths/a.jsonl", LONG),
    ],
)
def test_what_is_read(path: str) -> None:
    assert address_fault(path) is None


@pytest.mark.parametrize(
    ("path", "summary", "remedy"),
    [
        ("http://example.org/a.jsonl", "unencrypted", "https://"),
        ("s3://bucket/a.jsonl", "Amazon S3", "path: FILE"),
        ("gs://bucket/a.jsonl", "Google Cloud Storage", "path: FILE"),
        ("hf://datasets/a/b/c.jsonl", "Hugging Face hub", "hub: OWNER/NAME"),
        ("ftp://example.org/a.jsonl", "(ftp)", "path: FILE"),
        ("file:///etc/passwd", "(file)", "path: FILE"),
        ("https:/example.org/a.jsonl", "lacks a slash", "https://"),
        ("https:///a.jsonl", "lacks a host", "HOST"),
        ("https://example.org:port/a.jsonl", "the host is missing", "HOST"),
        ("https://example.org/ä.jsonl", "non-ASCII", "Percent-encode"),
        ("https://example.org/a b.jsonl", "spaces", "Percent-encode"),
        ("https://example.org/a.jsonl#part", "fragment", "%23"),
        ("https://acct.blob.core.windows.net/c/a.jsonl?sig=SECRET", "has a query", "datastore"),
        ("https://example.org/a.jsonl?", "has a query", "datastore"),
        ("https://SECRET@example.org/a.jsonl", "a user name or a password", "datastore"),
        ("https://me:SECRET@example.org/a.jsonl", "a user name or a password", "datastore"),
        ("wasbs://acct.blob.core.windows.net/a.jsonl", "malformed", "CONTAINER@ACCOUNT"),
        ("wasbs://c:SECRET@acct.blob.core.windows.net/a.jsonl", "malformed", "CONTAINER@ACCOUNT"),
        ("azureml://datastores/d/paths/a.jsonl?sig=SECRET", "has a query", "datastore"),
    ],
)
def test_what_is_refused(path: str, summary: str, remedy: str) -> None:
    found = address_fault(path)
    assert found is not None
    assert summary in found[0]
    assert remedy in found[1]
    assert "SECRET" not in "".join(found)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("https://me:SECRET@h/a.jsonl?sig=SECRET#SECRET", "https://h/a.jsonl"),
        ("https://h:443/a@1/b.jsonl?x", "https://h:443/a@1/b.jsonl"),
        ("wasbs://c@acct/a?sig=SECRET", "wasbs://c@acct/a"),
        ("wasbs://c:SECRET@acct/a", "wasbs://acct/a"),
        ("azureml:qa:1", "azureml:qa:1"),
    ],
)
def test_what_is_shown(path: str, shown: str) -> None:
    assert shown_address(path) == shown


@pytest.mark.parametrize(
    ("path", "scheme"), [("a/b:/c", ""), ("x:/c", ""), ("AZUREML:qa:1", "azureml"), ("Wasbs:/c", "wasbs"), ("", "")]
)
def test_schemes(path: str, scheme: str) -> None:
    assert scheme_of(path) == scheme


def test_references_to_data() -> None:
    assert data_reference("azureml:qa:2") == AssetRef(None, "qa", "2", None, "data")
    assert data_reference("azureml://datastores/d/paths/a/b/") == DatastoreRef("d", "a/b/")
    assert data_reference(LONG) == DatastoreRef(
        "workspaceblobstore", "a/b.jsonl", WorkspaceId("00000000-0000-0000-0000-000000000001", "rg", "ws")
    )
    assert str(data_reference(LONG)) == "azureml://datastores/workspaceblobstore/paths/a/b.jsonl"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("azureml://datastores/d/paths/../a.jsonl", "leaves its folder"),
        ("azureml://datastores/d/a.jsonl", "is not a path in a datastore"),
        ("azureml://jobs/j/outputs/o", "is not a path in a datastore"),
        ("azureml://registries/r/data/qa/versions/1", "of a registry"),
        ("azureml:qa@stable", "only the label latest"),
        ("azureml:qa", "is not a reference"),
    ],
)
def test_references_that_are_none(value: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        data_reference(value)
