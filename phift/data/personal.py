"""Detect personal data in texts by its format. It is counted, never quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["KINDS", "kinds_in"]

KINDS = ("email", "phone", "card", "iban")

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_PHONE = re.compile(
    r"(?<![\w+.-])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4})(?![\w-])",
    re.ASCII,
)
_CARD = re.compile(
    r"(?<![\w.-])(?:[2-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ -]?)\d{6}\2\d{5})(?![ -]?\d)(?!\w)", re.ASCII
)
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)", re.ASCII)
_DIGITS = re.compile(r"\d\D{0,2}\d\D{0,2}\d", re.ASCII)


def kinds_in(text: str) -> set[str]:
    """Return the KINDS that the text likely contains. Card numbers and IBANs must have a valid checksum."""
    return set(_found(text))


def _found(text: str) -> Iterator[str]:
    if "@" in text and _EMAIL.search(text):
        yield "email"
    # Most texts do not have three digits close to each other, and need no further checks.
    if not _DIGITS.search(text):
        return
    if any(7 <= sum(map(str.isdigit, match[0])) <= 15 for match in _PHONE.finditer(text)):
        yield "phone"
    if any(_luhn(match[0]) for match in _CARD.finditer(text)):
        yield "card"
    if any(_check_sum(match[0]) for match in _IBAN.finditer(text)):
        yield "iban"


def _luhn(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    doubled = (d * 2 - 9 * (d > 4) for d in digits[-2::-2])
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _check_sum(text: str) -> bool:
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    number = "".join(str(int(c, 36)) for c in plain[4:] + plain[:4])
    return int(number) % 97 == 1
