"""The traffic split in the words of `az ml`."""

from __future__ import annotations

from phift.kinds.exporting import Exported, Exporting, words
from phift.kinds.traffic.parts import TrafficParts
from phift.state.desired import Desired

__all__ = ["export"]


def export(exporting: Exporting, desired: Desired[TrafficParts]) -> Exported:
    """Return the command that shifts the traffic: the planned split, or all of it to the deployment."""
    split = desired.parts.split or desired.properties["traffic"]
    shares = " ".join(f"{name}={share}" for name, share in split.items())
    title = (f"The traffic: {', '.join(f'{share} % to {name}' for name, share in split.items())}.",)
    update = words("ml", "online-endpoint", "update", "--name", desired.name, "--traffic", shares, "--output", "none")
    return Exported(title, (update,))
