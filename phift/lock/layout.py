"""The order of the content of a lock file."""

from collections.abc import Mapping
from typing import Any

__all__ = ["sorted_body"]


def sorted_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content with sorted stacks and values. Inputs of a component stay with the first stack that has
    them."""
    stacks = {name: dict(pins) for name, pins in sorted(body["stacks"].items())}
    shared: set[str] = set()
    for pins in stacks.values():
        if inputs := pins.get("component", {}).get("inputs"):
            id = pins["component"]["id"]
            kept = {} if id in shared else {"inputs": dict(sorted(inputs.items()))}
            pins["component"] = {**{k: v for k, v in pins["component"].items() if k != "inputs"}, **kept}
            shared.add(id)
        for block, key in (("base_model", "model_defaults"), ("data", "revisions")):
            if block in pins:
                pins[block] = {**pins[block], key: dict(sorted(pins[block][key].items()))}
    head = {"version": body["version"], **({"id": body["id"]} if body["id"] else {})}
    return {**head, "stacks": stacks}
