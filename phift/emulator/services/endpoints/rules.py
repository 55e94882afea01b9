"""What endpoints and deployments share: their names and their refusals."""

from __future__ import annotations

import json
import re
import secrets
import uuid
from collections.abc import Mapping

from phift.emulator.core.assumed import holds
from phift.emulator.core.errors import ServiceError, detail
from phift.emulator.core.store import Store

__all__ = ["busy", "check_name", "not_created", "not_found", "problem", "refusal"]

_NAME = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*")


def refusal(errors: Mapping[str, str], *, code: str = "InferencingClientCallFailed", status: int = 400) -> ServiceError:
    """The envelope of all refusals around online endpoints: a problem of RFC 7807 as text inside a detail (field
    reports). errors: texts by field, "" for the whole."""
    return ServiceError(
        400,
        "BadRequest",
        "The request is invalid.",
        details=[detail(code, problem(errors, status=status))],
    )


def problem(errors: Mapping[str, str], *, status: int = 400) -> str:
    """The problem document as JSON text."""
    document = {
        "errors": {field: [text] for field, text in errors.items()},
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        "title": "One or more validation errors occurred.",
        "status": status,
        "traceId": f"00-{uuid.uuid4().hex}-{secrets.token_hex(8)}-00",
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def not_found(what: str, name: str) -> ServiceError:
    """404 for an endpoint or deployment (assumed: online_not_found_texts)."""
    return ServiceError(404, "UserError", f"{what} {name} not found.", inner=("NotFound", f"{what}NotFound"))


def busy(store: Store, what: str, name: str, state: str) -> ServiceError:
    """The refusal while another operation runs (assumed: busy_is_conflict)."""
    text = f"{what} {name} is in state {state}: another operation is in progress. Try again when it has ended."
    if not holds(store, "busy_is_conflict"):
        return refusal({"": text})
    return ServiceError(409, "Conflict", text, inner=("Conflict", "OperationInProgress"))


def not_created(name: str) -> str:
    """The service's message for an endpoint whose creation failed (field reports)."""
    return f"Specified endpoint [{name}] has not been created successfully. Please recreate the endpoint."


def check_name(name: str, what: str) -> None:
    """Raises for a name that is not 3 to 32 letters, digits and single dashes, beginning with a letter."""
    if not (3 <= len(name) <= 32 and _NAME.fullmatch(name)):
        text = (
            f"{what} name '{name}' is invalid: 3 to 32 letters, digits and single dashes, beginning with a letter and "
            "ending with a letter or digit."
        )
        raise refusal({"Name": text})
