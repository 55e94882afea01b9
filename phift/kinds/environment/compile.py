"""environment.serving: the environment that the spec defines for its deployment, one version for each content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.address import Address
from phift.compile.draft import Draft, drop_none
from phift.compile.naming import asset_name
from phift.digest import digest_of
from phift.files import UnfitFileError, read_regular
from phift.folders import Folder
from phift.kinds.environment.parts import EnvironmentParts
from phift.spec import EnvironmentBlock, yaml12
from phift.spec.tree import plain
from phift.state.desired import Desired
from phift.state.exports import EnvironmentExport

__all__ = ["environment"]

ENVIRONMENT = Address("environment", "serving")
_NAME = "environment"
_PATH = "deployment.environment"
_MOST_BYTES = 1_000_000


def environment(draft: Draft) -> list[Desired[EnvironmentParts]]:
    """Return the environment that the spec defines. A reference is not a resource."""
    block = draft.spec.deployment.environment if draft.spec.deployment else None
    if not isinstance(block, EnvironmentBlock):
        return []
    conda, build = _conda(draft, block), draft.facts.folders.get(f"{_PATH}.build.path")
    if block.build and build and not build.has(block.build.dockerfile_path.removeprefix("./")):
        summary = f"no {block.build.dockerfile_path} in {build.name}"
        remedy = "The name is relative to deployment.environment.build.path."
        draft.error(f"{_PATH}.build.dockerfile_path", summary, code="dockerfile-missing", remedy=remedy)
    parts = EnvironmentParts(
        image=block.image or "",
        conda=conda,
        build=build,
        dockerfile=block.build.dockerfile_path if block.build else "",
        routes=block.inference_config.model_dump() if block.inference_config else None,
    )
    digest = _digest(parts, block.azure)
    name = block.name or draft.named(ENVIRONMENT, asset_name(draft.stack, _NAME))
    draft.export(EnvironmentExport(ENVIRONMENT, name, digest))
    return [
        Desired(
            address=ENVIRONMENT,
            name=name,
            properties=drop_none({"description": block.description, "tags": draft.tags(block.tags)}),
            digest=digest,
            parts=parts,
            shown=drop_none({"image": block.image, "build": block.build.path if block.build else None, "conda": conda}),
            azure=block.azure,
            generated=block.name is None,
            former_names=() if block.name else tuple(asset_name(stack, _NAME) for stack in draft.former),
        )
    ]


def _digest(parts: EnvironmentParts, azure: Mapping[str, Any]) -> str:
    """Return 12 hex digits of all that the container depends on."""
    build = {"files": parts.build.digest, "dockerfile": parts.dockerfile} if parts.build else None
    content = {"image": parts.image or None, "conda": parts.conda, "build": build, "routes": parts.routes}
    return digest_of(drop_none({**content, "azure": azure or None}), 12)


def _conda(draft: Draft, block: EnvironmentBlock) -> Mapping[str, Any] | None:
    """Return the content of the conda file; adds the problems of the file to the draft."""
    if block.conda_file is None or isinstance(block.conda_file, dict):
        return block.conda_file
    place = f"{_PATH}.conda_file"
    folder: Folder | None = draft.facts.folders.get(place)
    if folder is None:
        return None
    try:
        text = read_regular(folder.files[0].path, _MOST_BYTES).decode()
    except (UnfitFileError, OSError, UnicodeDecodeError):
        draft.error(place, f"{block.conda_file} is not a conda file", code="conda-invalid", remedy=_CONDA)
        return None
    root, found = yaml12.parse(text, str(folder.files[0].path))
    if root is None or found or root.mapping is None:
        why = f": {found[0].summary}" if found else ""
        draft.error(place, f"{block.conda_file} is not a conda file{why}", code="conda-invalid", remedy=_CONDA)
        return None
    content: Mapping[str, Any] = plain(root)
    return content


_CONDA = "A conda file is YAML with `channels` and `dependencies`."
