"""Splits whose source is no longer available: commands that do not create anything use the version in the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from phift.address import Address
from phift.azure.session import Azure
from phift.compile.naming import data_name
from phift.diagnostics import Diagnostic, Severity
from phift.kinds.context import Context
from phift.kinds.data.compile import TRAINED_ON
from phift.kinds.data.parts import DataParts
from phift.kinds.data.wire import DataWire
from phift.spec import LoadedSpec
from phift.state.desired import Desired
from phift.state.facts import DataFacts
from phift.state.ownership import Claim

__all__ = ["StoodIn", "stand_ins"]


@dataclass(frozen=True)
class StoodIn:
    """The facts by split, without a recipe, and a warning for each split."""

    facts: Mapping[str, DataFacts]
    warnings: tuple[Diagnostic, ...]


def stand_ins(
    loaded: LoadedSpec, unidentified: Mapping[str, str], azure: Azure, claim: Claim, former: tuple[str, ...]
) -> StoodIn:
    """Return the newest data version of this stack for each split. unidentified: reasons by split.

    Raises AzureError.
    """
    facts, warnings = {}, []
    for split, why in unidentified.items():
        if split not in TRAINED_ON:
            continue  # its rows are only sent to the endpoint
        version = _newest(loaded.stack, split, azure, claim, former)
        if version:
            facts[split] = DataFacts(split, version)
            detail = f"Using version {version}, the newest version of this stack in the workspace."
        else:
            detail = "The workspace does not contain a version that this stack created."
        path = f"data.{split}"
        warnings.append(
            Diagnostic(
                f"{path} cannot be identified: {why}",
                severity=Severity.WARNING,
                detail=detail,
                mark=loaded.mark(path),
                path=path,
                code="data-unidentified",
            )
        )
    return StoodIn(facts, tuple(warnings))


def _newest(stack: str, split: str, azure: Azure, claim: Claim, former: tuple[str, ...]) -> str:
    context = Context(azure, stack, claim)
    for name in (stack, *former):
        desired: Desired[DataParts] = Desired(
            Address("data", split), data_name(name, split), stack=stack, former=former
        )
        if live := DataWire().newest(context, desired):
            return live.version
    return ""
