"""Autoscale settings of a stack that its spec no longer has, found without requests where the spec never had one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from phift.address import Address
from phift.errors import AzureError
from phift.kinds.context import Context
from phift.state.desired import Stack
from phift.state.live import Live, Observation
from phift.state.ownership import COMPANION

__all__ = ["EXISTS", "strays"]

EXISTS = "exists"
"""The fact of a stray whether its deployment exists."""


def strays(context: Context, stack: Stack, observed: Mapping[Address, Observation], thorough: bool) -> tuple[Live, ...]:
    """Return the settings of the stack other than that of the spec.

    They are read if the spec has one, or if a live deployment records one. thorough: always read them, and treat
    settings that cannot be read as missing, as the stack may never have had one. Raises AzureError.
    """
    own = {desired.name.lower() for desired in stack.of_kind("autoscale")}
    recorded = any(COMPANION in live.marks for seen in observed.values() for live in (seen.live, *seen.others) if live)
    if not (own or recorded or thorough):
        return ()
    from phift.kinds.autoscale.wire import settings_of

    try:
        found = settings_of(context, stack.former)
    except AzureError:
        if own or recorded:
            raise
        return ()
    others = (live for live in found if live.name.lower() not in own)
    return tuple(replace(live, facts={**live.facts, EXISTS: _exists(context, live)}) for live in others)


def _exists(context: Context, setting: Live) -> bool:
    """Return whether the deployment of a setting exists, whoever owns it."""
    from phift.kinds.shared.wire import READ

    deployments, _, name = str(setting.raw["properties"]["targetResourceUri"]).rpartition("/")
    return any(str(raw.get("name")).lower() == name.lower() for raw in context.list(deployments, READ))
