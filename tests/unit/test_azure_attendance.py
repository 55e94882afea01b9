"""What a session knows to exist, and a 404 for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from phift.azure.attendance import Seen
from phift.azure.rest import ARM, Rest
from phift.azure.transport import Http, Response
from phift.errors import AzureError, Cause, NotFoundError

E = "https://h/sub/onlineEndpoints/e"
DOCUMENT = {"id": "/sub/onlineEndpoints/e", "properties": {"provisioningState": "Succeeded"}}
GOING = {"id": "/sub/onlineEndpoints/e", "properties": {"provisioningState": "Deleting"}}


def test_what_was_written_or_shown_must_be_there() -> None:
    seen = Seen()
    assert not seen.expects(E)
    seen.note("PUT", f"{E}?api-version=1", None)
    assert seen.expects(E.upper().replace("HTTPS://H", "https://h"))
    assert seen.expects(f"{E}/deployments")
    assert seen.expects(f"{E}/listKeys")
    assert not seen.expects(f"{E}/deployments/d")
    seen.note("GET", f"{E}/deployments", {"value": []})
    assert not seen.expects(f"{E}/deployments/d")
    seen.note("GET", f"{E}/deployments/d", {"id": "d"})
    assert seen.expects(f"{E}/deployments/d")


def test_what_is_deleted_need_not_be_there_whatever_is_shown_meanwhile() -> None:
    seen = Seen()
    seen.note("PUT", E, DOCUMENT)
    seen.note("PUT", f"{E}/deployments/d", {})
    seen.note("DELETE", E, None)
    seen.note("GET", E, DOCUMENT)
    seen.note("GET", f"{E}/deployments/d", {"id": "d"})
    assert not seen.expects(E)
    assert not seen.expects(f"{E}/deployments/d")
    seen.note("PUT", E, DOCUMENT)
    assert seen.expects(E)
    seen.note("GET", E, GOING)
    assert not seen.expects(E)


@dataclass
class Attendant:
    """Waits no time at all. told: the pauses."""

    seen: Seen = field(default_factory=Seen)
    patience: float = 10.0
    told: list[float] = field(default_factory=list)

    def wait(self, seconds: float, error: AzureError) -> None:
        self.told.append(seconds)


class Answers(Http):
    """Answers in turn; the last one for ever."""

    def __init__(self, *answers: Exception | bytes) -> None:
        self.answers = list(answers)
        self.count = 0

    def attended(self, attendant: Any) -> Http:
        return self

    def send(self, method: str, url: str, **more: Any) -> Response:
        self.count += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Response(200, {}, answer)


def missing(cause: Cause = Cause.UNKNOWN) -> NotFoundError:
    return NotFoundError("not found", status=404, cause=cause)


def test_a_404_for_what_exists_is_borne() -> None:
    http, attendant = Answers(b'{"id": "e"}', missing(), missing(), b'{"id": "e"}'), Attendant()
    rest = Rest(http, ARM, "", attendant=attendant)
    rest.put("e", "1", {})
    assert rest.get("e", "1") == {"id": "e"}
    assert attendant.told == [0.25, 0.5]


def test_a_404_for_what_was_never_seen_counts_at_once() -> None:
    http, attendant = Answers(missing()), Attendant()
    with pytest.raises(NotFoundError):
        Rest(http, ARM, "", attendant=attendant).get("e", "1")
    assert (http.count, attendant.told) == (1, [])


def test_patience_for_what_exists_ends() -> None:
    attendant = Attendant()
    rest = Rest(Answers(b"{}", missing()), ARM, "", attendant=attendant)
    rest.put("e", "1", {})
    with pytest.raises(NotFoundError) as told:
        rest.get("e", "1")
    assert 10 <= sum(attendant.told) < 20
    assert "existed earlier in this run" in told.value.detail
    assert "whether it was deleted" in told.value.remedy


def test_a_workspace_that_is_gone_is_not_borne() -> None:
    attendant = Attendant()
    rest = Rest(Answers(b"{}", missing(Cause.SCOPE)), ARM, "", attendant=attendant)
    rest.put("e", "1", {})
    with pytest.raises(NotFoundError):
        rest.get("e", "1")
    assert attendant.told == []
