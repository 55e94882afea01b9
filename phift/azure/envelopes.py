"""Parse the body of an error response, in any of the service's four envelopes.

The envelopes are Resource Manager's, the data plane's, blob storage's XML, and RFC 7807 problems, which online
endpoints embed as a JSON string in `details[0].message`. Status documents of asynchronous operations use Resource
Manager's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from phift.lazy import lazy_pattern

__all__ = ["Problem", "first_line", "problem_in", "problem_of"]

_GENERIC = {"", "BadRequest", "UserError", "ValidationError", "ServiceError", "SystemError", "Immutable", "NotFound"}
"""Outer codes that are less specific than the inner ones."""

_CODE_IN_MESSAGE = lazy_pattern(r"^([A-Z][A-Za-z]{4,60}): +(?=\S)")
"""The operation of a failed deployment leaves `code` empty and starts its message with it: "ResourceNotReady: User
container has crashed ..." (Azure/mlops-v2#120, MicrosoftLearning/mslearn-azure-ml#41)."""

_DEEPEST = 8
"""Maximum nesting of errors to read."""


@dataclass(frozen=True)
class Problem:
    """code: the most specific one. details: further messages. codes: all codes, the most specific first.

    nested: a line `code: message` for each inner error. policies: a line for each policy that denied the request.
    """

    code: str = ""
    message: str = ""
    details: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()


def problem_in(body: bytes) -> Problem:
    """Parse the problem in a response body of any content; empty for an empty body."""
    text = body.decode("utf-8-sig", errors="replace").strip()
    if text.startswith("<"):
        return _from_xml(text)
    try:
        document = json.loads(text)
    except ValueError:
        return Problem(message=first_line(text))
    if not isinstance(document, dict):
        return Problem(message=first_line(text) if document else "")
    error = document.get("error", document)
    if isinstance(error, dict):
        return problem_of(error)
    return Problem(code=str(error), message=str(document.get("error_description") or document.get("message") or error))


def problem_of(error: Mapping[str, Any], *, coded_message: bool = False) -> Problem:
    """Parse an `error` object. coded_message: if there is no code, the message may start with it."""
    if "code" not in error and ("errors" in error or "title" in error):
        return Problem(message="; ".join(_rfc7807(error)))
    message = _unfolded(str(error.get("message") or ""))
    details = [d for d in _listed(error.get("details")) if isinstance(d, dict)]
    lines = [_unfolded(str(d.get("message") or d.get("code") or "")) for d in details]
    lines = [line for line in dict.fromkeys(lines) if line and line != message]
    if message.rstrip(".").lower() in {"", "the request is invalid", "bad request"} and lines:
        message = lines.pop(0)
    code = _most_specific(error, details)
    if coded_message and not code and (prefix := _CODE_IN_MESSAGE.match(message)):
        code, message = prefix[1], message[prefix.end() :]
    inner = list(_inner(error))
    codes = [code, *(str(e["code"]) for e in (error, *inner) if e.get("code"))]
    told = {"", code, message, f"{code}: {message}"}
    return Problem(
        code=code,
        message=message,
        details=tuple(lines),
        codes=tuple(dict.fromkeys(filter(None, codes))),
        nested=tuple(line for line in dict.fromkeys(map(_line, inner)) if line not in told),
        policies=tuple(_policies(error)),
    )


def first_line(text: str) -> str:
    """Return the first non-empty line, at most 500 characters."""
    line = next((part.strip() for part in text.splitlines() if part.strip()), "")
    return line if len(line) <= 500 else line[:500] + "..."


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _inner(error: Mapping[str, Any], depth: int = _DEEPEST) -> Iterator[Mapping[str, Any]]:
    """Yield every nested error, outermost first: its details, its innerError, and those in additionalInfo."""
    if depth == 0:
        return
    found = [*_listed(error.get("details")), error.get("innerError") or error.get("innererror")]
    found += [item.get("value") for item in _additional(error, "InnerError")]
    for inner in found:
        if isinstance(inner, dict):
            yield inner
            yield from _inner(inner, depth - 1)


