"""Everything that phift installs has a licence of the list."""

from __future__ import annotations

from email.message import Message
from importlib.metadata import distribution

import pytest

from tests.package.licences import KNOWN, installed_by, licence_of, not_allowed


def metadata(**fields: str | list[str]) -> Message:
    message = Message()
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            message[name.replace("_", "-")] = value
    return message


def test_every_package_has_an_allowed_licence() -> None:
    names = sorted(installed_by("phift", ["local"]))
    assert len(names) > 150
    wrong = [found for name in names if (found := not_allowed(name, distribution(name).metadata))]  # type: ignore[arg-type]
    assert wrong == [], "read the licence, then add it to tests/package/licences.yaml"


def test_the_exceptions_are_of_packages_that_are_installed() -> None:
    assert set(KNOWN["packages"]) <= installed_by("phift", ["local"])
    assert all(entry["why"] and entry["licence"] in KNOWN["allowed"] for entry in KNOWN["packages"].values())


@pytest.mark.parametrize(
    ("fields", "licence", "wrong"),
    [
        ({"License_Expression": "MIT"}, "MIT", ""),
        ({"License_Expression": "MPL-2.0 AND (Apache-2.0 OR MIT)"}, "MPL-2.0 AND (Apache-2.0 OR MIT)", ""),
        ({"License_Expression": "GPL-3.0-only"}, "GPL-3.0-only", "GPL-3.0-only is not allowed"),
        ({"License_Expression": "MIT OR AGPL-3.0"}, "MIT OR AGPL-3.0", "AGPL-3.0 is not allowed"),
        ({"Classifier": ["License :: OSI Approved :: MIT License", "Topic :: X"]}, "MIT", ""),
        ({"Classifier": "License :: Other/Proprietary License"}, "", "names no known licence"),
        ({"License": "Apache 2.0"}, "Apache-2.0", ""),
        ({"License": "MPL-2.0 AND MIT"}, "MPL-2.0 AND MIT", ""),
        ({"License": "see the file"}, "", "names no known licence"),
        ({}, "", "names no known licence"),
    ],
)  # fmt: skip
def test_what_metadata_says(fields: dict[str, str | list[str]], licence: str, wrong: str) -> None:
    found = metadata(**fields)
    assert licence_of(found) == licence
    assert not_allowed("a-package", found).endswith(wrong)
    assert bool(not_allowed("a-package", found)) == bool(wrong)
