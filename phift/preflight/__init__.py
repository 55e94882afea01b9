"""Checks made inside plan, before anything is spent. One check a module, each finding with a stable code."""

from phift.preflight.run import Subject, check

__all__ = ["Subject", "check"]
