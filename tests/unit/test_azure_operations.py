"""What the status document of an operation says, and the error that is made of it."""

from __future__ import annotations

from typing import Any

import pytest

from phift.azure.operations import Ended, Outcome, operation_in, operation_of, outcome_in
from phift.azure.rest import Answer
from phift.errors import Cause


def failed(**error: Any) -> Outcome:
    return outcome_in({"status": "Failed", "error": error})


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("InProgress", Ended.RUNNING),
        ("Updating", Ended.RUNNING),
        ("Succeeded", Ended.WELL),
        ("Failed", Ended.BADLY),
        ("Canceled", Ended.BADLY),
        ("", Ended.UNKNOWN),
    ],
)
def test_every_status_is_understood(status: str, ended: Ended) -> None:
    assert outcome_in({"status": status}).ended is ended


def test_code_message_and_inner_errors_reach_the_user() -> None:
    error = failed(
        code="BadRequest",
        message="The deployment failed.\nSee below.",
        details=[{"code": "ImagePull", "message": "no access", "innererror": {"code": "AcrPull", "message": "403"}}],
        innererror={"code": "Outer", "innererror": {"code": "Inner", "message": "deep"}},
    ).failure("deployment d failed", remedy="Do this.")
    assert error.summary == "deployment d failed: Inner: The deployment failed."
    assert error.detail.splitlines() == [
        "See below.",
        "ImagePull: no access",
        "AcrPull: 403",
        "Outer",
        "Inner: deep",
    ]
    assert error.remedy == "Do this."


def test_a_code_in_front_of_the_message_is_the_code() -> None:
    """As failed deployments have it (Azure/mlops-v2#120)."""
    error = failed(code=None, message="ResourceNotReady: User container has crashed").failure("d failed")
    assert (error.code, error.summary) == ("ResourceNotReady", "d failed: ResourceNotReady: User container has crashed")
    assert "liveness_probe" in error.remedy


def test_a_cause_that_is_known_is_on_the_error() -> None:
    error = failed(code="OutOfQuota", message="none left").failure("d failed")
    assert (error.cause, error.code) == (Cause.QUOTA, "OutOfQuota")


def test_without_a_reason_it_says_where_to_look() -> None:
    error = Outcome().failure("d ended in state Failed", look="Look there.", remedy="Do this.")
    assert (error.summary, error.remedy) == ("d ended in state Failed", "Look there.\nDo this.")
    assert Outcome().failure("x failed").remedy == "Fix the cause and re-run the command."


def test_a_long_message_is_whole_below_its_summary_and_holds_no_secret() -> None:
    long = "word " * 200 + "sig=SECRET"
    error = failed(code="X", message=long).failure("d failed")
    assert len(error.summary) < 600
    assert error.detail.startswith("word word")
    assert "SECRET" not in str(error)


def test_an_operation_is_found_in_headers_and_documents_and_never_shown() -> None:
    signed = "https://management.azure.com/x?api-version=1&s=SIGNATURE"
    found = operation_of(Answer(201, {"azure-ASYNCoperation": signed}, {}))
    assert found is not None
    assert found.url == signed
    assert "SIGNATURE" not in repr(found)
    assert operation_of(Answer(200, {}, {})) is None
    document = {"properties": {"properties": {"AzureAsyncOperationUri": "https://x"}}}
    assert operation_in(document) is not None
    assert operation_in({"properties": {"properties": None}}) is None
