"""The deployments that serve, restored after a restart."""

from __future__ import annotations

from phift.emulator.runtime.serving.launch import Launch
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.endpoints.state import ENDPOINT, deployments_of

__all__ = ["recover"]


async def recover(emulator: Emulator) -> None:
    """Restart the containers of the deployments that served when the emulator stopped."""
    for endpoint in emulator.store.list(ENDPOINT):
        name = endpoint["document"]["name"]
        for record in deployments_of(emulator.store, name):
            going = record["document"]["properties"]["provisioningState"] == "Deleting"
            if record["launch"] and not going:
                emulator.containers.recover(name, record["document"]["name"], Launch.restored(record["launch"]))
