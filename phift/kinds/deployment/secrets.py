"""The secrets of a deployment, resolved on the machine that runs apply."""

from __future__ import annotations

import os

from phift.diagnostics import Diagnostic
from phift.errors import RefusedError
from phift.kinds.deployment.parts import DeploymentParts
from phift.state.desired import Desired

__all__ = ["require_secrets", "secrets_of"]


def require_secrets(desired: Desired[DeploymentParts]) -> None:
    """Raise RefusedError if a secret is not set."""
    secrets_of(desired)


def secrets_of(desired: Desired[DeploymentParts]) -> dict[str, str]:
    """Return the environment variables with secret values. The service resolves those of a key vault.

    Raises RefusedError with a finding for each that is not set.
    """
    found, missing = {}, []
    for variable, reference in desired.parts.secrets.items():
        if reference.source == "keyvault":
            found[variable] = f"${{{{keyvault:{reference.name}}}}}"
        elif (value := os.environ.get(reference.name)) is not None:
            found[variable] = value
        else:
            missing.append(
                Diagnostic(
                    f"the secret {reference} of deployment.environment_variables.{variable} is not set",
                    remedy=f"Set the environment variable {reference.name} where `phift apply` runs.",
                    address=str(desired.address),
                    code="secret-missing",
                )
            )
    if missing:
        raise RefusedError(missing)
    return found
