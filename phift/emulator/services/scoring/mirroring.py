"""Mirrored traffic: copies of live requests, sent in the background to a deployment whose answers nobody sees."""

from __future__ import annotations

from phift.emulator.services.emulator import Emulator
from phift.emulator.services.scoring.gateway import Asked, Relay, Target, deliver, find
from phift.emulator.services.scoring.measured import Measured

__all__ = ["mirror"]


def mirror(emulator: Emulator, endpoint: str, name: str, asked: Asked) -> None:
    """Send a copy of a request to a deployment, and return at once. What becomes of it is in the metrics of that
    deployment alone: its limit of requests under way holds for copies too, and those beyond it are counted as 429."""
    if target := find(emulator, endpoint, name):
        emulator.spawn(_mirrored(emulator, endpoint, target, asked), name=f"mirrored request to {endpoint}/{name}")


async def _mirrored(emulator: Emulator, endpoint: str, target: Target, asked: Asked) -> None:
    measured = Measured(emulator.metrics, endpoint, len(asked.body))
    response = await deliver(target, asked, measured)
    if isinstance(response, Relay):
        await response.discard(target.seconds)
    else:
        measured.done(response.status_code, len(response.body))