def _additional(error: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    """Yield the `info` of an error's additionalInfo entries of a type."""
    for item in _listed(error.get("additionalInfo")):
        if isinstance(item, dict) and item.get("type") == kind and isinstance(item.get("info"), dict):
            yield item["info"]


def _line(error: Mapping[str, Any]) -> str:
    return ": ".join(filter(None, [str(error.get("code") or ""), _unfolded(str(error.get("message") or ""))]))


def _most_specific(error: Mapping[str, Any], details: list[dict[str, Any]]) -> str:
    """Return the innermost specific code: JobPropertyImmutable rather than UserError."""
    outer = str(error.get("code") or "")
    if outer not in _GENERIC:
        return outer
    candidates = [*_inner_codes(error)]
    candidates += [str(d["code"]) for d in details if d.get("code")]
    return next((c for c in candidates if c not in _GENERIC), outer)


def _inner_codes(error: Mapping[str, Any]) -> list[str]:
    """Return the codes of the innerError chain, deepest first."""
    codes: list[str] = []
    inner = error.get("innerError") or error.get("innererror")
    if inner is None:
        inner = next((info.get("value") for info in _additional(error, "InnerError")), None)
    while isinstance(inner, dict):
        if inner.get("code"):
            codes.insert(0, str(inner["code"]))
        inner = inner.get("innerError") or inner.get("innererror")
    return codes


def _policies(error: Mapping[str, Any]) -> Iterator[str]:
    """Yield the policies of a RequestDisallowedByPolicy by display name, and what each evaluated.

    Format: Azure Policy's documentation of the error, `additionalInfo[].type` PolicyViolation.
    """
    for info in _additional(error, "PolicyViolation"):
        definition = info.get("policyDefinitionDisplayName") or info.get("policyDefinitionName")
        assignment = info.get("policyAssignmentDisplayName") or info.get("policyAssignmentName")
        named = [f"policy {definition}" if definition else "", f"assignment {assignment}" if assignment else ""]
        if scope := info.get("policyAssignmentScope"):
            named.append(f"at {scope}")
        evaluated = info.get("evaluationDetails")
        expressions = _listed(evaluated.get("evaluatedExpressions")) if isinstance(evaluated, dict) else []
        because = [_evaluated(e) for e in expressions if isinstance(e, dict)]
        yield ", ".join(filter(None, named)) + (f"; denied because {' and '.join(because)}" if because else "")


def _evaluated(expression: Mapping[str, Any]) -> str:
    """Return `tags[CostCenter] exists false`, and the actual value, if any."""
    field = expression.get("path") or expression.get("expression") or "a field"
    operator = str(expression.get("operator") or "is").lower()
    had = expression.get("expressionValue")
    return f"{field} {operator} {expression.get('targetValue')}" + (f" (it is {had})" if had is not None else "")


def _unfolded(message: str) -> str:
    """Return the message, or the messages in it if it is itself a JSON problem."""
    text = message.strip()
    if text.startswith("{"):
        try:
            document = json.loads(text)
        except ValueError:
            return message
        if isinstance(document, dict):
            lines = list(_rfc7807(document))
            return "; ".join(lines) or message
    return message


def _rfc7807(problem: Mapping[str, Any]) -> Iterator[str]:
    errors = problem.get("errors")
    if isinstance(errors, dict):
        for field, texts in errors.items():
            for text in texts if isinstance(texts, list) else [texts]:
                yield f"{field}: {text}" if field else str(text)
        if errors:
            return
    for key in ("detail", "title", "message"):
        if problem.get(key):
            yield str(problem[key])
            return


def _from_xml(text: str) -> Problem:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return Problem(message=first_line(re.sub(r"<[^>]*>", " ", text)))
    code = root.findtext("Code", "")
    return Problem(code=code, message=first_line(root.findtext("Message", "")), codes=(code,) if code else ())
