"""Whether the tests run against a service, which they do here."""

__all__ = ["is_live", "is_live_and_not_recording"]


def is_live() -> bool:
    return True


def is_live_and_not_recording() -> bool:
    return True
