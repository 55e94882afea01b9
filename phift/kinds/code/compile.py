"""code.scoring: the folder of the scoring script, one version for each content."""

from __future__ import annotations

from dataclasses import replace

from phift.address import Address
from phift.compile.draft import Draft
from phift.compile.naming import asset_name
from phift.kinds.code.parts import CodeParts
from phift.kinds.code.script import script_problem
from phift.state.desired import Desired
from phift.state.exports import CodeExport

__all__ = ["code"]

CODE = Address("code", "scoring")
_NAME = "code"
_PATH = "deployment.code_configuration"


def code(draft: Draft) -> list[Desired[CodeParts]]:
    """Return the code of the deployment, if it has a scoring script. Registered code is not a resource."""
    block = draft.spec.deployment.code_configuration if draft.spec.deployment else None
    if block is None or block.asset is not None:
        return []
    folder = draft.facts.folders.get(f"{_PATH}.code")
    digest = folder.digest[:12] if folder else ""
    if folder and (problem := script_problem(folder, block.scoring_script)):
        place = f"{_PATH}.scoring_script"
        draft.findings.append(replace(problem, path=place, mark=draft.loaded.mark(place)))
    draft.export(CodeExport(CODE, digest))
    return [
        Desired(
            address=CODE,
            name=draft.named(CODE, asset_name(draft.stack, _NAME)),
            properties={"tags": draft.tags()},
            digest=digest,
            parts=CodeParts(folder),
            shown={"code": block.code, **({"files": len(folder.files), "bytes": folder.size} if folder else {})},
            generated=True,
            former_names=tuple(asset_name(stack, _NAME) for stack in draft.former),
        )
    ]
