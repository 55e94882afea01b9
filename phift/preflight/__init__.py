"""Checks that run during planning, before anything is billed. One module per check; findings have stable codes."""

from phift.preflight.run import Subject, check

__all__ = ["Subject", "check"]
