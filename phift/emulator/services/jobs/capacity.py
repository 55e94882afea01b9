"""What work holds while it runs: the cores of this machine and the nodes of clusters."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from phift.emulator.core.quota import Quota, Use
from phift.emulator.core.sizes import size_named
from phift.emulator.core.store import Store
from phift.emulator.services.jobs.works import Command, Training

__all__ = ["Capacity", "Hold"]


class Hold:
    """What a job or a work of it holds. `release` may be called twice."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end: Callable[[], None] | None = end

    def release(self) -> None:
        if self._end:
            self._end()
            self._end = None


class Capacity:
    """Commands share the cores, one each; trainings have them all, one job at a time."""

    def __init__(self, store: Store, quota: Quota) -> None:
        self._store = store
        self._quota = quota
        self.cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._running: list[Training | Command] = []
        self._trains = ""

    def lacks(self, work: Training | Command, job: str) -> str:
        """Why a work of a job cannot start now; "" when it can."""
        if isinstance(work, Training) and self._trains not in ("", job):
            return "another job trains on this machine"
        if isinstance(work, Training) and any(isinstance(each, Training) for each in self._running):
            return "another node trains on this machine"
        if isinstance(work, Command):
            commands = sum(isinstance(each, Command) for each in self._running)
            if commands >= self.cores:
                return f"{commands} commands run on the {self.cores} cores of this machine"
        return self._lacks_nodes(work.compute, work.nodes) if work.compute else self._lacks_vcpus(work)

    def train(self, job: str) -> Hold:
        """No other job trains until the hold is released. Only for a job for which `lacks` has no objection."""
        self._trains = job
        return Hold(self._end_training)

    def take(self, work: Training | Command) -> Hold:
        """The work runs, or is about to; until the hold is released it counts."""
        self._running.append(work)
        return Hold(lambda: self._end_work(work))

    def nodes_in_use(self, compute: str) -> int:
        """How many nodes of a cluster run work now; names compare case-insensitively."""
        name = compute.casefold()
        return sum(work.nodes for work in self._running if work.compute.casefold() == name)

    def serverless_in_use(self) -> Iterator[Use]:
        """What works on serverless compute hold of the region's vCPUs."""
        return (Use(work.instance_type, work.nodes) for work in self._running if work.instance_type)

    def _end_training(self) -> None:
        self._trains = ""

    def _end_work(self, work: Training | Command) -> None:
        """The same object, not an equal one: two trials may be equal."""
        self._running = [each for each in self._running if each is not work]

    def _lacks_vcpus(self, work: Training | Command) -> str:
        size = size_named(work.instance_type)
        if size is None:
            return ""
        wanted, free = work.nodes * size.vcpus, self._quota.free(size, low_priority=False)
        if wanted > free:
            return f"serverless compute needs {wanted} vCPUs of {size.family.label}, {free} left"
        return ""

    def _lacks_nodes(self, name: str, nodes: int) -> str:
        document = self._store.get("compute", name)
        if document is None:
            return f"compute {name} does not exist"
        name = document["name"]
        properties: dict[str, Any] = document["properties"]
        if (state := properties.get("provisioningState", "Succeeded")) != "Succeeded":
            return f"compute {name} is {state}"
        scale = (properties.get("properties") or {}).get("scaleSettings") or {}
        most = int(scale.get("maxNodeCount", 1))
        if self.nodes_in_use(name) + nodes > most:
            return f"compute {name} has {most} nodes at most, {self.nodes_in_use(name)} in use, {nodes} wanted"
        return ""
