"""Personal data by its form: found where it is, and not in every number."""

import pytest

from phift.data.personal import kinds_in


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("write to jo.doe+list@mail.example.org, please", {"email"}),
        ("call +44 20 7946 0958 or (555) 123-4567", {"phone"}),
        ("call 555-123-4567.", {"phone"}),
        ("pay with 4111 1111 1111 1111 today", {"card"}),
        ("pay with 4111-1111-1111-1111, or mail a@b.example", {"card", "email"}),
        ("to DE89 3704 0044 0532 0130 00, today", {"iban"}),
        ("to GB82WEST12345698765432", {"iban"}),
        ("pay with 3782 822463 10005 or 378282246310005", {"card"}),
        ("pay with 4111 1111 1111 1112", set()),  # its check digit is wrong
        ("to DE89 3704 0044 0532 0130 01", set()),
        ("in 1999 there were 1234567 of them, 3.14159265 each, on 2024-10-01", set()),
        ("a @ b, @name, x@y", set()),
        ("0000 0000 0000 0000 and 2222222222222222", set()),
        ("version 1.2.3.4, 10.0.0.1:8080", set()),
        ("", set()),
    ],
)
def test_kinds(text: str, kinds: set[str]) -> None:
    assert kinds_in(text) == kinds


@pytest.mark.parametrize(
    "text", ["a" * 200_000 + "@", "+1 " * 60_000, "4 " * 100_000, "AA11 " * 40_000, "a@" + "b." * 90_000]
)
def test_hostile_texts_take_no_time(text: str) -> None:
    """Linear: quadratic matching of these would take minutes."""
    kinds_in(text)
