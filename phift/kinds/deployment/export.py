"""A deployment in the words of `az ml`."""

from __future__ import annotations

from dataclasses import replace

from phift.address import Address
from phift.kinds.deployment.count import wanted_count
from phift.kinds.deployment.parts import DeploymentParts
from phift.kinds.deployment.wire import WRITE, Assets, DeploymentWire, code_id
from phift.kinds.exporting import Created, Exported, Exporting, created
from phift.kinds.shared.online import endpoint_path
from phift.state.desired import Desired

__all__ = ["export"]


def export(exporting: Exporting, desired: Desired[DeploymentParts]) -> Exported:
    """Return the files and commands of a deployment. Secrets are options of the command."""
    context, parts, wire = exporting.context, desired.parts, DeploymentWire()
    if parts.model is None:
        raise TypeError(f"{desired.address} is not in the spec and is never exported")
    secrets = {name: one.name for name, one in parts.secrets.items() if one.source != "keyvault"}
    kept = {name: one for name, one in parts.secrets.items() if name not in secrets}
    plain = replace(desired, parts=replace(parts, secrets=kept))
    environment = parts.environment
    if isinstance(environment, Address):
        environment = exporting.reference(environment)
    code = ""
    if isinstance(parts.code, Address):
        code = exporting.arm_id("codes", parts.code)
    elif parts.code is not None:
        code = code_id(context, parts.code)
    ids = Assets(exporting.reference(parts.model), code, environment or "")
    tags, bag = wire.labels(context, desired, None)
    entity = wire.entity(plain, ids, wanted_count(desired, None), tags, bag)
    how = Created(
        "online-deployment",
        ("--name", desired.name, "--endpoint-name", parts.endpoint),
        "managedOnlineDeployment",
        "load_online_deployment",
        f"{endpoint_path(context, parts.endpoint)}/deployments/{desired.name}",
        WRITE,
        {f"environment_variables.{variable}": name for variable, name in secrets.items()},
    )
    title = (f"The deployment {desired.name}, without traffic.",)
    return created(exporting, plain, how, title, entity, wire.body(context, plain, entity))
