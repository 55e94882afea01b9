"""The password of a cluster's administrator, resolved on the machine that runs apply."""

from __future__ import annotations

import os

from phift.diagnostics import Diagnostic
from phift.errors import RefusedError
from phift.kinds.compute.parts import ComputeParts
from phift.state.desired import Desired

__all__ = ["password_of", "require_password"]


def require_password(desired: Desired[ComputeParts]) -> None:
    """Raise RefusedError if the password is not set."""
    password_of(desired)


def password_of(desired: Desired[ComputeParts]) -> str | None:
    """Return the password, None if the spec has none. Raises RefusedError if its environment variable is not set."""
    reference = desired.parts.password
    if reference is None:
        return None
    if (value := os.environ.get(reference.name)) is None:
        raise RefusedError(
            [
                Diagnostic(
                    f"the secret {reference} of compute.finetune.ssh.admin_password is not set",
                    remedy=f"Set the environment variable {reference.name} where `phift apply` runs.",
                    address=str(desired.address),
                    code="secret-missing",
                )
            ]
        )
    return value
