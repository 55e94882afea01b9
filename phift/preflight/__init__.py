"""Checks made inside plan, before anything is spent. One check a module, each finding with a stable code."""

from phift.preflight.run import CHECKS, Subject, check

__all__ = ["CHECKS", "Subject", "check"]
