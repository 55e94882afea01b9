"""The one reader of JSON bodies: what it returns can be walked, stored and written again without surprises."""

from __future__ import annotations

import json
import math
from typing import Any

from phift.emulator.core.errors import ServiceError

__all__ = ["parse_json"]

_MAX_DEPTH = 64  # the parser's own default (assumed: body_shapes)
_INTEGERS = range(-(2**63), 2**63)


def parse_json(data: bytes) -> Any:
    """The value that a body holds. Raises ServiceError 400 for what is not JSON, NaN and infinities included, for
    nesting beyond 64, integers beyond 64 bits and halves of surrogate pairs, which no UTF-8 text can hold."""
    try:
        value = json.loads(data, parse_constant=_constant, parse_float=_number)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise _refused(f"The request body is not JSON: {error}") from error
    _check(value)
    return value


def _check(value: Any) -> None:
    level, depth = [value], 0
    while level:
        if depth > _MAX_DEPTH:
            raise _too_deep()
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                for name in each:
                    _check_text(name)
                below += each.values()
            elif isinstance(each, list):
                below += each
            elif isinstance(each, str):
                _check_text(each)
            elif isinstance(each, int) and each not in _INTEGERS:
                raise _refused("The request body contains an integer outside the range of Int64.")
        level, depth = below, depth + 1


def _check_text(text: str) -> None:
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise _refused("The request body contains an unpaired surrogate.")


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:30]} is too large for a number")
    return number


def _too_deep() -> ServiceError:
    return _refused(f"The request body is nested deeper than the maximum of {_MAX_DEPTH}.")


def _refused(message: str) -> ServiceError:
    return ServiceError(400, "RequestInvalid", message)
