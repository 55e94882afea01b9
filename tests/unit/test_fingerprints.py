"""Fingerprints of live objects: what makes a saved plan stale, also one of an earlier release."""

from dataclasses import replace

from phift.digest import digest_of
from phift.state.live import Live
from phift.state.ownership import Owner, Ownership

LIVE = Live(
    name="gpu",
    object_id="/computes/gpu",
    properties={"size": "Standard_NC24ads_A100_v4", "max_instances": 1, "location": "eastus"},
    owner=Owner(Ownership.OURS),
    marks={"phift.stack": "demo"},
    added=frozenset({"location"}),
)
EARLIER = digest_of(["gpu", "", {"size": "Standard_NC24ads_A100_v4", "max_instances": 1}, {"phift.stack": "demo"}], 16)
"""The fingerprint by release 0.2.0, which did not read the location of a cluster."""


def test_a_fingerprint_of_this_release_covers_what_earlier_releases_did_not_read() -> None:
    assert LIVE.fingerprint != EARLIER
    assert LIVE.was(LIVE.fingerprint)
    moved = replace(LIVE, properties={**LIVE.properties, "location": "westus"})
    assert not moved.was(LIVE.fingerprint)


def test_a_fingerprint_of_an_earlier_release_is_accepted_while_what_it_covers_is_unchanged() -> None:
    assert LIVE.was(EARLIER)
    assert not replace(LIVE, properties={**LIVE.properties, "max_instances": 2}).was(EARLIER)
    assert not replace(LIVE, marks={}).was(EARLIER)
    assert not LIVE.was("")
