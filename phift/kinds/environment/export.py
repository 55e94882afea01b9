"""An environment version in the words of `az ml`."""

from __future__ import annotations

from phift.errors import UsageError
from phift.kinds.environment.parts import EnvironmentParts
from phift.kinds.environment.wire import EnvironmentWire
from phift.kinds.exporting import Created, Exported, Exporting, copied_folder, version
from phift.kinds.shared.versions import version_labels
from phift.state.desired import Desired

__all__ = ["export"]

_FOLDER = "build"


def export(exporting: Exporting, desired: Desired[EnvironmentParts]) -> Exported:
    """Return the files and commands of an environment version. Raises UsageError without its build context."""
    context, parts, wire = exporting.context, desired.parts, EnvironmentWire()
    if parts.dockerfile and parts.build is None:
        raise UsageError(f"the build context of {desired.address} is not available")
    path = f"{context.azure.workspace.arm_id}/environments/{desired.name}/versions/{desired.digest}"
    tags, bag = version_labels(context, desired, path, None)
    # The YAML of an environment has no properties; phift reads its marks from tags too.
    entity = wire.entity(desired, _FOLDER if parts.build else "", {**tags, **bag}, {})
    select = ("--name", desired.name, "--version", desired.digest)
    how = Created("environment", select, "environment", "load_environment", path, wire.api_version)
    title = (f"The environment {desired.name}.",)
    copies = copied_folder(parts.build, _FOLDER) if parts.build else {}
    local = {"build": {"path": _FOLDER, "dockerfile_path": parts.dockerfile}}
    return version(exporting, desired, how, title, entity, copies, local)
